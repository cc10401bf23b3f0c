"""Rules for thresholds: on training rows with outliers, and on clean tables.

Each detector is fitted without labels on all rows of a table (contaminated), and each
rule computes its threshold from the training scores. The labels then give F1 (with
outliers as the positive class) and balanced accuracy, with the same weight for each
table. The collections are ADBench, KEEL (see ``keel.py``) and macrOData, whose training
and test rows are joined. ``the detector's own auto`` is what ``contamination="auto"``
flags.

A last table gives the share that the rules flag of clean tables, where every flagged
row is a false alarm: 1,000 and 100,000 independent rows of 2, 10 and 50 columns. As in
the detectors, a threshold is computed from at most 8,192 rows. ``--novelty`` fits the
detectors with ``novelty=True``. PyThresh's rules get the same scores, if it is
installed.
"""

import argparse
import warnings
from collections import defaultdict
from functools import partial
from importlib import import_module
from inspect import signature

import numpy as np
from _common import data_folder, limit_threads, load_table, print_table
from _tables import split
from joblib import Parallel, delayed
from sklearn.ensemble import IsolationForest
from sklearn.metrics import balanced_accuracy_score, f1_score

import sklearn_deepod
from sklearn_deepod import threshold

RULES = {
    **{
        f"TailExcessThreshold, level={level}": threshold.TailExcessThreshold(
            level=level
        )
        for level in (0.05, 0.1, 0.2, 0.3, 0.5)
    },
    "TailExcessThreshold, groups=False": threshold.TailExcessThreshold(groups=False),
    "Otsu": threshold.OtsuThreshold(),
    "Otsu, as published": threshold.OtsuThreshold(lower=None, linear_range=None),
    "MixtureGapThreshold": threshold.MixtureGapThreshold(random_state=0),
    "IQR": threshold.IQRThreshold(),
    "IQR, skewed": threshold.IQRThreshold(skewed=True),
    "IQR, skewed, factor=2.5": threshold.IQRThreshold(skewed=True, factor=2.5),
    "IQR, skewed, most=0.015": threshold.IQRThreshold(skewed=True, most=0.015),
    "MAD": threshold.MADThreshold(),
    "MAD, factor=2": threshold.MADThreshold(factor=2.0),
    "StandardDeviationThreshold": threshold.StandardDeviationThreshold(),
    "StandardDeviationThreshold, factor=1": threshold.StandardDeviationThreshold(
        factor=1.0
    ),
    "Quantile, 5 %": threshold.QuantileThreshold(contamination=0.05),
    "Quantile, 10 %": threshold.QuantileThreshold(contamination=0.1),
    "Quantile, 20 %": threshold.QuantileThreshold(contamination=0.2),
    "PeaksOverThreshold, 1 %": threshold.PeaksOverThreshold(rate=0.01, level=0.9),
}
FOREST = "IsolationForest"
OWN_AUTO = "the detector's own auto"
COLLECTIONS = ("adbench", "keel", "macro")
CLEAN = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.random(shape),
    "lognormal": lambda rng, shape: rng.lognormal(size=shape),
    "t(3)": lambda rng, shape: rng.standard_t(3, size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
    "Poisson(3)": lambda rng, shape: rng.poisson(3, size=shape).astype(float),
}
COLUMNS = (2, 10, 50)
# As base.OFFSET_ROWS: rows that a threshold is set on.
OFFSET_ROWS = 8192


def make_detector(name, seed, novelty=False):
    if name == FOREST:
        return IsolationForest(random_state=seed)
    return getattr(sklearn_deepod, name)(
        random_state=seed, device="cpu", novelty=novelty
    )


def contaminated_table(path):
    """Return X and y of a file of any collection, all rows together."""
    with np.load(path) as data:
        if "X" in data:
            return load_table(path)
        X = np.concatenate([data["X_train"], data["X_test"]]).astype(np.float64)
        return X, np.r_[np.zeros(len(data["X_train"]), int), data["y_test"].astype(int)]


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
    return scores > rule.fit(scores).threshold_


def run(path, detector, seed, max_rows, rules):
    """Return {rule: (F1, balanced accuracy, flagged share)} on one table."""
    warnings.simplefilter("ignore")
    X, _, y = split(*contaminated_table(path), "contaminated", seed, max_rows)
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
        flagged[OWN_AUTO] = fitted.predict(X) == -1
    return {
        name: (
            f1_score(y, found, zero_division=0.0),
            balanced_accuracy_score(y, found),
            np.mean(found),
        )
        for name, found in flagged.items()
    }


def run_clean(detector, law, n_rows, n_columns, seed, rules, novelty):
    """Return {rule: share flagged} on one clean table."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng([seed, n_columns, n_rows])
    X = CLEAN[law](rng, (n_rows, n_columns))
    with limit_threads(1):
        fitted = make_detector(detector, seed, novelty).fit(X)
        scores = -fitted.score_samples(X)
    sample = rng.permutation(n_rows)[:OFFSET_ROWS]
    flagged = {OWN_AUTO: np.mean(scores > -fitted.offset_)}
    for name, rule in rules.items():
        try:
            found = scores[sample][rule(scores[sample])]
            flagged[name] = np.mean(scores >= found.min()) if len(found) else 0.0
        except Exception as error:  # as in run
            print(f"{name} on {law}: {error}")
            flagged[name] = 0.0
    return flagged


def print_clean(answers, title):
    """Print mean and worst share flagged, in percent, over tables of each law."""
    laws = list(dict.fromkeys(law for law, _ in answers))
    shares = {
        law: [flagged for name, flagged in answers if name == law] for law in laws
    }
    print_table(
        f"{title}; share flagged in percent, mean and worst",
        ("", *laws),
        [
            (
                rule,
                *(
                    f"{100 * np.mean([f[rule] for f in shares[law]]):.1f}, "
                    f"{100 * np.max([f[rule] for f in shares[law]]):.1f}"
                    for law in laws
                ),
            )
            for rule in answers[0][1]
        ],
    )


def print_labelled(answers, title):
    """Print means over tables of F1, balanced accuracy and share flagged."""
    found = defaultdict(list)
    for answer in answers:
        for rule, figures in answer.items():
            found[rule].append(figures)
    means = {rule: 100 * np.mean(v, axis=0) for rule, v in found.items()}
    print_table(
        f"{title}; means in percent",
        ("", "F1", "balanced accuracy", "mean of both", "flagged"),
        [
            (r, f"{f1:.1f}", f"{ba:.1f}", f"{(f1 + ba) / 2:.1f}", f"{share:.1f}")
            for r, (f1, ba, share) in sorted(
                means.items(), key=lambda item: -item[1][:2].sum()
            )
        ],
    )


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds adbench, keel and macro")
    parser.add_argument("--collections", nargs="*", default=COLLECTIONS)
    parser.add_argument(
        "--clean-rows", type=int, nargs="*", default=[1000], metavar="N"
    )
    parser.add_argument("--novelty", action="store_true", help="clean tables only")
    parser.add_argument(
        "--every", type=int, default=1, help="take every n-th table of a collection"
    )
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
    return parser.parse_args()


def main():
    args = parse_arguments()
    rules = {name: partial(flagged_by, rule) for name, rule in RULES.items()}
    rules |= pythresh_rules(args.pythresh)
    parallel = Parallel(n_jobs=args.jobs)
    for collection in () if args.novelty else args.collections:
        folder = data_folder(args.data, "adbench/*.npz, keel/*.npz, macro/*.npz")
        paths = sorted((folder / collection).glob("*.npz"))[:: args.every]
        if not paths:
            print(f"left out: {collection}, {folder / collection} has no *.npz")
            continue
        keys = [(d, p, s) for d in args.detectors for p in paths for s in args.seeds]
        answers = parallel(
            delayed(run)(path, detector, seed, args.max_rows, rules)
            for detector, path, seed in keys
        )
        deep = [a for (d, *_), a in zip(keys, answers, strict=True) if d != FOREST]
        about = f"{collection}: {len(paths)} tables, at most {args.max_rows:,} rows"
        print_labelled(deep, f"Deep detectors, {about}")
        for name in args.detectors:
            own = [a for (d, *_), a in zip(keys, answers, strict=True) if d == name]
            print_labelled(own, f"{name}, {about}")
    for name in args.detectors:
        keys = [
            (law, n, d, seed)
            for law in CLEAN
            for n in args.clean_rows
            for d in COLUMNS
            for seed in args.seeds
        ]
        answers = parallel(
            delayed(run_clean)(name, law, n, d, seed, rules, args.novelty)
            for law, n, d, seed in keys
        )
        answers = [(key[0], answer) for key, answer in zip(keys, answers, strict=True)]
        if answers:
            print_clean(answers, f"{name}, clean tables, novelty={args.novelty}")


if __name__ == "__main__":
    main()
