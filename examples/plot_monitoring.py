"""
Live monitoring: alarms at a rate that is set
=============================================

Readings of a generated server arrive every minute and are scored at once. How often an
alarm may be false is decided beforehand: once in 2,000 minutes.
"""

# %%
# Requests follow the day; the load of the processor and the response time follow the
# requests. There are two weeks to learn from, and two weeks for the threshold; then ten
# days live, with two faults: a slow disk, and a process that runs away.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_deepod.threshold import PeaksOverThreshold
from sklearn_deepod.timeseries import SeriesOutlierDetector

DAY = 1440
RATE = 1 / 2000
rng = np.random.RandomState(0)
n_train, n_threshold, n_live = 14 * DAY, 14 * DAY, 10 * DAY
n = n_train + n_threshold + n_live
minute = np.arange(n)


def smooth_noise(length):
    """Noise in which neighbours are alike."""
    return np.convolve(rng.randn(n + length), np.ones(length) / length**0.5, "valid")[
        :n
    ]


requests = 3 + 2 * np.sin(2 * np.pi * minute / DAY) + 0.3 * smooth_noise(30)
requests += 0.2 * rng.randn(n)
processor = 0.6 * requests + 0.1 * smooth_noise(10) + 0.1 * rng.randn(n)
response = 1 + 0.2 * requests + 0.1 * smooth_noise(5) + 0.05 * rng.randn(n)
fault = np.zeros(n, dtype=bool)
live = n_train + n_threshold
disk = slice(live + 4 * DAY + 300, live + 4 * DAY + 420)
runaway = slice(live + 8 * DAY + 900, live + 8 * DAY + 960)
response[disk] += 0.5 * np.abs(rng.randn(120))
processor[runaway] += 1.5
fault[disk] = fault[runaway] = True
X = np.column_stack([requests, processor, response])

# %%
# ``score_next`` continues the series from the time stamps before, so each score depends
# on the past only. The threshold comes from scores of time stamps that the detector has
# not seen in training: a generalised Pareto distribution is fitted to the highest.

detector = SeriesOutlierDetector(random_state=0).fit(X[:n_train])
before = detector.score_next(X[n_train:live])
rule = PeaksOverThreshold(rate=RATE).fit(-before)
print(f"threshold {rule.threshold_:.2f}, highest score so far {-before.min():.2f}")

# %%
# Live: the readings come in batches of an hour (one by one would give the same scores).
# The rule labels the scores one after the other, and goes on learning from those that
# raise no alarm.

scores, alarms, thresholds = [], [], []
for start in range(live, n, 60):
    new = detector.score_next(X[start : start + 60])
    thresholds.append(np.full(len(new), rule.threshold_))
    alarms.append(rule.update(-new) == -1)
    scores.append(-new)
scores, alarms, thresholds = map(np.concatenate, (scores, alarms, thresholds))

# %%
# Windows that still hold a fault keep the score high for a while after it, so the two
# hours after a fault count neither as false nor as right. High scores come in runs, so
# the number of false alarms varies more than if they were independent.

during = fault[live:]
after = np.convolve(during, np.ones(120), "full")[: len(during)] > 0
false = alarms & ~after
for name, part in (("slow disk", disk), ("runaway process", runaway)):
    raised = np.flatnonzero(alarms[part.start - live : part.stop - live])
    delay = f"after {raised[0]} minutes" if len(raised) else "not"
    print(f"{name}: found {delay}")
print(
    f"false alarms in {np.sum(~after)} minutes: {false.sum()}, "
    f"{RATE * np.sum(~after):.1f} expected"
)

# %%
# The scores of the ten days and the threshold, which moves little.

days = np.arange(len(scores)) / DAY
figure, (above, below) = plt.subplots(
    2, 1, sharex=True, figsize=(9, 5), layout="constrained"
)
names = ("requests", "processor", "response time")
for channel, name in zip(X[live:].T, names, strict=True):
    above.plot(days, channel, linewidth=0.5, label=name)
above.legend(ncols=3, fontsize=8, loc="upper left")
below.plot(days, scores, color="0.4", linewidth=0.5, label="anomaly score")
below.plot(days, thresholds, color="C3", linewidth=0.8, label="threshold")
below.plot(days[alarms], scores[alarms], "C3.", markersize=4, label="alarm")
below.set(xlabel="days", yscale="log")
below.legend(ncols=3, fontsize=8, loc="upper left")
for ax in (above, below):
    for part in (disk, runaway):
        ax.axvspan(
            (part.start - live) / DAY, (part.stop - live) / DAY, color="C3", alpha=0.2
        )
plt.show()
