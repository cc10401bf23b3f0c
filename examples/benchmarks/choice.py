"""Choose among settings on all collections but one, and evaluate on the one left out.

The candidates are the lines in the results of ``accuracy.py``: the detectors at their
defaults, and each setting that was run with ``--set``. For example::

    python accuracy.py --detectors AutoEncoder
    python accuracy.py --detectors AutoEncoder --set AutoEncoder.lr=1e-3
    python choice.py --candidates AutoEncoder

For each collection, this selects the candidate that is best on the other collections,
each with the same weight. It prints the figures of the candidate on those and on the
collection left out, and the figures there of the default and of the best candidate in
hindsight. The last line has the candidate that is best on all collections, with its
mean over them, and the means of the columns above it, which show what a choice achieves
on a collection that it did not see.
"""

import argparse
from pathlib import Path

from _common import print_table
from _report import family, figures, mean_results, plain, together
from _tables import PROTOCOLS
from accuracy import read_results

CRITERIA = {
    "auc": lambda auc, precision: auc,
    "both": lambda auc, precision: (auc + precision) / 2,
}


def find_candidates(results, wanted):
    """Return the lines of the results that are wanted, by name or by their detector."""
    lines = sorted({row["detector"] for row in results})
    if wanted:
        lines = [line for line in lines if line in wanted or family(line) in wanted]
    if not lines:
        raise SystemExit("no results of the candidates")
    return lines


def collection_means(results, protocols, args, lines):
    """Return ROC AUC and AP, frames (collection, line), averaged over the protocols."""
    tables = {}
    for row in results:
        if not args.collections or row["collection"] in args.collections:
            tables.setdefault(row["collection"], set()).add(row["dataset"])
    parts = []
    for protocol in protocols:
        means = mean_results(
            results, protocol, tables, args.seeds, args.max_rows, lines
        )
        if len(means) < 2:
            raise SystemExit(f"{protocol}: want results of two collections or more")
        parts.append(together([*means.values()]).groupby(level="collection").mean())
    mean = together(parts).groupby(level="collection").mean()
    return [
        mean[field][[line for line in lines if line in mean[field]]]
        for field in ("roc_auc", "average_precision")
    ]


def leave_one_out(auc, precision, criterion, default=None):
    """Return header and rows of the choices, the last one that on all collections."""
    worth = CRITERIA[criterion](auc, precision)

    def mean_of(lines):
        """Return the mean figures of {collection: line}."""
        pairs = lines.items()
        return figures(
            *([part.loc[pair] for pair in pairs] for part in (auc, precision))
        )

    def cell(line, collections):
        return mean_of(dict.fromkeys(collections, line)) if line else ""

    header = ["left out", "chosen on the others", "there", "on the one left out"]
    header += ["default on it", "best on it in hindsight"]
    rows, chosen, best = [], {}, {}
    for left_out in worth.index:
        others = worth.index.drop(left_out)
        chosen[left_out] = line = worth.loc[others].mean().idxmax()
        best[left_out] = worth.loc[left_out].idxmax()
        rows.append(
            [
                left_out,
                line,
                cell(line, others),
                cell(line, [left_out]),
                cell(default, [left_out]),
                f"{cell(best[left_out], [left_out])} {best[left_out]}",
            ]
        )
    on_all = worth.mean().idxmax()
    last = ["none", on_all, cell(on_all, worth.index), mean_of(chosen)]
    rows.append([*last, cell(default, worth.index), mean_of(best)])
    return header, rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--results", type=Path, nargs="+", default=[Path("accuracy.jsonl")]
    )
    parser.add_argument(
        "--candidates",
        nargs="+",
        metavar="LINE",
        help="lines of the results; a detector stands for all its lines (default: all)",
    )
    parser.add_argument(
        "--default", metavar="LINE", help="default: the one detector as it comes"
    )
    parser.add_argument("--collections", nargs="+", metavar="NAME")
    parser.add_argument("--max-rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--protocols", nargs="+", choices=PROTOCOLS, default=[*PROTOCOLS]
    )
    parser.add_argument(
        "--jointly",
        action="store_true",
        help="one choice for the mean of the protocols",
    )
    parser.add_argument(
        "--by",
        choices=CRITERIA,
        default="both",
        help="mean ROC AUC, or mean of ROC AUC and AP (default: %(default)s)",
    )
    args = parser.parse_args()

    results = {}
    for path in args.results:
        results |= read_results(path)
    results = [*results.values()]
    lines = find_candidates(results, args.candidates)
    default = args.default
    if default is None and len(as_they_come := plain(lines)) == 1:
        default = as_they_come[0]
    choices = [args.protocols] if args.jointly else [[p] for p in args.protocols]
    for protocols in choices:
        auc, precision = collection_means(results, protocols, args, lines)
        if default and default not in auc:
            raise SystemExit(f"--default {default}: no results on all collections")
        print_table(
            f"{' and '.join(protocols)}: {auc.shape[1]} candidates, chosen by "
            f"{args.by}; mean ROC AUC / AP in percent",
            *leave_one_out(auc, precision, args.by, default),
        )


if __name__ == "__main__":
    main()
