"""Specifications of networks."""

from sklearn_deepod.networks._base import BaseNetwork
from sklearn_deepod.networks._conv import Conv
from sklearn_deepod.networks._dense import Dense
from sklearn_deepod.networks._recurrent import GRU, LSTM
from sklearn_deepod.networks._tcn import TCN

__all__ = ["GRU", "LSTM", "TCN", "BaseNetwork", "Conv", "Dense"]
