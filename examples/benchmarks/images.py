"""Accuracy on images: one digit is normal, all others are outliers.

For each digit a detector is fitted on a random 80 % of its images and scores the rest
of them and all images of other digits. The images are MNIST's 10,000 test images, also
inverted or rotated by 30 degrees; scikit-learn's digits; or patches of its two
photographs, numbered 0 and 1.

``--choose`` compares the score functions of the convolutional AutoEncoder instead; the
last row gives, for each digit, the figure of the score function that has the best mean
over the other digits.
"""

import argparse
import gzip
from pathlib import Path
from time import process_time

import numpy as np
from _common import data_folder, limit_threads, print_table, seconds
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage
from sklearn.datasets import load_digits, load_sample_images
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from sklearn_deepod import AutoEncoder, DeepSVDD, VariationalAutoEncoder


def load_mnist(folder):
    """Return images (n, 1, 28, 28) in [0, 1] and their digits."""
    arrays = []
    for name, offset in (("images-idx3", 16), ("labels-idx1", 8)):
        path = folder / "mnist" / f"t10k-{name}-ubyte.gz"
        if not path.exists():
            raise SystemExit(f"No data: {path} is missing; it is a file of MNIST.")
        with gzip.open(path) as file:
            arrays.append(np.frombuffer(file.read(), np.uint8, offset=offset))
    images, digits = arrays
    return images.reshape(-1, 1, 28, 28) / 255.0, digits


def load_rotated(folder):
    """Return MNIST's images rotated by 30 degrees."""
    images, digits = load_mnist(folder)
    turned = ndimage.rotate(images, 30, axes=(2, 3), reshape=False, order=1)
    return turned.clip(0, 1), digits


def load_inverted(folder):
    """Return MNIST's images, black on white."""
    images, digits = load_mnist(folder)
    return 1.0 - images, digits


def load_small_digits(folder):
    """Return scikit-learn's digits (n, 1, 8, 8); no folder is read."""
    X, digits = load_digits(return_X_y=True)
    return X.reshape(-1, 1, 8, 8), digits


def load_patches(folder, n_patches=1000, size=16):
    """Return random patches (n, 3, 16, 16) of two photographs; no folder is read."""
    rng = np.random.default_rng(0)
    patches = []
    for photo in load_sample_images().images:
        windows = sliding_window_view(photo, (size, size), axis=(0, 1))
        top, left = (rng.integers(0, n, n_patches) for n in windows.shape[:2])
        patches.append(windows[top, left] / 255.0)
    return np.concatenate(patches), np.repeat([0, 1], n_patches)


IMAGES = {
    "mnist": load_mnist,
    "inverted": load_inverted,
    "rotated": load_rotated,
    "digits": load_small_digits,
    "photos": load_patches,
}


class Residual:
    """Squared distance of a flat image from a linear subspace."""

    def __init__(self, n_components):
        self.pca = PCA(n_components, random_state=0)

    def fit(self, X):
        """Find the subspace."""
        self.pca.fit(X.reshape(len(X), -1))
        return self

    def score_samples(self, X):
        """Return the opposite of the distances."""
        X = X.reshape(len(X), -1)
        rebuilt = self.pca.inverse_transform(self.pca.transform(X))
        return -np.square(X - rebuilt).sum(axis=1)


class Nearest:
    """Distance to the nearest training image."""

    def fit(self, X):
        """Keep the images."""
        self.index = NearestNeighbors(n_neighbors=1).fit(X.reshape(len(X), -1))
        return self

    def score_samples(self, X):
        """Return the opposite of the distances."""
        return -self.index.kneighbors(X.reshape(len(X), -1))[0][:, 0]


class Flat:
    """A detector of tables, given flat images."""

    def __init__(self, detector):
        self.detector = detector

    def fit(self, X):
        """Fit on flat images."""
        self.detector.fit(X.reshape(len(X), -1))
        return self

    def score_samples(self, X):
        """Score flat images."""
        return self.detector.score_samples(X.reshape(len(X), -1))


def deep(cls, **params):
    """Return a maker of detectors of clean images on the CPU."""
    return lambda seed: cls(novelty=True, device="cpu", random_state=seed, **params)


SCORES = {
    f"AutoEncoder, conv, {score_function}": deep(
        AutoEncoder, network="conv", score_function=score_function
    )
    for score_function in (
        "multiscale_error",
        "relative_error",
        "squared_error",
        "whitened",
    )
}
DETECTORS = {
    "AutoEncoder, conv": deep(AutoEncoder, network="conv"),
    "AutoEncoder, dense": deep(AutoEncoder, network="dense"),
    "DeepSVDD, conv": deep(DeepSVDD, network="conv", preprocessor=None),
    "VariationalAutoEncoder, conv": deep(VariationalAutoEncoder, network="conv"),
    "PCA, 32 components": lambda seed: Residual(32),
    "1-NN": lambda seed: Nearest(),
    "IsolationForest": lambda seed: Flat(IsolationForest(random_state=seed)),
}


def split(digits, digit, seed):
    """Return the positions of training and test images."""
    own = np.random.default_rng(seed).permutation(np.flatnonzero(digits == digit))
    train = own[: int(0.8 * len(own))]
    return train, np.setdiff1d(np.arange(len(digits)), train)


def evaluate(make, images, digits, args):
    """Return each digit's AUC in percent, and the CPU seconds of fits and scores."""
    auc, fit_seconds, score_seconds = [], 0.0, 0.0
    for digit in args.digits:
        for seed in args.seeds:
            train, test = split(digits, digit, seed)
            detector = make(seed)
            scores = []
            with limit_threads(args.threads):
                fit_seconds += seconds(detector.fit, images[train], clock=process_time)
                score_seconds += seconds(
                    lambda d=detector, t=test, s=scores: s.append(
                        d.score_samples(images[t])
                    ),
                    clock=process_time,
                )
            auc.append(roc_auc_score(digits[test] == digit, scores[0]))
    auc = 100 * np.reshape(auc, (len(args.digits), -1)).mean(axis=1)
    return auc, fit_seconds, score_seconds


def chosen_without(auc):
    """Return, for each column of `auc`, the row that is best on the other columns."""
    others = auc.sum(axis=1, keepdims=True) - auc
    return auc[others.argmax(axis=0), np.arange(auc.shape[1])]


def row(name, auc, digits, *rest):
    """Return a line of the table; the means are over 0 to 4, 5 to 9, and all digits."""
    digits = np.asarray(digits)
    groups = [auc[digits < 5], auc[digits >= 5], auc]
    means = [f"{g.mean():.2f}" if len(g) else "" for g in groups]
    return (name, *(f"{value:.1f}" for value in auc), *means, *rest)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds mnist/t10k-*.gz")
    parser.add_argument("--images", choices=IMAGES, default="mnist")
    parser.add_argument("--digits", type=int, nargs="+", help="all unless given")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=DETECTORS)
    parser.add_argument("--choose", action="store_true", help="compare score functions")
    args = parser.parse_args()
    folder = None
    if args.images not in ("digits", "photos"):
        folder = Path(data_folder(args.data, "mnist/t10k-*.gz"))
    images, digits = IMAGES[args.images](folder)
    args.digits = args.digits or np.unique(digits).tolist()
    makers = SCORES if args.choose else {d: DETECTORS[d] for d in args.detectors}
    rows, found = [], []
    for name, make in makers.items():
        auc, fit_seconds, score_seconds = evaluate(make, images, digits, args)
        found.append(auc)
        times = f"{fit_seconds:.0f}", f"{score_seconds:.0f}"
        rows.append(row(name, auc, args.digits, *times))
    if args.choose:
        chosen = chosen_without(np.array(found))
        rows.append(row("chosen without the digit", chosen, args.digits, "", ""))
    print_table(
        f"{args.images}: ROC AUC in percent, seeds {args.seeds}, "
        f"{args.threads} thread(s)",
        ("normal digit", *map(str, args.digits), "0-4", "5-9", "mean")
        + ("fit CPU s", "score CPU s"),
        rows,
    )


if __name__ == "__main__":
    main()
