"""
Time series: scores of time stamps from windows
===============================================

The data are daily prices of one share from 2004 to 2008, which come with matplotlib.
The detector is trained on windows of twenty trading days up to the end of 2006, and
scores all days.
"""

# %%
# There are two channels: the return of the day, and its volume relative to the month
# before. Unlike the price, both have the same meaning in every year.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_deepod import AutoEncoder, ModifiedZScore, WindowedDetector

table = get_sample_data("goog.npz")["price_data"]
returns = 100 * np.diff(np.log(table["adj_close"]))
volume = np.log(table["volume"].astype(float))
usual = np.convolve(volume, np.ones(20) / 20, mode="valid")[:-1]
dates, price = table["date"][20:], table["adj_close"][20:]
X = np.column_stack([returns[19:], volume[20:] - usual])
train = dates < np.datetime64("2007-01-01")
print(f"{len(X)} days, {train.sum()} of them to train on")

# %%
# A temporal convolutional network reads windows; for comparison, ``ModifiedZScore``
# scores single days.

network = AutoEncoder(network="tcn", novelty=True, n_estimators=2, random_state=0)
windowed = WindowedDetector(network, window=20, novelty=True)
detector = make_pipeline(StandardScaler(), windowed).fit(X[train])
scores = detector.decision_function(X)
days = ModifiedZScore().fit(X[train]).decision_function(X)
for year in (2007, 2008):
    year_days = dates.astype("datetime64[Y]").astype(int) + 1970 == year
    print(
        f"{year}: {np.mean(scores[year_days] < 0):.0%} of the days in unusual windows, "
        f"{np.mean(days[year_days] < 0):.0%} unusual as single days"
    )
print("most unusual:", dates[scores.argmin()])

# %%
# The series and its scores; days with a score below the threshold 0 are flagged.

figure, (above, below) = plt.subplots(
    2, 1, sharex=True, figsize=(9, 4.5), layout="constrained"
)
flagged = scores < 0
above.plot(dates, price, color="0.5", linewidth=0.8)
above.plot(dates[flagged], price[flagged], ".", color="C3", label="flagged")
above.axvspan(dates[0], dates[train][-1], color="C0", alpha=0.1, label="training")
above.set_ylabel("price")
above.legend(loc="upper left", ncols=2, fontsize=8)
below.plot(dates, scores, color="C0", linewidth=0.8)
below.axhline(0, color="C3", linewidth=0.8)
below.set_ylabel("decision function")
plt.show()
