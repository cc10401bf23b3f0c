"""What a few known outliers are worth: DeepSAD beside DeepSVDD on ADBench files.

A random half of the normal rows trains, as in the one-class protocol of accuracy.py.
DeepSAD is given these rows without a label and, besides, some outliers with theirs:
``--share`` of its training rows, at least one and at most half of the outliers. These
outliers are in no test. Both are tested on the other half of the normal rows and on the
other outliers.
"""

import argparse

import numpy as np
from _common import find_tables, limit_threads, load_table, print_table
from accuracy import split
from sklearn.metrics import roc_auc_score

from sklearn_deepod import DeepSAD, DeepSVDD


def compare(path, seed, max_rows, share):
    """Return the ROC AUC of DeepSVDD and of DeepSAD, and the number of labels."""
    X_train, X_test, y_test = split(*load_table(path), "one-class", seed, max_rows)
    outliers = np.random.default_rng(seed).permutation(np.flatnonzero(y_test == 1))
    wanted = round(len(X_train) * share / (1 - share))
    known = outliers[: max(1, min(wanted, len(outliers) // 2))]
    X_known = X_test[known]
    X_test, y_test = np.delete(X_test, known, axis=0), np.delete(y_test, known)
    params = {"novelty": True, "device": "cpu", "random_state": seed}
    without = DeepSVDD(**params).fit(X_train)
    labels = np.repeat([0, -1], [len(X_train), len(X_known)])
    with_labels = DeepSAD(**params).fit(np.vstack([X_train, X_known]), labels)
    auc = [
        roc_auc_score(y_test == 0, detector.score_samples(X_test))
        for detector in (without, with_labels)
    ]
    return *auc, len(known)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds adbench/*.npz")
    parser.add_argument("--max-rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--share", type=float, default=0.01)
    args = parser.parse_args()
    table = []
    paths = find_tables(args.data)
    with limit_threads(1):
        for path in paths.values():
            runs = [
                compare(path, seed, args.max_rows, args.share) for seed in args.seeds
            ]
            table.append(np.mean(runs, axis=0))
    without, with_labels, known = np.transpose(table)
    lines = [
        (name, f"{n:.0f}", f"{100 * a:.2f}", f"{100 * b:.2f}", f"{100 * (b - a):+.2f}")
        for name, a, b, n in zip(paths, without, with_labels, known, strict=True)
    ]
    means = 100 * np.mean([without, with_labels, with_labels - without], axis=1)
    lines.append(
        ("mean", f"{known.mean():.0f}", *(f"{m:.2f}" for m in means[:2]))
        + (f"{means[2]:+.2f}",)
    )
    wins = np.sum(with_labels > without)
    print_table(
        f"ROC AUC in percent, known outliers {args.share:.1%} of the training rows, "
        f"seeds {args.seeds}, at most {args.max_rows:,} rows; DeepSAD leads on {wins} "
        f"of {len(paths)}",
        ("", "known", "DeepSVDD", "DeepSAD", "gain"),
        lines,
    )


if __name__ == "__main__":
    main()
