"""The value of a few known outliers: DeepSAD and DevNet compared with DeepSVDD.

The detectors are trained on a random half of the normal rows of an ADBench file, as in
the one-class protocol of accuracy.py. DeepSAD and DevNet get these rows without labels,
and additionally some labelled outliers: ``--share`` of their training rows, at least
one and at most half of the outliers. These outliers are not among the test rows, which
are the other half of the normal rows and the other outliers.
"""

import argparse
from functools import partial

import numpy as np
from _common import find_tables, limit_threads, load_table, print_table
from _tables import split
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_deepod import DeepSAD, DeepSVDD, DevNet

WITH_LABELS = {
    "DeepSAD": DeepSAD,
    "DevNet": DevNet,
    "DevNet/deviation": partial(DevNet, score_function="deviation"),
}


def compare(path, seed, max_rows, share):
    """Return the number of labels, and ROC AUC and precision of each detector."""
    X_train, X_test, y_test = split(*load_table(path), "one-class", seed, max_rows)
    outliers = np.random.default_rng(seed).permutation(np.flatnonzero(y_test == 1))
    wanted = round(len(X_train) * share / (1 - share))
    known = outliers[: max(1, min(wanted, len(outliers) // 2))]
    X_known = X_test[known]
    X_test, y_test = np.delete(X_test, known, axis=0), np.delete(y_test, known)
    params = {"novelty": True, "device": "cpu", "random_state": seed}
    labels = np.repeat([0, -1], [len(X_train), len(X_known)])
    X_labelled = np.vstack([X_train, X_known])
    fitted = [
        DeepSVDD(**params).fit(X_train),
        *(make(**params).fit(X_labelled, labels) for make in WITH_LABELS.values()),
    ]
    scores = [-detector.score_samples(X_test) for detector in fitted]
    auc = [roc_auc_score(y_test, s) for s in scores]
    return len(known), *auc, *(average_precision_score(y_test, s) for s in scores)


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
    table = np.array(table)
    lines = [
        (name, f"{row[0]:.0f}", *(f"{100 * value:.2f}" for value in row[1:]))
        for name, row in zip(
            [*paths, "mean"], [*table, table.mean(axis=0)], strict=True
        )
    ]
    names = ["DeepSVDD", *WITH_LABELS]
    wins = (table[:, 2:5] > table[:, 1:2]).sum(axis=0)
    leads = ", ".join(f"{n} on {w}" for n, w in zip(WITH_LABELS, wins, strict=True))
    print_table(
        "ROC AUC and average precision (AP) in percent, known outliers "
        f"{args.share:.1%} of the training rows, seeds {args.seeds}, at most "
        f"{args.max_rows:,} rows; ahead of DeepSVDD by AUC: {leads} of {len(paths)}",
        ("", "known", *names, *(f"{name}, AP" for name in names)),
        lines,
    )


if __name__ == "__main__":
    main()
