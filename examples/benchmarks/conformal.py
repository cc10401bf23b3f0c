"""Rates of false alarms and of false discoveries of ConformalDetector.

Exchangeable normal rows, real or generated, are split at random many times: some are
given to `fit`, and the detector labels the others. The mean rate of false alarms must
be at most the guaranteed one: alpha with "split", twice alpha (proven) and about alpha
(expected) with "cross" and "jackknife+". Then outliers are added to the new rows, and
the procedure of Benjamini and Hochberg selects rows: the mean share of normal rows
among the selected ones must be at most the level. Each figure has its Monte-Carlo
error.
"""

import argparse

import numpy as np
from _common import limit_threads, print_table
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest

from sklearn_deepod import ConformalDetector, ModifiedZScore

ALPHAS = (0.01, 0.05, 0.1)
LEVELS = (0.05, 0.1, 0.2)
# The methods that fit often get few rows and a detector that is fitted fast.
N_FIT = {"split": 240, "cross": 240, "jackknife+": 120}
N_OUTLIERS = 20


def breast_cancer(rng):
    """Return benign and malignant tumours, each in a random order."""
    X, y = load_breast_cancer(return_X_y=True)
    return rng.permutation(X[y == 1]), rng.permutation(X[y == 0])


def heavy_tails(rng):
    """Return rows of Student's t with 3 degrees of freedom, and outliers."""
    return rng.standard_t(3, size=(357, 4)), 8 + rng.standard_t(3, size=(40, 4))


DATA = {"breast cancer": breast_cancer, "Student's t": heavy_tails}


def make_detector(method, seed):
    forest = IsolationForest(n_estimators=30, random_state=seed)
    detector = ModifiedZScore() if method == "jackknife+" else forest
    return ConformalDetector(detector, method=method, random_state=seed)


def run(data, method, seed):
    """Return rates of false alarms at ALPHAS, false discoveries and finds at LEVELS."""
    normal, outliers = DATA[data](np.random.RandomState(seed))
    with limit_threads(1):
        detector = make_detector(method, seed).fit(normal[: N_FIT[method]])
        rest = normal[N_FIT[method] :]
        p = detector.p_values(rest)
        batch = np.vstack([rest, outliers[:N_OUTLIERS]])
        is_outlier = np.arange(len(batch)) >= len(rest)
        selected = [detector.predict_fdr(batch, level=q) == -1 for q in LEVELS]
    alarms = [np.mean(p <= alpha) for alpha in ALPHAS]
    false = [np.sum(s & ~is_outlier) / max(1, np.sum(s)) for s in selected]
    found = [np.mean(s[is_outlier]) for s in selected]
    return alarms, false, found


def with_error(values):
    return f"{np.mean(values):.4f} +- {np.std(values) / np.sqrt(len(values)):.4f}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--splits", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=1, help="processes, 1 thread each")
    parser.add_argument("--methods", nargs="+", choices=N_FIT, default=[*N_FIT])
    args = parser.parse_args()

    lines = [(data, method) for data in DATA for method in args.methods]
    answers = Parallel(n_jobs=args.jobs)(
        delayed(run)(data, method, seed)
        for data, method in lines
        for seed in range(args.splits)
    )
    answers = np.array(answers).reshape(len(lines), args.splits, 3, -1)
    for title, part, promised in [
        ("false alarms at alpha", 0, ALPHAS),
        ("false discoveries at level", 1, LEVELS),
        ("share of the outliers selected at level", 2, LEVELS),
    ]:
        print_table(
            f"{title}; means over {args.splits} splits",
            ("", *map(str, promised)),
            [
                (f"{data}, {method}", *map(with_error, answers[i, :, part].T))
                for i, (data, method) in enumerate(lines)
            ],
        )


if __name__ == "__main__":
    main()
