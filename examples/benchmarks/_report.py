"""Tables of results of the accuracy benchmark, and tests of their significance."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

PARTS = ("fit", "score")
FIELDS = ["roc_auc", "average_precision", *(f"{part}_cpu_seconds" for part in PARTS)]
# the tables compare with IsolationForest, and with the best of these
NEIGHBORS = ("kNN-1", "kNN", "PyOD-KNN")


def family(line):
    """Return the detector of a line: "AutoEncoder" of "AutoEncoder[lr=0.1]"."""
    return line.split("[")[0].split("/")[0]


def plain(lines):
    """Return the lines of detectors as they come, without variants."""
    return [line for line in lines if line == family(line)]


def mean_results(results, protocol, tables, seeds, max_rows, lines):
    """Return {collection: the runs that all lines have, averaged over the seeds}.

    Each is a frame with a row for each (collection, dataset) and columns (field, line).
    Lines without any result are left out; further lines of the results that have these
    runs are there, too. What is missing is printed.
    """
    frame = pd.DataFrame(
        [
            row
            for row in results
            if row["protocol"] == protocol
            and row["max_rows"] == max_rows
            and row["seed"] in seeds
            and row["dataset"] in tables.get(row["collection"], ())
        ]
    )
    if frame.empty:
        print(f"\n{protocol}: no results")
        return {}
    means = {}
    for collection, rows in frame.groupby("collection"):
        total = len(tables[collection]) * len(seeds)
        shared = _shared_runs(rows, f"{protocol}, {collection}", total, lines)
        if shared is not None:
            means[collection] = shared.groupby(level=["collection", "dataset"]).mean()
    return means


def _shared_runs(rows, title, total, lines):
    """Return the runs that all lines have of one collection, or None."""
    index = ["collection", "dataset", "seed"]
    runs = rows.pivot(index=index, columns="detector", values=FIELDS)
    done = runs["roc_auc"].notna()
    found = [line for line in lines if line in done]
    shared = done[found].all(axis=1)
    print(f"\n{title}: {shared.sum()} of {total} runs")
    for line in found:
        if (lacking := total - done[line].sum()) > 0:
            print(f"    {line} lacks {lacking}")
    if "error" in rows:
        for line, n_failed in rows.groupby("detector")["error"].count().items():
            if n_failed:
                print(f"    {line} failed in {n_failed}, which count as chance")
    if absent := [line for line in lines if line not in found]:
        print(f"    without results: {', '.join(absent)}")
    if not (found and shared.any()):
        return None
    covering = done[shared].all().loc[lambda whole: whole].index
    return runs[shared].loc[:, (slice(None), covering)]


def together(frames):
    """Return the frames of several collections as one, with the lines that all have."""
    return pd.concat(frames, join="inner")


def balanced_mean(frame):
    """Return the mean over the rows, each collection counting the same."""
    return frame.groupby(level="collection").mean().mean()


def mean_rank(auc, line):
    """Rank among the detectors as they come: no variants, not of itself either."""
    rivals = [other for other in plain(auc) if other != family(line)]
    return balanced_mean(auc[[line, *rivals]].rank(axis=1, ascending=False))[line]


def p_value(a, b):
    """Return the p-value of the two-sided Wilcoxon signed-rank test."""
    return 1.0 if np.array_equal(a, b) else float(wilcoxon(a, b).pvalue)


def holm(p):
    """Return p-values adjusted for their number by Holm's step-down method."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted


def differing(auc, level=0.05):
    """Say which pairs of columns differ: Wilcoxon's test, Holm's correction."""
    pairs = list(combinations(range(auc.shape[1]), 2))
    columns = auc.to_numpy().T
    p = holm([p_value(columns[i], columns[j]) for i, j in pairs])
    differ = np.zeros((len(columns), len(columns)), dtype=bool)
    for (i, j), adjusted in zip(pairs, p, strict=True):
        differ[i, j] = differ[j, i] = adjusted < level
    return differ


def alike(differ):
    """Return the longest stretches (first, last) in which no two differ."""
    stretches = []
    last = -1
    for first in range(len(differ)):
        end = first
        while end + 1 < len(differ) and not differ[first : end + 1, end + 1].any():
            end += 1
        if end > max(first, last):
            stretches.append((first, end))
            last = end
    return stretches


def _against(auc, line, reference):
    if reference not in auc or line == reference:
        return "", ""
    a, b = auc[line].to_numpy(), auc[reference].to_numpy()
    p = p_value(a, b)
    return f"{np.sum(a > b)}/{np.sum(a < b)}", "<0.001" if p < 0.001 else f"{p:.3f}"


def references(auc):
    """Return whom a table compares with: IsolationForest and the best of the kNN."""
    neighbors = [line for line in NEIGHBORS if line in auc]
    best = [balanced_mean(auc[neighbors]).idxmax()] if neighbors else []
    return ["IsolationForest", *best]


def figures(auc, precision):
    """Return means as "ROC AUC / AP" in percent."""
    return f"{100 * np.mean(auc):.1f} / {100 * np.mean(precision):.1f}"


def main_table(means):
    """Return header and rows of a table, the most accurate line first.

    With more than one collection each has a column of its own.
    """
    auc, precision = means["roc_auc"], means["average_precision"]
    shown = references(auc)
    header = ["", "ROC AUC", "AP"]
    collections = [*means.index.unique("collection")]
    if several := len(collections) > 1:
        header += collections
    header += ["rank"]
    for reference in shown:
        header += [f"{reference} +/-", "p"]
    mean_auc, mean_precision = (100 * balanced_mean(part) for part in (auc, precision))
    rows = []
    for line in mean_auc.sort_values(ascending=False).index:
        row = [line, f"{mean_auc[line]:.1f}", f"{mean_precision[line]:.1f}"]
        if several:
            row += [
                figures(auc[line][name], precision[line][name]) for name in collections
            ]
        row += [f"{mean_rank(auc, line):.2f}"]
        for reference in shown:
            row += _against(auc, line, reference)
        row += [f"{means[f'{part}_cpu_seconds', line].sum():.1f}" for part in PARTS]
        rows.append(row)
    return [*header, *(f"{part} CPU s" for part in PARTS)], rows
