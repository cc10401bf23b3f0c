"""
Treatment: drop, repair or replace outliers
===========================================

The table holds ten measurements of cell nuclei, from the breast cancer data that come
with scikit-learn. A twentieth of the cells is corrupted by typical errors: confused
units, swapped digits, a stuck sensor. How accurate is a classifier if such rows are
left in, dropped, repaired, or replaced?
"""

# %%
# With one wrong cell in twenty, two rows in five contain an error. Since the truth is
# known, the distance to it can be measured: the root mean square, in standard
# deviations.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_deepod import AutoEncoder
from sklearn_deepod.treatment import OutlierDropper, OutlierRepairer, OutlierReplacer

data = load_breast_cancer()
X, y = data.data[:, :10], data.target
names = [name.removeprefix("mean ") for name in data.feature_names[:10]]


def swap_digits(value):
    """Exchange the first two digits: 12.3 becomes 21.3, and 0.0987 becomes 0.0897."""
    first, second, *rest = (c for c in f"{value:.4e}" if c != ".")
    return float(f"{second}.{first}{''.join(rest)}")


rng = np.random.RandomState(0)
dirty = X.copy()
for number, cell in enumerate(rng.permutation(X.size)[: X.size // 20]):
    i, j = np.unravel_index(cell, X.shape)
    if number % 3 == 0:
        dirty[i, j] *= rng.choice([1000, 1 / 1000])
    elif number % 3 == 1:
        dirty[i, j] = swap_digits(X[i, j])
    else:
        dirty[i, j] = X[:, j].max()


def distance(A):
    return np.sqrt(np.mean(((A - X) / X.std(axis=0)) ** 2))


wrong = dirty != X
print(f"{wrong.mean():.1%} of the cells, {wrong.any(axis=1).mean():.0%} of the rows")

# %%
# The threshold of the detector determines how many rows are flagged. In these, the
# repairer searches for the deviating cells and replaces them by predictions from the
# other cells. All other rows stay as they are.

detector = AutoEncoder(contamination=0.3, random_state=0)
repairer = OutlierRepairer(detector)
repaired = repairer.fit_transform(dirty)
changed = repaired != dirty
print(f"distance to the truth: {distance(dirty):.1f}, now {distance(repaired):.2f}")
print(
    f"cells changed: {changed.sum()}, of which {wrong[changed].mean():.0%} were wrong"
)
print(f"wrong cells found: {changed[wrong].mean():.0%}")

report = repairer.repair_report_
for k in range(5):
    column = report["feature"][k]
    print(
        f"row {report['row'][k]}, {names[column]}: {report['old'][k]:.4g} becomes "
        f"{report['new'][k]:.4g} (true: {X[report['row'][k], column]:.4g})"
    )

# %%
# A classifier is trained on four fifths of the corrupted table, untreated and after
# each treatment. It is tested on the remaining fifth, once with true values and once
# with errors like those in training. The transformers also treat the rows to predict.
# Dropping applies to training rows only, since each row to predict needs a prediction.

treatments = {
    "nothing": None,
    "dropped": OutlierDropper(detector),
    "replaced\nby medians": OutlierReplacer(detector, strategy="median"),
    "repaired": repairer,
    "repaired\ntwo times": make_pipeline(repairer, repairer),
}
model = make_pipeline(StandardScaler(), LogisticRegression())
accuracy = {name: [] for name in ("true values", *treatments)}
folds = StratifiedKFold(5, shuffle=True, random_state=0)
for train, test in folds.split(X, y):
    model.fit(X[train], y[train])
    accuracy["true values"].append([model.score(T[test], y[test]) for T in (X, dirty)])
    for name, treatment in treatments.items():
        tests = X[test], dirty[test]
        rows, targets = dirty[train], y[train]
        if isinstance(treatment, OutlierDropper):
            rows, targets = treatment.fit_resample(rows, targets)
        elif treatment is not None:
            rows = treatment.fit_transform(rows)
            tests = [treatment.transform(T) for T in tests]
        model.fit(rows, targets)
        accuracy[name].append([model.score(T, y[test]) for T in tests])

means = {name: np.mean(scores, axis=0) for name, scores in accuracy.items()}
for name, (on_true, on_dirty) in means.items():
    name = name.replace("\n", " ")
    print(f"{name:20} {on_true:.3f} on true rows, {on_dirty:.3f} on rows with errors")

# %%
# Dropping improves the training rows only; repairing also improves the rows to predict.
# (A random forest would be hardly affected by such errors, because it only compares
# each value with thresholds.)

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 4), width_ratios=(1, 1.4), layout="constrained"
)
cells = np.argsort(-wrong.sum(axis=1), kind="stable")[:40]
marks = np.zeros((40, 10))
marks[wrong[cells]] = 1
marks[(wrong & changed)[cells]] = 2
marks[(~wrong & changed)[cells]] = 3
colours = plt.matplotlib.colors.ListedColormap(["0.93", "C3", "C2", "C1"])
left.imshow(marks, cmap=colours, aspect="auto", vmin=0, vmax=3, interpolation="none")
left.set_xticks(range(10), names, rotation=90, fontsize=7)
left.set_ylabel("rows with most errors")
for label, colour in (
    ("wrong, left", "C3"),
    ("wrong, repaired", "C2"),
    ("changed", "C1"),
):
    left.plot([], "s", color=colour, label=label)
left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=7)

position = np.arange(len(means))
for shift, (label, colour) in enumerate(
    (("tested on true rows", "C0"), ("on rows with errors", "C1"))
):
    values = [mean[shift] for mean in means.values()]
    right.bar(position + 0.4 * shift - 0.2, values, 0.4, color=colour, label=label)
right.set_xticks(position, means, fontsize=7)
right.set_ylim(0.5, 1.0)
right.set_ylabel("accuracy")
right.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=7)
plt.show()
