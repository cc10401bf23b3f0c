"""Accuracy of outlier detectors on labelled series, time stamp by time stamp.

There are two protocols:

- ``collections``: train on the last 10,000 rows of the training part, and score 10,000
  rows around the median anomaly of the test part; means over the series of a
  collection, then over the collections;
- ``nab12``: the 12 series of NAB in the benchmark TSB-AD as it runs them, trained on
  the rows that it gives for training and scored whole; with ``--published`` its
  published methods are in the table, too.

The measures are the ROC AUC, the average precision, and the volume under the surface of
precision-recall curves (VUS-PR) with the reward for existence and the period of the
series as longest buffer, by the formulas of its paper for ``collections`` and by the
code of TSB-AD for ``nab12``. No label is used in training, and nothing is tuned per
series. A detector that fails on a series counts there as one that finds nothing.
"""

import argparse
import csv
import json
import warnings
from collections import Counter, defaultdict
from time import process_time

import numpy as np
from _common import limit_threads, print_table
from _series_data import every, find_collections, find_nab12
from _series_lines import LIMIT, LINES, RECOMPUTED
from joblib import Parallel, delayed
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_deepod.metrics import vus_pr_score

MEASURES = ("roc_auc", "average_precision", "vus_pr")
TITLES = ("ROC AUC", "AP", "VUS-PR")
PROTOCOLS = {"collections": "paper", "nab12": "tsb_ad"}  # and the definition of VUS
DESCRIPTIONS = ("tsb_ad_file", "nab_file", "train_rows")  # no methods
FAST = [name for name, line in LINES.items() if not line.slow]


def run(load, protocol, collection, name, line, seed):
    """Return the measures of a line on a series, and the CPU seconds it took."""
    series = load()
    settings = (LINES | RECOMPUTED)[line]
    X_train, X_test, error = series.X_train, series.X_test, ""
    if settings.clip:
        X_train, X_test = (np.clip(X, -LIMIT, LIMIT) for X in (X_train, X_test))
    start = process_time()
    try:
        with limit_threads(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = settings.make(seed).fit(X_train).score_samples(X_test)
        if not np.isfinite(scores).all():
            raise ValueError("scores that are not finite")
    except Exception as failure:
        scores, error = np.zeros(len(X_test)), f"{type(failure).__name__}: {failure}"
    taken = process_time() - start
    y = series.outliers
    volume = {"definition": PROTOCOLS[protocol], "max_buffer": series.period}
    volume |= {"existence_reward": True, "pos_label": 1}
    return {
        "protocol": protocol,
        "collection": collection,
        "series": name,
        "line": line,
        "seed": seed,
        "roc_auc": roc_auc_score(y, -scores),
        "average_precision": average_precision_score(y, -scores),
        "vus_pr": vus_pr_score(y.astype(int), scores, **volume),
        "cpu_seconds": taken,
        "rows": len(X_train) + len(X_test),
        "error": error,
    }


def available(lines):
    """Leave out the lines whose detector is not installed."""
    found = []
    for line in lines:
        try:
            (LINES | RECOMPUTED)[line].make(0)
        except ImportError as error:
            print(f"left out: {line} ({error})")
        else:
            found.append(line)
    return found


def by_series(rows, measure):
    """Return {line: {collection: {series: mean over the seeds}}}."""
    values = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in rows:
        cell = values[row["line"]][row["collection"]][row["series"]]
        cell.append(row[measure])
    return {
        line: {
            collection: {name: float(np.mean(seeds)) for name, seeds in series.items()}
            for collection, series in collections.items()
        }
        for line, collections in values.items()
    }


def by_collection(rows, measure):
    """Return {line: {collection: mean over its series}}."""
    return {
        line: {name: np.mean([*series.values()]) for name, series in of_line.items()}
        for line, of_line in by_series(rows, measure).items()
    }


def cpu_per_10_000(rows):
    """Return {line: CPU seconds for fit and score, per 10,000 rows of both parts}."""
    totals = defaultdict(lambda: np.zeros(2))
    for row in rows:
        totals[row["line"]] += row["cpu_seconds"], row["rows"]
    return {line: 1e4 * seconds / n for line, (seconds, n) in totals.items()}


def print_collections(rows):
    """Print the means over the collections, and each collection's."""
    means = {measure: by_collection(rows, measure) for measure in MEASURES}
    collections = [*dict.fromkeys(row["collection"] for row in rows)]
    cpu = cpu_per_10_000(rows)
    table = []
    for line in means["vus_pr"]:
        overall = [100 * np.mean([*means[m][line].values()]) for m in MEASURES]
        cells = [
            f"{100 * means['roc_auc'][line][name]:.0f}/"
            f"{100 * means['vus_pr'][line][name]:.0f}"
            for name in collections
        ]
        table.append((line, *(f"{x:.1f}" for x in overall), *cells, f"{cpu[line]:.2f}"))
    n_series = len({(row["collection"], row["series"]) for row in rows})
    print_table(
        f"{n_series} series; means over the collections in percent, ROC AUC / VUS-PR "
        "of each, CPU seconds per 10,000 rows",
        ("", *TITLES, *collections, "CPU s"),
        sorted(table, key=lambda row: -float(row[3])),
    )


def print_nab12(rows, published):
    """Print the means of the lines, and those of published methods beside them."""
    means = {measure: by_collection(rows, measure) for measure in MEASURES}
    cpu = cpu_per_10_000(rows)
    table = [
        (
            line,
            *(f"{100 * means[m][line]['nab12']:.1f}" for m in reversed(MEASURES)),
            f"{cpu[line]:.2f}",
        )
        for line in means["vus_pr"]
    ]
    names = {row["series"] for row in rows}
    table += [
        (f"published: {method}", f"{100 * mean:.1f}", "", "", "")
        for method, mean in published_means(published, names).items()
    ]
    print_table(
        f"{len(names)} series of NAB as TSB-AD runs them; means in percent, CPU "
        "seconds per 10,000 rows",
        ("", *reversed(TITLES), "CPU s"),
        sorted(table, key=lambda row: -float(row[1])),
    )


def published_means(path, names):
    """Return {method: mean VUS-PR over the series} of a table of TSB-AD's figures.

    Its columns are ``nab_file``, other descriptions of the series in lower case, and
    one for each method.
    """
    if not path:
        return {}
    with open(path) as file:
        rows = [*csv.DictReader(file)]
    rows = [row for row in rows if row["nab_file"].removesuffix(".csv") in names]
    methods = [name for name in rows[0] if name not in DESCRIPTIONS] if rows else []
    return {name: np.mean([float(row[name]) for row in rows]) for name in methods}


def print_choice(rows):
    """Print, for each collection, the line that is best on all others."""
    auc, vus = (by_collection(rows, measure) for measure in ("roc_auc", "vus_pr"))
    table = []
    for left_out in dict.fromkeys(row["collection"] for row in rows):
        others = {
            line: np.mean([x for name, x in of.items() if name != left_out])
            for line, of in vus.items()
        }
        chosen = max(others, key=others.get)
        best = max(vus, key=lambda line: vus[line][left_out])
        figures = (auc[chosen], vus[chosen], auc[best], vus[best])
        cells = [f"{100 * figure[left_out]:.1f}" for figure in figures]
        table.append((left_out, chosen, *cells[:2], best, *cells[2:]))
    print_table(
        "the line with the highest VUS-PR on the other collections, and the best one",
        ("left out", "chosen", "ROC AUC", "VUS-PR", "best", "ROC AUC", "VUS-PR"),
        table,
    )


def print_each(rows):
    """Print every series."""
    vus = by_series(rows, "vus_pr")
    table = [
        (
            f"{collection}/{name}",
            *(f"{100 * vus[x][collection][name]:.1f}" for x in vus),
        )
        for collection, series in next(iter(vus.values())).items()
        for name in series
    ]
    print_table("VUS-PR in percent", ("", *vus), table)


def measure(args, protocol):
    """Run all lines on all series of a protocol; return the rows."""
    lines = [*args.lines, *(RECOMPUTED if protocol == "nab12" else ())]
    if protocol == "nab12":
        collections = {"nab12": find_nab12(args.data)}
    else:
        collections = find_collections(args.data, args.collections)
    rows = Parallel(n_jobs=args.jobs)(
        delayed(run)(load, protocol, collection, name, line, seed)
        for line in available(lines)
        for collection, series in every(args.every, collections).items()
        for name, load in series.items()
        for seed in args.seeds
    )
    failed = Counter((row["line"], row["error"]) for row in rows if row["error"])
    for (line, error), count in failed.items():
        print(f"{line} failed {count} times: {error}")
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds series/ and nab/")
    parser.add_argument("--published", metavar="CSV", help="figures of TSB-AD on NAB")
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    parser.add_argument("--collections", nargs="+", help="default: all of the folder")
    parser.add_argument(
        "--lines", nargs="+", choices=LINES, default=FAST, help="default: the fast ones"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes, 1 thread each")
    parser.add_argument("--every", type=int, default=1, help="each N-th series only")
    parser.add_argument("--each", action="store_true", help="print every series, too")
    parser.add_argument(
        "--leave-out", action="store_true", help="choose a line without each collection"
    )
    parser.add_argument("--output", help="file for all results, as JSON lines")
    args = parser.parse_args()
    for protocol in args.protocols:
        rows = measure(args, protocol)
        if args.output:
            with open(args.output, "a") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
        if args.each:
            print_each(rows)
        if protocol == "nab12":
            print_nab12(rows, args.published)
            continue
        print_collections(rows)
        if args.leave_out and len({row["collection"] for row in rows}) > 1:
            print_choice(rows)


if __name__ == "__main__":
    main()
