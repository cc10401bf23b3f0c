"""Accuracy on collections of tables, compared with other detectors.

There are two protocols, without labels in training and without tuning per table:

*one-class*
    train on a random half of the normal rows, test on the other half and all outliers.
    Tables that are already split keep their parts;
*contaminated*
    train on all rows, and score the same rows.

Tables larger than ``--max-rows`` are reduced to a random sample with the same share of
outliers. Each result is appended to ``--output`` as one line of JSON, and results that
exist already are not computed again.

Each collection has the same weight in means over collections. Times are CPU seconds of
the process, which computes on one thread: unlike wall-clock time, they hardly depend on
the load of the machine.
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
from _collapse import collapse_table
from _common import limit_threads, print_table, seconds
from _detectors import DETECTORS, installed, warm_up
from _report import family, main_table, mean_results, together
from _tables import (
    COLLECTIONS,
    PROTOCOLS,
    find_collections,
    is_generated,
    split_source,
    subset,
)
from joblib import Parallel, delayed
from sklearn import preprocessing
from sklearn.metrics import average_precision_score, roc_auc_score

KEY = ("collection", "dataset", "protocol", "seed", "max_rows", "detector")


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


def measure(detector, X_train, X_test, y_test):
    """Return the figures of a fit."""
    fit_seconds = seconds(detector.fit, X_train, clock=process_time)
    start = process_time()
    scores = detector.score_samples(X_test)
    score_seconds = process_time() - start
    return {
        "roc_auc": roc_auc_score(y_test, -scores),
        "average_precision": average_precision_score(y_test, -scores),
        "fit_cpu_seconds": fit_seconds,
        "score_cpu_seconds": score_seconds,
    }


def run(source, key, params):
    """Run one detector once and return its line of the output.

    A detector that raises ranks no row: its figures are those of chance, beside the
    error. A line without figures says that the table does not suit.
    """
    row = dict(zip(KEY, key, strict=True))
    protocol, seed = row["protocol"], row["seed"]
    name = row["detector"].split("[")[0]
    try:
        X_train, X_test, y_test = split_source(source, protocol, seed, row["max_rows"])
        if len(np.unique(y_test)) < 2:
            raise ValueError("no outlier among the rows of the test")
    except ValueError as error:
        return {**row, "error": str(error)}
    row |= {
        "n_train": len(X_train),
        "n_test": len(X_test),
        "n_features": X_train.shape[1],
    }
    try:
        with limit_threads(1), warnings.catch_warnings():
            # EllipticEnvelope says so a hundred times in a fit
            warnings.filterwarnings("ignore", message="Determinant has increased")
            warm_up(name)
            detector = DETECTORS[name](protocol == "one-class", seed, params)
            return row | measure(detector, X_train, X_test, y_test)
    except Exception as error:  # one failure must not end a run of hours
        chance = {"roc_auc": 0.5, "average_precision": np.mean(y_test)}
        times = dict.fromkeys(("fit_cpu_seconds", "score_cpu_seconds"), 0.0)
        return row | chance | times | {"error": f"{type(error).__name__}: {error}"}


def read_results(path):
    """Return {key: row} of an output file."""
    if not path.exists():
        return {}
    rows = map(json.loads, path.read_text().splitlines())
    return {tuple(row[name] for name in KEY): row for row in rows}


def run_missing(tables, lines, args, results):
    """Run what the results lack, and add it to them and to the output file."""
    todo = [
        delayed(run)(source, key, params)
        for line, params in lines.items()
        for protocol in args.protocols
        for collection, sources in tables.items()
        for dataset, source in sources.items()
        for seed in args.seeds
        if (key := (collection, dataset, protocol, seed, args.max_rows, line))
        not in results
    ]
    print(f"{len(todo)} runs to do, {len(results)} in {args.output}", flush=True)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    parallel = Parallel(n_jobs=args.jobs, return_as="generator_unordered")
    with args.output.open("a") as file:
        for row in parallel(todo):
            if "error" in row:
                print("failed:", *(row[name] for name in KEY), row["error"])
            if "roc_auc" not in row:
                continue
            file.write(json.dumps(row) + "\n")
            file.flush()
            results[tuple(row[name] for name in KEY)] = row


def report(means, protocol, args):
    """Print a protocol's tables; write them and the figures where that is asked for.

    ``means`` holds the frame of each collection. Generated tables prove nothing about
    other data: over the collections there is a table without them, too.
    """
    measured = [name for name in means if not is_generated(name)]
    groups = {name: [name] for name in means}
    if len(measured) > 1:
        groups["all"] = measured
    if len(means) > len(measured) > 0:
        groups["all-generated"] = [*means]
    tables = {}
    for group, names in groups.items():
        frame = together([means[name] for name in names])
        tables[group] = table = main_table(frame)
        print_table(
            f"{protocol}, {', '.join(names)}: {len(frame)} tables, at most "
            f"{args.max_rows:,} rows; means in percent, wins and losses with the "
            "p-value of a Wilcoxon test, CPU seconds for all tables once",
            *table,
        )
    for name in means:
        if is_generated(name) and (table := collapse_table(means[name])):
            tables[f"{name}-collapse"] = table
            print_table(f"{protocol}, {name}: average precision", *table)
    if args.tables:
        args.tables.mkdir(parents=True, exist_ok=True)
        for name, (header, rows) in tables.items():
            path = args.tables / f"{protocol}-{name}.csv"
            with path.open("w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([header, *rows])
    if args.figures:
        # matplotlib is needed for nothing else
        from _figures import accuracy_against_time, critical_difference

        args.figures.mkdir(parents=True, exist_ok=True)
        frame = together([means[name] for name in measured or means])
        critical_difference(frame, args.figures / f"{protocol}-ranks.svg")
        accuracy_against_time(frame, args.figures / f"{protocol}-time.svg")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder with a subfolder for each collection")
    parser.add_argument(
        "--collections",
        nargs="+",
        metavar="NAME",
        help=f"subfolders, and mixed (default: those of {', '.join(COLLECTIONS)} that "
        "are there)",
    )
    parser.add_argument("--output", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--max-rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="processes, 1 thread each")
    parser.add_argument("--datasets", nargs="+", metavar="NAME", help="parts of names")
    parser.add_argument(
        "--subset",
        action="store_true",
        help="twelve tables of each collection, at even distances in the order of "
        "their names (mixed: three of each family)",
    )
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
    parser.add_argument("--tables", type=Path, help="folder for the tables as CSV")
    parser.add_argument("--figures", type=Path, help="folder for figures of them")
    return parser.parse_args()


def choose_tables(args):
    """Return {collection: {table: source}} as the arguments want them."""
    tables = find_collections(args.data, args.collections)
    if args.subset:
        tables = {name: subset(name, sources) for name, sources in tables.items()}
    if args.datasets:
        tables = {
            name: {
                table: source
                for table, source in sources.items()
                if any(part in table for part in args.datasets)
            }
            for name, sources in tables.items()
        }
    return {name: sources for name, sources in tables.items() if sources}


def choose_lines(args):
    """Return {line: parameters} as the arguments want them."""
    settings = parse_settings(args.settings)
    lines = {}
    for detector in args.detectors:
        if args.report or installed(detector):
            changes = settings[family(detector)]
            name = detector + (f"[{','.join(changes)}]" if changes else "")
            lines[name] = dict(changes.values())
    return lines


def main():
    args = parse_arguments()
    tables = choose_tables(args)
    lines = choose_lines(args)
    results = read_results(args.output)
    if not args.report:
        run_missing(tables, lines, args, results)
    for protocol in args.protocols:
        means = mean_results(
            results.values(), protocol, tables, args.seeds, args.max_rows, [*lines]
        )
        if means:
            report(means, protocol, args)


if __name__ == "__main__":
    main()
