"""Accuracy on a folder of ADBench files, beside other detectors.

Two protocols, without any label in training and without tuning per dataset:

*one-class*
    a random half of the normal rows trains; the other half and all outliers are
    the test;
*contaminated*
    all rows train, and the same rows are scored.

Tables larger than ``--max-rows`` are cut to a random share, with the same share of
outliers. Each result is appended to ``--output`` as one line of JSON, and what is
there already is not run again.

Times are CPU seconds of the process, which computes on one thread: other work on the
machine does not lengthen them as it does the time on a clock.
"""

import argparse
import ast
import csv
import json
import warnings
from collections import defaultdict
from pathlib import Path
from time import process_time

import numpy as np
from _common import find_tables, limit_threads, load_table, print_table, seconds
from _detectors import DETECTORS, installed, warm_up
from _report import family, halves_of, halves_table, main_table, mean_results
from joblib import Parallel, delayed
from sklearn import preprocessing
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split

PROTOCOLS = ("one-class", "contaminated")
KEY = ("dataset", "protocol", "seed", "max_rows", "detector")


def parse_value(text):
    """Return a literal, a transformer of sklearn.preprocessing, or the text itself.

    ``RobustScaler()`` and ``QuantileTransformer(output_distribution='normal')`` are
    transformers; ``0.5``, ``(64, 32)`` and ``None`` are literals.
    """
    try:
        node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.Call):
            arguments = {k.arg: ast.literal_eval(k.value) for k in node.keywords}
            return getattr(preprocessing, node.func.id)(**arguments)
        return ast.literal_eval(node)
    except (ValueError, SyntaxError):
        return text


def parse_settings(settings):
    """Return {detector: {"param=value": (param, value)}} of --set's arguments."""
    parsed = defaultdict(dict)
    for setting in settings:
        detector, dot, assignment = setting.partition(".")
        param, equals, value = assignment.partition("=")
        if detector not in DETECTORS or not (dot and equals):
            raise SystemExit(f"--set {setting}: want DETECTOR.PARAM=VALUE")
        parsed[detector][assignment] = (param, parse_value(value))
    return parsed


def split(X, y, protocol, seed, max_rows):
    """Return X_train, X_test, y_test."""
    if len(y) > max_rows:
        X, _, y, _ = train_test_split(
            X, y, train_size=max_rows, stratify=y, random_state=seed
        )
    if protocol == "contaminated":
        return X, X, y
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    train = normal[: len(normal) // 2]
    test = np.setdiff1d(np.arange(len(y)), train)
    return X[train], X[test], y[test]


def run(path, key, params):
    """Run one detector once and return its line of the output."""
    row = dict(zip(KEY, key, strict=True))
    protocol, seed = row["protocol"], row["seed"]
    name = row["detector"].split("[")[0]
    X_train, X_test, y_test = split(*load_table(path), protocol, seed, row["max_rows"])
    try:
        if len(np.unique(y_test)) < 2:
            raise ValueError("no outlier among the rows of the test")
        with limit_threads(1), warnings.catch_warnings():
            # EllipticEnvelope says so a hundred times in a fit
            warnings.filterwarnings("ignore", message="Determinant has increased")
            warm_up(name)
            detector = DETECTORS[name](protocol == "one-class", seed, params)
            fit_seconds = seconds(detector.fit, X_train, clock=process_time)
            start = process_time()
            scores = detector.score_samples(X_test)
            score_seconds = process_time() - start
        auc = roc_auc_score(y_test, -scores)
        precision = average_precision_score(y_test, -scores)
    except Exception as error:  # one failure must not end a run of hours
        return {**row, "error": f"{type(error).__name__}: {error}"}
    return {
        **row,
        "n_train": len(X_train),
        "n_test": len(X_test),
        "n_features": X_train.shape[1],
        "roc_auc": auc,
        "average_precision": precision,
        "fit_cpu_seconds": fit_seconds,
        "score_cpu_seconds": score_seconds,
    }


def read_results(path):
    """Return {key: row} of an output file."""
    if not path.exists():
        return {}
    rows = map(json.loads, path.read_text().splitlines())
    return {tuple(row[name] for name in KEY): row for row in rows}


def report(means, protocol, args, halves):
    """Print a protocol's tables; write them and the figures where that is asked for."""
    title = f"{protocol}: {len(means)} datasets, at most {args.max_rows:,} rows"
    tables = {protocol: main_table(means, protocol)}
    print_table(
        f"{title}; means in percent, wins and losses with the p-value of a Wilcoxon "
        "test, CPU seconds for all datasets once",
        *tables[protocol],
    )
    if halves:
        tables[f"{protocol}-halves"] = table = halves_table(means, halves)
        print_table(f"{title}; means in percent on the halves by {args.halves}", *table)
    if args.tables:
        args.tables.mkdir(parents=True, exist_ok=True)
        for name, (header, rows) in tables.items():
            with (args.tables / f"{name}.csv").open("w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([header, *rows])
    if args.figures:
        # matplotlib is needed for nothing else
        from _figures import accuracy_against_time, critical_difference

        args.figures.mkdir(parents=True, exist_ok=True)
        critical_difference(means, args.figures / f"{protocol}-ranks.svg")
        accuracy_against_time(means, args.figures / f"{protocol}-time.svg")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds adbench/*.npz")
    parser.add_argument("--output", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--max-rows", type=int, default=50_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="processes, 1 thread each")
    parser.add_argument("--datasets", nargs="+", metavar="NAME", help="parts of names")
    parser.add_argument(
        "--detectors", nargs="+", choices=DETECTORS, default=[*DETECTORS]
    )
    parser.add_argument(
        "--protocols", nargs="+", choices=PROTOCOLS, default=[*PROTOCOLS]
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="DETECTOR.PARAM=VALUE",
        dest="settings",
        help="change a parameter; the line is then named DETECTOR[PARAM=VALUE]",
    )
    parser.add_argument(
        "--report", action="store_true", help="print the tables and run nothing"
    )
    parser.add_argument(
        "--halves",
        nargs="?",
        choices=("number", "position"),
        const="position",
        help="print the means on the even and the odd tables, too: by the place in the "
        "sorted list, from 0, or by the number in the name",
    )
    parser.add_argument("--tables", type=Path, help="folder for the tables as CSV")
    parser.add_argument("--figures", type=Path, help="folder for figures of them")
    args = parser.parse_args()

    paths = find_tables(args.data)
    datasets = [
        name
        for name in paths
        if not args.datasets or any(part in name for part in args.datasets)
    ]
    settings = parse_settings(args.settings)
    lines = {}
    for detector in args.detectors:
        if args.report or installed(detector):
            changes = settings[family(detector)]
            name = detector + (f"[{','.join(changes)}]" if changes else "")
            lines[name] = dict(changes.values())

    results = read_results(args.output)
    if not args.report:
        todo = [
            delayed(run)(paths[key[0]], key, params)
            for line, params in lines.items()
            for protocol in args.protocols
            for dataset in datasets
            for seed in args.seeds
            if (key := (dataset, protocol, seed, args.max_rows, line)) not in results
        ]
        print(f"{len(todo)} runs to do, {len(results)} in {args.output}", flush=True)
        args.output.parent.mkdir(parents=True, exist_ok=True)
        parallel = Parallel(n_jobs=args.jobs, return_as="generator_unordered")
        with args.output.open("a") as file:
            for row in parallel(todo):
                if "error" in row:
                    print("failed:", *(row[name] for name in KEY), row["error"])
                    continue
                file.write(json.dumps(row) + "\n")
                file.flush()
                results[tuple(row[name] for name in KEY)] = row
    halves = args.halves and halves_of(paths, args.halves)
    for protocol in args.protocols:
        means = mean_results(
            results.values(), protocol, datasets, args.seeds, args.max_rows, [*lines]
        )
        if means is not None:
            report(means, protocol, args, halves)


if __name__ == "__main__":
    main()
