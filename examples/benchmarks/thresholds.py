"""Rules that find a cut, on a folder of ADBench files with outliers in the training.

Each detector is fitted without labels on all rows of a table (contaminated), and each
rule finds its cut in the training scores. The labels then tell F1 (outliers positive)
and balanced accuracy, each table counting the same. ``IsolationForest's auto`` is its
fixed cut on its own scores. PyThresh's rules are tried where it is installed; they are
given the same scores.
"""

import argparse
import warnings
from collections import defaultdict
from functools import partial
from importlib import import_module
from inspect import signature

import numpy as np
from _common import find_tables, limit_threads, load_table, print_table
from _tables import split
from joblib import Parallel, delayed
from sklearn.ensemble import IsolationForest
from sklearn.metrics import balanced_accuracy_score, f1_score

import sklearn_deepod
from sklearn_deepod import threshold

RULES = {
    "Otsu (contamination='auto')": threshold.Otsu(),
    "Otsu, as published": threshold.Otsu(lower=None, knee=None),
    "MixtureGap": threshold.MixtureGap(random_state=0),
    "IQR": threshold.IQR(),
    "IQR, skewed (novelty=True)": threshold.IQR(skewed=True),
    "MAD": threshold.MAD(),
    "MAD, factor=2": threshold.MAD(factor=2.0),
    "StandardDeviations": threshold.StandardDeviations(),
    "StandardDeviations, factor=1": threshold.StandardDeviations(factor=1.0),
    "Quantile, 5 %": threshold.Quantile(contamination=0.05),
    "Quantile, 10 %": threshold.Quantile(contamination=0.1),
    "Quantile, 20 %": threshold.Quantile(contamination=0.2),
    "PeaksOverThreshold, 1 %": threshold.PeaksOverThreshold(rate=0.01, level=0.9),
}
FOREST = "IsolationForest"
FOREST_AUTO = "IsolationForest's auto"


def make_detector(name, seed):
    if name == FOREST:
        return IsolationForest(random_state=seed)
    return getattr(sklearn_deepod, name)(random_state=seed, device="cpu")


def pythresh_rules(names):
    """Return {line: scores -> True where flagged} of the rules that are installed."""
    rules = {}
    for name in names:
        try:
            module = import_module(f"pythresh.thresholds.{name.lower()}")
        except ImportError as error:
            print(f"left out: PyThresh's {name} ({error})")
            continue
        rules[f"PyThresh's {name}"] = partial(
            flagged_by_pythresh, getattr(module, name)
        )
    return rules


def flagged_by_pythresh(cls, scores):
    seed = {"random_state": 0} if "random_state" in signature(cls).parameters else {}
    return np.asarray(cls(**seed).fit(scores).labels_) == 1


def flagged_by(rule, scores):
    return scores > rule.fit(scores).cutoff_


def run(path, detector, seed, max_rows, rules):
    """Return {rule: (F1, balanced accuracy, flagged share)} on one table."""
    warnings.simplefilter("ignore")
    X, _, y = split(*load_table(path), "contaminated", seed, max_rows)
    with limit_threads(1):
        fitted = make_detector(detector, seed).fit(X)
        scores = -fitted.score_samples(X)
        flagged = {}
        for name, rule in rules.items():
            try:
                flagged[name] = rule(scores)
            except Exception as error:  # counts as a rule that flags nothing
                print(f"{name} on {path.stem}: {error}")
                flagged[name] = np.zeros(len(y), dtype=bool)
        if detector == FOREST:
            flagged[FOREST_AUTO] = fitted.predict(X) == -1
    return {
        name: (
            f1_score(y, found, zero_division=0.0),
            balanced_accuracy_score(y, found),
            np.mean(found),
        )
        for name, found in flagged.items()
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds adbench/*.npz")
    parser.add_argument("--max-rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes, 1 thread each")
    parser.add_argument(
        "--detectors",
        nargs="+",
        default=["AutoEncoder", "VariationalAutoEncoder", "DeepSVDD", FOREST],
    )
    parser.add_argument(
        "--pythresh",
        nargs="*",
        metavar="NAME",
        default=["AUCP", "OCSVM", "MIXMOD", "HIST", "CLF"],
        help="rules of PyThresh",
    )
    args = parser.parse_args()

    paths = find_tables(args.data)
    rules = {name: partial(flagged_by, rule) for name, rule in RULES.items()}
    rules |= pythresh_rules(args.pythresh)
    keys = [(d, t, s) for d in args.detectors for t in paths for s in args.seeds]
    answers = Parallel(n_jobs=args.jobs)(
        delayed(run)(paths[table], detector, seed, args.max_rows, rules)
        for detector, table, seed in keys
    )
    found = defaultdict(lambda: defaultdict(list))  # detector, rule: by table and seed
    for (detector, _, _), answer in zip(keys, answers, strict=True):
        for rule, figures in answer.items():
            found[detector][rule].append(figures)
    for detector in args.detectors:
        means = {r: 100 * np.mean(v, axis=0) for r, v in found[detector].items()}
        print_table(
            f"{detector}: {len(paths)} tables, at most {args.max_rows:,} rows, seeds "
            f"{args.seeds}; means in percent",
            ("", "F1", "balanced accuracy", "mean of both", "flagged"),
            [
                (r, f"{f1:.1f}", f"{ba:.1f}", f"{(f1 + ba) / 2:.1f}", f"{share:.1f}")
                for r, (f1, ba, share) in sorted(
                    means.items(), key=lambda item: -item[1][:2].sum()
                )
            ],
        )


if __name__ == "__main__":
    main()
