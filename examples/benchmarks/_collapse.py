"""Check whether categories without signal make a detector miss outliers."""

import numpy as np
from _report import family

# whom a detector should not fall behind on the random tables
RIVALS = ("AutoEncoder", "IsolationForest")
MARGIN = 0.05


def _of_family(precision, name):
    return precision[precision.index.str.startswith(f"{name}-")]


def _binary_cells(precision):
    """Return the figure without the binary column, the lowest with it, and where."""
    binary = _of_family(precision, "binary")
    if len(binary) < 2 or "binary-00" not in binary.index:
        return "", "", ""
    with_column = binary.drop("binary-00")
    share = int(with_column.idxmin().partition("-")[2])
    return f"{binary['binary-00']:.3f}", f"{with_column.min():.3f}", f"{share} %"


def _one_hot_cells(precision):
    one_hot = _of_family(precision, "onehot")
    if one_hot.empty:
        return "", ""
    return f"{one_hot.mean():.3f}", f"{one_hot.min():.3f}"


def _random_cells(precision, line):
    """Return on how many random tables a line is far behind, and the worst lead."""
    random = _of_family(precision, "random")
    rivals = [rival for rival in RIVALS if rival in random and rival != family(line)]
    if random.empty or len(rivals) + (family(line) in RIVALS) < len(RIVALS):
        return "", ""
    lead = random[line] - random[rivals].max(axis=1)
    # 1e-9 for differences that are MARGIN but for rounding
    return f"{np.sum(lead < -MARGIN - 1e-9)} of {len(random)}", f"{lead.min():.2f}"


def collapse_table(means):
    """Return header and rows of a generated collection's checks, or None.

    The lines are in the order of their lowest figure with a binary column.
    """
    precision = means["average_precision"].droplevel("collection")
    header = ["", "no binary", "lowest with", "at", "one-hot mean", "lowest"]
    header += ["random: behind", "worst"]
    rows = [
        [
            line,
            *_binary_cells(precision[line]),
            *_one_hot_cells(precision[line]),
            *_random_cells(precision, line),
        ]
        for line in precision
    ]
    rows = [row for row in rows if any(row[1:])]
    return (
        (header, sorted(rows, key=lambda row: row[2], reverse=True)) if rows else None
    )
