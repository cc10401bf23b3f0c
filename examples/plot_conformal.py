"""
A guaranteed rate of false alarms
=================================

How many alarms will be false? A detector's score does not say. Rows that it was not
fitted on do: :class:`~sklearn_deepod.threshold.ConformalDetector` compares each new row
with them, and keeps the rate that it is asked for, whatever the detector and the data.
"""

# %%
# Breast tumours: 357 are benign, and taken for normal. They are split at random many
# times; two thirds are given to `fit`, the others judged, all of which are normal.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest

from sklearn_deepod import ConformalDetector

X, y = load_breast_cancer(return_X_y=True)
benign, malignant = X[y == 1], X[y == 0]
alphas = np.linspace(0.01, 0.2, 20)
n_splits = 60


def split(seed):
    """Benign rows to fit on, and others to judge."""
    rows = np.random.RandomState(seed).permutation(len(benign))
    return benign[rows[:240]], benign[rows[240:]]


alarms = {}
for method in ("split", "cross"):
    alarms[method] = np.empty((n_splits, len(alphas)))
    for seed in range(n_splits):
        train, new = split(seed)
        detector = ConformalDetector(
            IsolationForest(n_estimators=20, random_state=seed),
            method=method,
            cv=5,
            random_state=seed,
        ).fit(train)
        p = detector.p_values(new)
        alarms[method][seed] = np.mean(p[:, None] <= alphas, axis=0)
    print(f"{method}: {alarms[method][:, 9].mean():.3f} at alpha = {alphas[9]:.2f}")

# %% Beside it the usual way: the detector's own threshold for the same share of its
# training rows. It has seen these, and scores them too high.

alarms["contamination"] = np.empty((n_splits, len(alphas)))
for seed in range(n_splits):
    train, new = split(seed)
    forest = IsolationForest(n_estimators=20, random_state=seed).fit(train)
    cuts = np.quantile(forest.score_samples(train), alphas)
    alarms["contamination"][seed] = np.mean(
        forest.score_samples(new)[:, None] < cuts, axis=0
    )

# %%
# A batch: 117 benign and 20 malignant tumours. Of the rows that `predict_fdr` selects,
# at most the given share is benign on average.

levels = np.linspace(0.05, 0.5, 10)
false, found = np.empty((2, n_splits, len(levels)))
for seed in range(n_splits):
    train, new = split(seed)
    outliers = malignant[np.random.RandomState(seed).permutation(212)[:20]]
    detector = ConformalDetector(
        IsolationForest(n_estimators=20, random_state=seed), random_state=seed
    ).fit(train)
    batch = np.vstack([new, outliers])
    for i, level in enumerate(levels):
        selected = detector.predict_fdr(batch, level=level) == -1
        false[seed, i] = selected[:-20].sum() / max(1, selected.sum())
        found[seed, i] = selected[-20:].mean()

# %%
# On the diagonal a promise is kept exactly, below it more than kept. P-values are
# multiples of 1 / 121 here, for 120 calibration rows, so that low levels select nothing
# at times.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name, rates in alarms.items():
    mean = rates.mean(axis=0)
    error = 2 * rates.std(axis=0) / np.sqrt(n_splits)
    left.plot(alphas, mean, label=name)
    left.fill_between(alphas, mean - error, mean + error, alpha=0.2)
left.plot(alphas, alphas, "k--", linewidth=0.8)
left.set(xlabel="alpha", ylabel="rate of false alarms")
left.legend(title="method")
right.plot(levels, false.mean(axis=0), label="benign among the selected")
right.plot(levels, found.mean(axis=0), label="malignant that are selected")
right.plot(levels, levels, "k--", linewidth=0.8)
right.set(xlabel="level", ylabel="share", ylim=(0, 1))
right.legend()
plt.show()
