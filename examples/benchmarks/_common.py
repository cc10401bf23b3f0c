"""Helpers that the benchmarks share: data, threads, timing and tables."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from threadpoolctl import threadpool_limits

DATA_VARIABLE = "SKLEARN_DEEPOD_DATA"


def data_folder(folder, holds):
    """Return the folder given or that of ``SKLEARN_DEEPOD_DATA``, or exit.

    ``holds`` says in the message what the folder should hold.
    """
    folder = folder or os.environ.get(DATA_VARIABLE)
    if not folder:
        sys.exit(
            f"No data: give the folder that holds {holds} with --data FOLDER, or set "
            f"{DATA_VARIABLE}."
        )
    return Path(folder)


def find_tables(folder=None):
    """Return {name: path} of the ADBench files in a folder, or exit saying why not.

    ``folder`` (default: the environment variable ``SKLEARN_DEEPOD_DATA``) holds
    the files in a subfolder ``adbench``, or itself. They are those of
    adbench/datasets/Classical of https://github.com/Minqi824/ADBench.
    """
    folder = data_folder(folder, "adbench/*.npz")
    paths = sorted(folder.glob("adbench/*.npz")) or sorted(folder.glob("*.npz"))
    if not paths:
        sys.exit(f"No data: neither {folder}/adbench nor {folder} holds *.npz files.")
    return {path.stem: path for path in paths}


def load_table(path):
    """Return X as float64 and y, 1 for an outlier and 0 for a normal row."""
    with np.load(path) as data:
        return data["X"].astype(np.float64, order="C"), data["y"].astype(int)


def synthetic_table(n_rows, n_features, seed=0, dtype=np.float64):
    """Return correlated, heavy-tailed rows, made in place to keep the peak low."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((n_features, n_features)).astype(dtype)
    X = np.empty((n_rows, n_features), dtype=dtype)
    rng.standard_normal(out=X, dtype=dtype)
    X[:, 0] **= 3
    for start in range(0, n_rows, 10_000):
        X[start : start + 10_000] = X[start : start + 10_000] @ mixing
    return X


@contextmanager
def limit_threads(n_threads=1):
    """Hold torch, BLAS and OpenMP to some threads; 0 leaves them as they are."""
    if not n_threads:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        with threadpool_limits(n_threads):
            yield
    finally:
        torch.set_num_threads(before)


def seconds(function, *args, clock=perf_counter):
    """Return how long a call takes."""
    start = clock()
    function(*args)
    return clock() - start


def print_table(title, header, rows):
    """Print rows of strings: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print(f"\n{title}")
    for row in (header, *rows):
        first, *others = (
            f"{cell:<{width}}" if i == 0 else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *others]))
    sys.stdout.flush()
