"""
A guaranteed rate of false alarms
=================================

How many alarms will be false? The score of a detector does not say.
:class:`~sklearn_deepod.threshold.ConformalDetector` compares each new row with held-out
rows, and guarantees the requested rate of false alarms for any detector and any data.
"""

# %%
# Breast tumours: the 357 benign ones count as normal. They are split at random many
# times; two thirds are given to `fit`, and the detector labels the others, all normal.

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
    """Benign rows to fit on, and others to label."""
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

# %%
# For comparison, the usual way: the detector's own threshold for the same share of its
# training rows. The detector has seen these rows, and scores them too high.

alarms["contamination"] = np.empty((n_splits, len(alphas)))
for seed in range(n_splits):
    train, new = split(seed)
    forest = IsolationForest(n_estimators=20, random_state=seed).fit(train)
    thresholds = np.quantile(forest.score_samples(train), alphas)
    alarms["contamination"][seed] = np.mean(
        forest.score_samples(new)[:, None] < thresholds, axis=0
    )

# %%
# A batch of 117 benign and 20 malignant tumours. Of the rows that `predict_fdr`
# selects, at most the given share are benign on average.

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
# On the diagonal the rate equals the guaranteed one, below it there are fewer false
# alarms. With 120 calibration rows, p-values are multiples of 1 / 121, so low levels
# sometimes select nothing.

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
