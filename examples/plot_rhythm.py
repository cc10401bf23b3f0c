"""
A rhythm: beats that differ in shape
====================================

A generated signal like an electrocardiogram, with beats that vary in length and height.
In a rhythm, single values say little: an unusual beat has the same range as the others,
and only its shape or its time differs.
"""

# %%
# A beat is a sum of five waves. The signal for training has 120 normal beats. In the
# signal to be scored, one beat is early and wide, one has its last wave inverted, and
# one is missing.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_deepod import WindowedDetector
from sklearn_deepod.metrics import vus_pr_score
from sklearn_deepod.timeseries import SeriesOutlierDetector, find_events

#: place in the beat, height and width of the waves P, Q, R, S and T
WAVES = np.array(
    [
        (0.20, 0.12, 0.025),
        (0.37, -0.10, 0.010),
        (0.40, 1.00, 0.012),
        (0.43, -0.20, 0.012),
        (0.65, 0.30, 0.045),
    ]
)


def beat(length, waves=WAVES):
    """One beat of some time stamps."""
    t = np.arange(length)[:, None] / length
    place, height, width = waves.T
    return (height * np.exp(-0.5 * ((t - place) / width) ** 2)).sum(axis=1)


def signal(n_beats, seed, unusual=None):
    """Beats one after the other, and which time stamps are unusual."""
    rng = np.random.RandomState(seed)
    values, labels = [], []
    for i in range(n_beats):
        length = int(90 * (1 + 0.04 * rng.randn() + 0.05 * np.sin(i / 5)))
        of_beat = (unusual or {}).get(i, lambda length: beat(length))(length)
        values.append((1 + 0.05 * rng.randn()) * of_beat)
        labels.append(np.full(len(of_beat), i in (unusual or {})))
    values = np.concatenate(values)
    drift = 0.05 * np.sin(np.arange(len(values)) / 300)  # breathing
    noise = 0.02 * rng.randn(len(values))
    return (values + drift + noise)[:, None], np.concatenate(labels)


def early(length):
    wide = WAVES * [1, 1, 3]
    return beat(int(0.6 * length), wide[1:])


def inverted(length):
    return beat(length, np.vstack([WAVES[:4], WAVES[4] * [1, -1, 1]]))


X_train, _ = signal(120, seed=0)
X, unusual = signal(60, seed=1, unusual={15: early, 30: inverted, 45: np.zeros})
print(f"{len(X_train)} time stamps to train on, {len(X)} to score")

# %%
# ``SeriesOutlierDetector`` compares shapes. ``IsolationForest`` reads windows of 64
# values, in which a normal beat can stand at any place.

scores = {}
detector = SeriesOutlierDetector(random_state=0).fit(X_train)
scores["SeriesOutlierDetector"] = detector.score_samples(X)
forest = WindowedDetector(IsolationForest(random_state=0), window=64, merge="mean")
scores["IsolationForest"] = forest.fit(X_train).score_samples(X)
scores["single values"] = -np.abs(X - X_train.mean())[:, 0]
for name, of_detector in scores.items():
    auc = roc_auc_score(unusual, -of_detector)
    precision = average_precision_score(unusual, -of_detector)
    vus = vus_pr_score(np.where(unusual, -1, 1), of_detector, max_buffer=90)
    print(f"{name}: ROC AUC {auc:.2f}, AP {precision:.2f}, VUS-PR {vus:.2f}")

events = find_events(detector, X, min_length=10, min_gap=45)
worst = events.sort_values("severity", ascending=False).head(3)
print(worst[["start", "end", "peak", "severity"]].round(2).to_string(index=False))

# %%
# The three beats with their neighbours, and the anomaly scores. To the other two,
# normal beats are as unusual as these, and a missing beat is as usual as can be.

edges = np.flatnonzero(np.diff(unusual.astype(int), prepend=0, append=0)).reshape(-1, 2)
figure, axes = plt.subplots(
    4, 3, sharex="col", sharey="row", figsize=(9, 6), layout="constrained"
)
titles = ("early and wide", "inverted", "missing")
for ax, name in zip(axes[:, 0], ("signal", *scores), strict=True):
    ax.set_ylabel(name, fontsize=8)
for (start, stop), title, column in zip(edges, titles, axes.T, strict=True):
    part = slice(start - 250, stop + 250)
    t = np.arange(len(X))[part]
    column[0].plot(t, X[part, 0], color="0.4", linewidth=0.8)
    column[0].set_title(title)
    for ax, of_detector in zip(column[1:], scores.values(), strict=True):
        ax.plot(t, -of_detector[part], color="C0", linewidth=0.8)
        ax.set_yticks([])
    column[1].axhline(-detector.offset_, color="C3", linewidth=0.8)
    for ax in column:
        ax.axvspan(start, stop, color="C3", alpha=0.15)
plt.show()
