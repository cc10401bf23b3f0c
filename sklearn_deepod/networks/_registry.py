"""Networks by the names that the parameter `network` takes."""

from sklearn_deepod.networks._conv import Conv
from sklearn_deepod.networks._dense import Dense
from sklearn_deepod.networks._recurrent import GRU, LSTM
from sklearn_deepod.networks._tcn import TCN

NETWORKS = {"conv": Conv, "dense": Dense, "gru": GRU, "lstm": LSTM, "tcn": TCN}
