"""How reliably criteria without labels select a detector.

A fixed pool of detectors is fitted, without labels, on a random half of each table. The
criteria without labels, and the ROC AUC with the true labels, are computed on the other
half. The table gives for each criterion the Spearman correlation with the ROC AUC over
the pool, mean and standard error over the tables; the mean ROC AUC of the detector that
it selects; and on how many tables that is better than the mean of the pool and than
IsolationForest.
"""

import argparse
import warnings
from time import perf_counter

import numpy as np
from _common import find_tables, limit_threads, load_table, print_table
from scipy.stats import spearmanr
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KernelDensity, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_deepod import ModifiedZScore, ZScore
from sklearn_deepod.metrics import (
    ConsensusScorer,
    ExcessMassScorer,
    MassVolumeScorer,
    RankStabilityScorer,
)

FOREST = "IsolationForest"


def scaled(detector):
    return make_pipeline(StandardScaler(), detector)


def make_pool(seed):
    """Return {name: detector}, all of them with `score_samples`."""
    return {
        FOREST: IsolationForest(random_state=seed),
        "IsolationForest, 16 rows": IsolationForest(max_samples=16, random_state=seed),
        "LOF, k = 5": scaled(LocalOutlierFactor(5, novelty=True)),
        "LOF, k = 20": scaled(LocalOutlierFactor(20, novelty=True)),
        "LOF, k = 100": scaled(LocalOutlierFactor(100, novelty=True)),
        "OneClassSVM": scaled(OneClassSVM()),
        "OneClassSVM, wide": scaled(OneClassSVM(gamma=0.01)),
        "GaussianMixture, 1": scaled(GaussianMixture(1, reg_covar=1e-3)),
        "GaussianMixture, 10": scaled(
            GaussianMixture(10, reg_covar=1e-3, random_state=seed)
        ),
        "KernelDensity": scaled(KernelDensity()),
        "ZScore": ZScore(),
        "ModifiedZScore": ModifiedZScore(),
    }


def make_criteria(seed):
    """Return {name: scorer without labels}."""
    return {
        "excess mass": ExcessMassScorer(random_state=seed),
        "mass-volume": MassVolumeScorer(random_state=seed),
        "rank stability": RankStabilityScorer(random_state=seed),
        "consensus": ConsensusScorer(random_state=seed),
    }


def draw_rows(X, y, seed, max_rows):
    """Return a random share of the rows, with ten outliers at least if there are."""
    if len(y) <= max_rows:
        return X, y
    rng = np.random.default_rng(seed)
    outliers, inliers = (rng.permutation(np.flatnonzero(y == kind)) for kind in (1, 0))
    n_outliers = min(len(outliers), max(10, round(max_rows * y.mean())))
    rows = np.r_[outliers[:n_outliers], inliers[: max_rows - n_outliers]]
    return X[rows], y[rows]


def judge(path, seed, max_rows):
    """Return the ROC AUC of each of the pool, and {criterion: its values}."""
    X, y = draw_rows(*load_table(path), seed, max_rows)
    X_train, X_test, _, y_test = train_test_split(
        X, y, test_size=0.5, stratify=y, random_state=seed
    )
    pool = [detector.fit(X_train) for detector in make_pool(seed).values()]
    auc = [roc_auc_score(y_test, -detector.score_samples(X_test)) for detector in pool]
    values = {
        name: np.array([criterion(detector, X_test) for detector in pool])
        for name, criterion in make_criteria(seed).items()
    }
    return np.array(auc), values


def row(name, correlations, picked, aucs):
    """Return the cells of one line."""
    percent = [f"{100 * np.mean(picked):.1f}"]
    for other in (aucs.mean(axis=1), aucs[:, 0]):
        beaten = np.sum(np.asarray(picked) > other)
        percent.append(f"{beaten} of {len(aucs)}")
    if correlations is None:
        return name, "", "", *percent
    error = np.std(correlations, ddof=1) / np.sqrt(len(correlations))
    return name, f"{np.mean(correlations):.2f}", f"{error:.2f}", *percent


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds adbench/*.npz")
    parser.add_argument("--datasets", nargs="+", metavar="NAME", help="parts of names")
    parser.add_argument("--max-rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    tables = {
        name: path
        for name, path in find_tables(args.data).items()
        if not args.datasets or any(part in name for part in args.datasets)
    }
    names = [*make_pool(args.seed)]
    aucs, values = [], {name: [] for name in make_criteria(args.seed)}
    # Some tables have fewer rows than neighbours asked for, or few for components.
    warnings.filterwarnings("ignore", message="n_neighbors")
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    with limit_threads(1):
        for name, path in tables.items():
            start = perf_counter()
            auc, judged = judge(path, args.seed, args.max_rows)
            aucs.append(auc)
            for criterion, value in judged.items():
                values[criterion].append(value)
            picks = ", ".join(f"{c}: {names[np.argmax(v)]}" for c, v in judged.items())
            print(f"{name}: {picks} ({perf_counter() - start:.0f} s)", flush=True)
    aucs = np.array(aucs)

    print_table(
        "The pool, mean ROC AUC in percent",
        ("", "ROC AUC"),
        [
            (name, f"{mean:.1f}")
            for name, mean in zip(names, 100 * aucs.mean(axis=0), strict=True)
        ],
    )
    rows = []
    for criterion, judged in values.items():
        pairs = [*zip(judged, aucs, strict=True)]
        correlations = [spearmanr(value, auc).statistic for value, auc in pairs]
        picked = [auc[np.argmax(value)] for value, auc in pairs]
        rows.append(row(criterion, correlations, picked, aucs))
    rows += [
        row("(random choice)", None, aucs.mean(axis=1), aucs),
        row("(always IsolationForest)", None, aucs[:, 0], aucs),
        row("(best choice)", None, aucs.max(axis=1), aucs),
    ]
    print_table(
        f"{len(tables)} tables, pool of {len(names)}, at most {args.max_rows:,} rows",
        ("", "correlation", "+/-", "picked AUC", "beats mean", "beats IForest"),
        rows,
    )


if __name__ == "__main__":
    main()
