"""Results of other designs of DeepOutlierDetector, for ``choice.py``.

The score of the detector is the mean of the highest of its score components. Here it is
fitted once per table, and each set of two or more components, with the mean of the one
to four highest, is a candidate; lines are written in the format of ``accuracy.py``. In
the contaminated protocol the detector also smooths its scores; so the candidates are
written without smoothing, and the default detector with it. To choose on all
collections but one and evaluate on that one::

    python components.py --output components.jsonl
    python choice.py --results components.jsonl --seeds 0 --default "as it comes"
"""

import argparse
import json
from itertools import combinations
from pathlib import Path

import numpy as np
from _common import limit_threads
from _tables import PROTOCOLS, find_collections, split_source, subset
from accuracy import KEY
from joblib import Parallel, delayed
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_deepod import DeepOutlierDetector

MOST_AVERAGED = 4


def designs(components, names):
    """Yield the name and the scores of each design."""
    for size in range(2, len(names) + 1):
        for chosen in combinations(range(len(names)), size):
            ranked = np.sort(components[:, chosen], axis=1)
            parts = " + ".join(names[i] for i in chosen)
            for n_largest in range(1, min(size, MOST_AVERAGED) + 1):
                name = f"{n_largest} highest of {parts}"
                yield name, ranked[:, -n_largest:].mean(axis=1)


def run(source, collection, dataset, protocol, seed, max_rows):
    """Return the lines of all designs on a table."""
    try:
        X_train, X_test, y = split_source(source, protocol, seed, max_rows)
    except ValueError as error:  # too few outliers to part the rows
        print("left out:", collection, dataset, error)
        return []
    if len(np.unique(y)) < 2:
        return []
    with limit_threads(1):
        detector = DeepOutlierDetector(
            novelty=protocol == "one-class", device="cpu", random_state=seed
        ).fit(X_train)
        components = detector.score_components(X_test)
        scores = dict(designs(components, detector.component_names_.tolist()))
        scores["as it comes"] = -detector.score_samples(X_test)
    lines = []
    for name, values in scores.items():
        key = collection, dataset, protocol, seed, max_rows, name
        figures = {
            "roc_auc": roc_auc_score(y, values),
            "average_precision": average_precision_score(y, values),
            "fit_cpu_seconds": 0.0,
            "score_cpu_seconds": 0.0,
        }
        lines.append(dict(zip(KEY, key, strict=True)) | figures)
    return lines


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds the collections")
    parser.add_argument("--collections", nargs="+", metavar="NAME")
    parser.add_argument("--subset", action="store_true", help="some tables of each")
    parser.add_argument("--output", type=Path, default=Path("components.jsonl"))
    parser.add_argument("--max-rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes, 1 thread each")
    parser.add_argument(
        "--protocols", nargs="+", choices=PROTOCOLS, default=[*PROTOCOLS]
    )
    args = parser.parse_args()

    tables = find_collections(args.data, args.collections)
    if args.subset:
        tables = {name: subset(name, sources) for name, sources in tables.items()}
    todo = [
        delayed(run)(source, collection, dataset, protocol, seed, args.max_rows)
        for protocol in args.protocols
        for collection, sources in tables.items()
        for dataset, source in sources.items()
        for seed in args.seeds
    ]
    print(f"{len(todo)} tables and seeds", flush=True)
    with args.output.open("w") as file:
        for lines in Parallel(n_jobs=args.jobs, return_as="generator")(todo):
            file.writelines(json.dumps(line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
