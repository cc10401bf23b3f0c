"""Tables and tests of significance of the accuracy benchmark's results."""

import re
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

PARTS = ("fit", "score")
FIELDS = ["roc_auc", "average_precision", *(f"{part}_cpu_seconds" for part in PARTS)]
# whom each protocol's table compares with
REFERENCES = {
    "one-class": ("IsolationForest", "kNN-1"),
    "contaminated": ("IsolationForest",),
}


def family(line):
    """Return the detector of a line: "AutoEncoder" of "AutoEncoder[lr=0.1]"."""
    return line.split("[")[0].split("/")[0]


def plain(lines):
    """Return the lines of detectors as they come, without variants."""
    return [line for line in lines if line == family(line)]


def mean_results(results, protocol, datasets, seeds, max_rows, lines):
    """Return the runs that all lines have, averaged over the seeds.

    A frame with a row for each dataset and columns (field, line); None without such
    runs. Lines without any result are left out; further lines of the results that have
    these runs are there, too. What is missing is printed.
    """
    frame = pd.DataFrame([row for row in results if row["protocol"] == protocol])
    if frame.empty:
        print(f"\n{protocol}: no results")
        return None
    frame = frame[
        frame["dataset"].isin(datasets)
        & frame["seed"].isin(seeds)
        & (frame["max_rows"] == max_rows)
    ]
    runs = frame.pivot(index=["dataset", "seed"], columns="detector", values=FIELDS)
    done = runs["roc_auc"].notna()
    found = [line for line in lines if line in done]
    shared = done[found].all(axis=1)
    total = len(datasets) * len(seeds)
    print(f"\n{protocol}: {shared.sum()} of {total} runs")
    for line in found:
        if (lacking := total - done[line].sum()) > 0:
            print(f"    {line} lacks {lacking}")
    if absent := [line for line in lines if line not in found]:
        print(f"    without results: {', '.join(absent)}")
    if not (found and shared.any()):
        return None
    covering = done[shared].all().loc[lambda whole: whole].index
    means = runs[shared].groupby(level="dataset").mean()
    return means.loc[:, (slice(None), covering)]


def mean_rank(auc, line):
    """Rank among the detectors as they come: no variants, not of itself either."""
    rivals = [other for other in plain(auc) if other != family(line)]
    return auc[[line, *rivals]].rank(axis=1, ascending=False)[line].mean()


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


def main_table(means, protocol):
    """Return header and rows of a protocol's table, the most accurate line first."""
    auc = means["roc_auc"]
    references = REFERENCES[protocol]
    header = ["", "ROC AUC", "AP", "rank"]
    for reference in references:
        header += [f"{reference} +/-", "p"]
    rows = []
    for line in auc.mean().sort_values(ascending=False).index:
        of_line = means.xs(line, axis=1, level=1)
        row = [
            line,
            f"{100 * of_line['roc_auc'].mean():.1f}",
            f"{100 * of_line['average_precision'].mean():.1f}",
            f"{mean_rank(auc, line):.2f}",
        ]
        for reference in references:
            row += _against(auc, line, reference)
        row += [f"{of_line[f'{part}_cpu_seconds'].sum():.1f}" for part in PARTS]
        rows.append(row)
    return [*header, *(f"{part} CPU s" for part in PARTS)], rows


def halves_of(datasets, by):
    """Return two lists of datasets: the even ones and the odd ones.

    ``by`` is "number", that in the name of ADBench's file, or "position", that in the
    sorted list, from 0.
    """
    datasets = sorted(datasets)
    if by == "number":
        if unnumbered := [name for name in datasets if not name[0].isdigit()]:
            raise SystemExit(f"--halves number: {unnumbered[0]} begins with none")
        numbers = [int(re.match(r"\d+", name)[0]) for name in datasets]
    else:
        numbers = range(len(datasets))
    return [
        [name for name, n in zip(datasets, numbers, strict=True) if n % 2 == rest]
        for rest in (0, 1)
    ]


def halves_table(means, halves):
    """Return header and rows of the means on the even and on the odd tables."""
    parts = [means[means.index.isin(half)] for half in halves]
    header = ["", "ROC AUC even", "ROC AUC odd", "AP even", "AP odd"]
    order = means["roc_auc"].mean().sort_values(ascending=False).index
    rows = [
        [line]
        + [
            f"{100 * part[field, line].mean():.1f}"
            for field in ("roc_auc", "average_precision")
            for part in parts
        ]
        for line in order
    ]
    return header, rows
