"""Collections of tables, and the training and test rows of each protocol.

A collection is a subfolder of the data folder; its files hold ``X`` and ``y`` (1 for an
outlier), or ``X_train`` (without outliers), ``X_test`` and ``y_test``. The collection
``mixed`` is generated; ``mixed-1``, ``mixed-2``, ... are other random draws.
"""

import os
from collections import defaultdict

import numpy as np
from _common import DATA_VARIABLE, data_folder
from _mixed import mixed_tables
from sklearn.model_selection import train_test_split

COLLECTIONS = ("adbench", "keel", "macro", "mixed")
PROTOCOLS = ("one-class", "contaminated")
SUBSET_SIZE = 12


def is_generated(collection):
    """Say whether a collection is generated, not read."""
    return collection.partition("-")[0] == "mixed"


def find_collections(folder=None, names=None):
    """Return {collection: {table: source}} for ``load``, or exit.

    Without names all of ``COLLECTIONS`` that are there are taken.
    """
    # generated tables need no data
    if names and all(map(is_generated, names)):
        folder = None
    elif names or folder or os.environ.get(DATA_VARIABLE):
        folder = data_folder(folder, "a subfolder of *.npz for each collection")
    found, missing = {}, []
    for name in names or COLLECTIONS:
        if is_generated(name):
            found[name] = mixed_tables(int(name.partition("-")[2] or 0))
            continue
        paths = sorted((folder / name).glob("*.npz")) if folder else []
        if paths:
            found[name] = {path.stem: path for path in paths}
        else:
            missing.append(name)
    if missing:
        message = f"no *.npz of {', '.join(missing)} in {folder or 'no folder'}"
        if names:
            raise SystemExit(message)
        print(f"left out: {message}")
    return found


def subset(collection, tables):
    """Return twelve of the tables, at even distances in the order of their names.

    A generated collection gives as many of each of its families.
    """
    families = defaultdict(list)
    for name in sorted(tables):
        key = name.partition("-")[0] if is_generated(collection) else collection
        families[key].append(name)
    chosen = {}
    for names in families.values():
        size = min(SUBSET_SIZE // len(families), len(names))
        places = np.linspace(0, len(names) - 1, size).round().astype(int)
        chosen |= {names[i]: tables[names[i]] for i in places}
    return chosen


def load(source):
    """Return the arrays of a table by name."""
    if callable(source):
        return dict(zip("Xy", source(), strict=True))
    with np.load(source) as data:
        arrays = dict(data)
    return {
        name: values.astype(int if name[0] == "y" else np.float64, order="C")
        for name, values in arrays.items()
    }


def limit_rows(X, y, seed, max_rows):
    """Return a random part of the rows, with the same share of outliers, or all."""
    if len(y) <= max_rows:
        return X, y
    X, _, y, _ = train_test_split(
        X, y, train_size=max_rows, stratify=y, random_state=seed
    )
    return X, y


def split(X, y, protocol, seed, max_rows):
    """Return X_train, X_test, y_test of a table that is not divided yet."""
    X, y = limit_rows(X, y, seed, max_rows)
    if protocol == "contaminated":
        return X, X, y
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    train = normal[: len(normal) // 2]
    test = np.setdiff1d(np.arange(len(y)), train)
    return X[train], X[test], y[test]


def split_source(source, protocol, seed, max_rows):
    """Return X_train, X_test, y_test of a table.

    A table that comes divided stays so in the one-class protocol, with at most
    ``max_rows`` in each part; in the contaminated one its parts are put together.
    """
    data = load(source)
    if "X" in data:
        return split(data["X"], data["y"], protocol, seed, max_rows)
    X_train, X_test, y_test = data["X_train"], data["X_test"], data["y_test"]
    y_train = np.zeros(len(X_train), dtype=int)
    if protocol == "contaminated":
        X, y = np.vstack([X_train, X_test]), np.concatenate([y_train, y_test])
        return split(X, y, protocol, seed, max_rows)
    X_train, _ = limit_rows(X_train, y_train, seed, max_rows)
    return X_train, *limit_rows(X_test, y_test, seed, max_rows)
