"""Choose what DeepOutlierDetector looks at on half of the tables, judge on the others.

The defaults of ``DeepOutlierDetector`` were chosen with all tables of ADBench in view.
Here the choice is made once more by a rule, on the tables whose number is even, and
judged on the odd ones, and the other way round. The designs to choose from:

- ``n_neighbors`` of 1, 3, 5 or 10;
- each set of the three views;
- the mean, the highest, or the mean of the two highest of what the views say of a row;
- in the contaminated protocol, the detector's own scores, too, in which rows that lie
  close together share evidence.

The design with the highest mean ROC AUC on one half is shown with its figures on the
other half, beside the detector as it comes.
"""

import argparse
from collections import defaultdict
from itertools import combinations

import numpy as np
from _common import find_tables, limit_threads, load_table, print_table
from _report import halves_of
from accuracy import PROTOCOLS, split
from joblib import Parallel, delayed
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_deepod import DeepOutlierDetector

N_NEIGHBORS = (1, 3, 5, 10)
VIEWS = ("inputs", "distance", "density")
AS_IT_COMES = "as it comes"


def designs(evidence):
    """Yield the name and the scores of each way to combine some of the views."""
    for size in range(1, len(VIEWS) + 1):
        for chosen in combinations(range(len(VIEWS)), size):
            views = np.sort(evidence[:, chosen], axis=1)
            names = " + ".join(VIEWS[i] for i in chosen)
            yield f"mean of {names}", views.mean(axis=1)
            if size > 1:
                yield f"highest of {names}", views[:, -1]
            if size > 2:
                yield f"two highest of {names}", views[:, -2:].mean(axis=1)


def run(dataset, path, protocol, seed, max_rows):
    """Return the (ROC AUC, AP) of each design on a table."""
    X_train, X_test, y = split(*load_table(path), protocol, seed, max_rows)
    novelty = protocol == "one-class"
    found = {}
    with limit_threads(1):
        for k in N_NEIGHBORS:
            detector = DeepOutlierDetector(
                n_neighbors=k, novelty=novelty, device="cpu", random_state=seed
            ).fit(X_train)
            scores = dict(designs(detector.evidence(X_test)))
            if not novelty:
                scores["shared"] = -detector.score_samples(X_test)
            for name, values in scores.items():
                pair = roc_auc_score(y, values), average_precision_score(y, values)
                found[f"{name}, {k} neighbours"] = pair
    default = "mean of inputs + distance + density" if novelty else "shared"
    found[AS_IT_COMES] = found[f"{default}, 5 neighbours"]
    return dataset, found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds adbench/*.npz")
    parser.add_argument("--max-rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="processes, 1 thread each")
    parser.add_argument(
        "--protocols", nargs="+", choices=PROTOCOLS, default=[*PROTOCOLS]
    )
    args = parser.parse_args()
    paths = find_tables(args.data)
    halves = dict(zip(("even", "odd"), halves_of(paths, "number"), strict=True))
    for protocol in args.protocols:
        runs = Parallel(n_jobs=args.jobs)(
            delayed(run)(dataset, path, protocol, seed, args.max_rows)
            for dataset, path in paths.items()
            for seed in args.seeds
        )
        figures = defaultdict(lambda: defaultdict(list))
        for dataset, found in runs:
            for name, pair in found.items():
                figures[name][dataset].append(pair)

        def means(name, datasets, figures=figures):
            """Mean (ROC AUC, AP) in percent of a design over some tables."""
            return 100 * np.mean([figures[name][d] for d in datasets], axis=(0, 1))

        rows = []
        for chosen_on, judged_on in (("even", "odd"), ("odd", "even")):
            best = max(figures, key=lambda name: means(name, halves[chosen_on])[0])
            for name in (best, AS_IT_COMES):
                pairs = [means(name, halves[half]) for half in (chosen_on, judged_on)]
                cells = [f"{auc:.1f} / {ap:.1f}" for auc, ap in pairs]
                rows.append((name, chosen_on, *cells))
        print_table(
            f"{protocol}: {len(paths)} datasets, {len(figures) - 1} designs; mean ROC "
            "AUC and AP in percent",
            ("", "chosen on", "there", "on the other half"),
            rows,
        )


if __name__ == "__main__":
    main()
