"""
Images: reconstruction errors of an autoencoder
===============================================

A convolutional autoencoder learns what a handwritten zero looks like, from the digits
that come with scikit-learn. It reconstructs images of other digits as zeros, and the
difference shows where they deviate from a zero.
"""

# %%
# The images have eight by eight pixels, and come as flat rows. ``shape`` tells the
# network how to read them, so the detector can be the last step of a Pipeline.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from sklearn_deepod import AutoEncoder
from sklearn_deepod.networks import Conv

X, y = load_digits(return_X_y=True)
zeros = np.flatnonzero(y == 0)
train, held_out = zeros[:100], zeros[100:140]
test = np.setdiff1d(np.arange(len(y)), zeros[:140])

detector = AutoEncoder(
    network=Conv(shape=(1, 8, 8)),
    mask_rate=0.0,
    novelty=True,
    random_state=0,
).fit(X[train])

# %%
# A network reconstructs the few images that it was trained on better than new ones, so
# the threshold from the training scores is too strict. Held-out zeros give a suitable
# one.

detector.offset_ = np.quantile(detector.score_samples(X[held_out]), 0.05)
scores = detector.score_samples(X[test])
print(f"ROC AUC: {roc_auc_score(y[test] == 0, scores):.3f}")
found = detector.predict(X[test]) == -1
print(f"zeros flagged: {found[y[test] == 0].mean():.1%}")
print(f"other digits flagged: {found[y[test] != 0].mean():.1%}")

# %%
# The most and the least normal zero, and the other digits that score as the most and
# the least normal.

own, others = test[y[test] == 0], test[y[test] != 0]
own = own[np.argsort(detector.score_samples(X[own]))]
others = others[np.argsort(-detector.score_samples(X[others]))]
shown = np.r_[own[[-1, 0]], others[:4], others[-2:]]
rebuilt = detector.reconstruct(X[shown])

figure, axes = plt.subplots(3, len(shown), figsize=(9, 3.6), layout="constrained")
difference = X[shown] - rebuilt
for column, index in enumerate(shown):
    label = "outlier" if detector.predict(X[[index]])[0] == -1 else "inlier"
    axes[0, column].set_title(f"{y[index]}\n{label}", fontsize=9)
    for row, (values, settings) in enumerate(
        [
            (X[index], {"cmap": "gray_r", "vmin": 0, "vmax": 16}),
            (rebuilt[column], {"cmap": "gray_r", "vmin": 0, "vmax": 16}),
            (difference[column], {"cmap": "RdBu_r", "vmin": -12, "vmax": 12}),
        ]
    ):
        axes[row, column].imshow(values.reshape(8, 8), **settings)
        axes[row, column].set(xticks=[], yticks=[])
for axis, name in zip(
    axes[:, 0], ["original", "reconstructed", "difference"], strict=True
):
    axis.set_ylabel(name)
plt.show()
