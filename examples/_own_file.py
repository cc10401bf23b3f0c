"""Read a table for the quickstart from a file, and write its scores.

Problems with the file raise ValueError, with a message for its owner.
"""

import bz2
import csv
import gzip
import itertools
import lzma
import re
from pathlib import Path

import numpy as np
import pandas as pd

OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, "": open}
CSV, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
N_SNIFFED_LINES = 100
NUMBER = re.compile(r"\s*[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?\s*")
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*")
DECIMAL_POINT = re.compile(r"\s*[-+]?\d+\.\d+([eE][-+]?\d+)?\s*")


def read_file(path):
    """The table in a CSV or Parquet file."""
    path = Path(path)
    packed = path.suffix.lower() if path.suffix.lower() in OPENERS else ""
    suffix = (path.with_suffix("") if packed else path).suffix.lower()
    if suffix not in CSV + PARQUET or (packed and suffix in PARQUET):
        raise ValueError(
            f"cannot tell the format of {path.name} by its suffix; known are "
            f"{', '.join(CSV + PARQUET)}, and CSV with {', '.join(list(OPENERS)[:-1])}"
        )
    try:
        table = read_parquet(path) if suffix in PARQUET else read_csv(path, packed)
    except (ValueError, OSError, EOFError, lzma.LZMAError, csv.Error) as error:
        raise ValueError(f"cannot read {path.name}: {error}") from error
    if len(table) < 2:
        raise ValueError(f"{path.name} has {len(table)} row(s); at least 2 are needed")
    return table


def read_parquet(path):
    """Read Parquet, with the index that was stored with the table."""
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise ValueError("Parquet needs pyarrow (pip install pyarrow)") from error


def read_csv(path, packed):
    """Read CSV in the dialect that its first lines show, and print which that is."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            with OPENERS[packed](path, "rt", encoding=encoding, newline="") as file:
                text = "".join(itertools.islice(file, N_SNIFFED_LINES))
            separator, decimal, header = sniff(text)
            table = pd.read_csv(
                path,
                sep=separator,
                decimal=decimal,
                header=header,
                encoding=encoding,
                na_values=["?"],
                skipinitialspace=True,
            )
            break
        except UnicodeDecodeError:
            if encoding == "cp1252":
                raise
    if header is None:
        table.columns = [f"column {i}" for i in table.columns]
    tried = ", ".join(SEPARATORS.values())
    print(
        "Read as CSV",
        f"separator {SEPARATORS[separator]}"
        if table.shape[1] > 1
        else f"one column, since no separator was found ({tried})",
        f"decimal {'comma' if decimal == ',' else 'point'}",
        "no header" if header is None else "header in the first line",
        "UTF-8." if encoding == "utf-8-sig" else "Windows-1252.",
        sep="; ",
    )
    return table


def sniff(text):
    """Separator, decimal sign and position of the header (None without one)."""
    if not text.strip():
        raise ValueError("it is empty")
    lines = {
        separator: [
            line for line in csv.reader(text.splitlines(), delimiter=separator) if line
        ]
        for separator in SEPARATORS
    }

    def plausibility(separator):
        """Whether it splits the first line, all lines alike, and into numbers."""
        fields = [len(line) for line in lines[separator]]
        cells = [cell for line in lines[separator] for cell in line]
        numbers = np.mean([NUMBER.fullmatch(cell) is not None for cell in cells])
        return fields[0] > 1, np.mean(np.equal(fields, fields[0])), numbers

    separator = max(SEPARATORS, key=plausibility)
    cells = [cell for line in lines[separator][1:] for cell in line]
    commas = sum(DECIMAL_COMMA.fullmatch(cell) is not None for cell in cells)
    points = sum(DECIMAL_POINT.fullmatch(cell) is not None for cell in cells)
    decimal = "," if separator != "," and commas > points else "."
    first = lines[separator][0]
    header = None if all(NUMBER.fullmatch(cell) for cell in first) else 0
    return separator, decimal, header


def split_label(table, column):
    """The table without its label column, labels of +1 and -1, and the column."""
    names = {str(name): name for name in table.columns}
    if column not in names:
        raise ValueError(
            f"there is no column {column!r}; the columns are "
            + ", ".join(map(repr, names))
        )
    label = table[names[column]]
    if label.isna().any():
        raise ValueError(
            f"{int(label.isna().sum())} rows have no value in the label column "
            f"{column!r}"
        )
    counts = label.value_counts().sort_index(ascending=False)
    if len(counts) != 2:
        raise ValueError(
            f"the label column {column!r} has {len(counts)} different value(s); it "
            "must have two, one for inliers and one for outliers"
        )
    outlier = counts.idxmin()
    print(
        f"Label column {column!r}: '{outlier}', the rarer value, is taken for the "
        f"outlier ({counts[outlier]} of {len(table)} rows)."
    )
    y = np.where(label == outlier, -1, 1)
    return table.drop(columns=names[column]), y, label


def clean_columns(table):
    """Numbers as float, all else as text, without uninformative columns."""
    columns, left_out = {}, {}
    for name, column in table.items():
        reason = why_left_out(str(name), column)
        if reason:
            left_out[name] = reason
        elif pd.api.types.is_numeric_dtype(column):
            numbers = column.to_numpy("float64", na_value=np.nan)
            columns[str(name)] = np.where(np.isfinite(numbers), numbers, np.nan)
        else:
            text = column.astype("string").fillna("missing")
            columns[str(name)] = text.to_numpy(object)
    for name, reason in left_out.items():
        print(f"Column '{name}' is left out: {reason}.")
    if not columns:
        raise ValueError("no usable column is left")
    return pd.DataFrame(columns, index=table.index)


def why_left_out(name, column):
    """Why a column carries no information about outliers; None if it may."""
    try:
        n_distinct = column.nunique()
    except TypeError:  # lists, for example, which Parquet may hold
        return "neither numbers nor text"
    if n_distinct < 2:
        return "one value only" if n_distinct else "no values"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "dates"
    if not pd.api.types.is_numeric_dtype(column):
        many = n_distinct > max(50, len(column) // 2)
        return "text, mostly distinct values" if many else None
    if n_distinct == len(column) > 2 and pd.api.types.is_integer_dtype(column):
        if (column.diff().iloc[1:] == column.iloc[1] - column.iloc[0]).all():
            return "it counts the rows"
        if re.search(r"(^|[_ ])id$|(^|[a-z_ ])(ID|Id)$", name):
            return "an identifier, by its name and distinct values"
    return None


def write_scores(path, model, table, decision):
    """Write the score and the label of every row, by the row's index."""
    scores = pd.DataFrame(
        {"decision_function": decision, "predict": model.predict(table)},
        index=table.index,
    )
    scores.index.name = scores.index.name or "row"
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if Path(path).suffix.lower() in PARQUET:
        scores.to_parquet(path)
    else:
        scores.to_csv(path)
