"""Fit and score tables that memory need not hold, beside the same in memory.

Generates Parquet files of correlated numbers, one row in a hundred an outlier that
keeps no correlation. Each line of the table is measured in a process of its own:

- ``read``: Arrow reads the files, and nothing else is done;
- ``memory``: the table is read as a whole, the detector fitted and all rows scored;
- ``stream``: `fit_stream`, and `score_stream` to Parquet files;
- ``dask``: `DaskDetector` fits, and scores with ``--workers`` that have begun before.

Seconds are of the clock, and of the CPU in brackets. The peak of resident memory is
above that of the process after its imports and a fit on a few rows, without what the
benchmark itself takes to compare all scores. ROC AUC is that of all rows.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from _common import limit_threads, print_table
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

from sklearn_deepod.parallel import DaskDetector, fit_stream, score_stream
from sklearn_deepod.utils import all_detectors

MB = 1_000_000
ROWS_PER_FILE, ROWS_PER_GROUP = 1_000_000, 100_000
DETECTORS = {"IsolationForest": IsolationForest, **dict(all_detectors())}


def make_file(path, n_rows, n_features, seed):
    """Write a file of columns x0, x1, ..., id, and outlier (0 or 1)."""
    mixing = np.random.default_rng(0).normal(size=(n_features // 3, n_features))
    rng = np.random.default_rng([1, seed])
    X = rng.standard_normal((n_rows, n_features // 3), dtype=np.float32)
    X = X @ mixing.astype(np.float32)
    X += rng.standard_normal(X.shape, dtype=np.float32)
    outlier = rng.random(n_rows) < 0.01
    # Each cell of an outlier comes from another row.
    for j in range(n_features):
        X[outlier, j] = X[rng.integers(n_rows, size=outlier.sum()), j]
    table = {f"x{j}": X[:, j] for j in range(n_features)}
    table |= {"id": seed * ROWS_PER_FILE + np.arange(n_rows)}
    table |= {"outlier": outlier.astype(np.int8)}
    options = {"compression": "none", "use_dictionary": False}
    pq.write_table(pa.table(table), path, row_group_size=ROWS_PER_GROUP, **options)


def make_table(folder, n_rows, n_features):
    """Write files of `ROWS_PER_FILE` rows, if they are not there."""
    folder = folder / f"{n_rows}-{n_features}"
    folder.mkdir(parents=True, exist_ok=True)
    for i, start in enumerate(range(0, n_rows, ROWS_PER_FILE)):
        path = folder / f"{i:04}.parquet"
        if not path.exists():
            size = min(ROWS_PER_FILE, n_rows - start)
            make_file(path.with_suffix(".tmp"), size, n_features, i)
            path.with_suffix(".tmp").rename(path)
    return folder


class Clock:
    """Seconds of steps, of the clock and of the CPU, and the peak of memory so far."""

    def __init__(self):
        self.seconds = {}
        self.peak = 0

    def __call__(self, name, function):
        """Return what a function gives, and note how long it takes."""
        start, cpu_start = perf_counter(), process_time()
        result = function()
        self.seconds[name] = perf_counter() - start, process_time() - cpu_start
        self.peak = peak_bytes()
        return result


def read(detector, folder, output, clock, workers):
    def read_all():
        batches = ds.dataset(folder).to_batches(
            batch_size=2**15, batch_readahead=2, fragment_readahead=1
        )
        for _ in batches:
            pass

    clock("read", read_all)


def memory(detector, folder, output, clock, workers):
    table = clock("read", lambda: pd.read_parquet(folder))
    y = table.pop("outlier").to_numpy()
    X = table.drop(columns="id")
    del table
    clock("fit", lambda: detector.fit(X))
    return roc_auc_score(y, -clock("score", lambda: detector.score_samples(X)))


def stream(detector, folder, output, clock, workers):
    keys = {"key_columns": ["id", "outlier"]}
    fitted = clock("fit", lambda: fit_stream(detector, folder, random_state=0, **keys))
    report = clock("score", lambda: score_stream(fitted, folder, output, **keys))
    scored = pd.read_parquet(report.files, columns=["outlier", "score"])
    return roc_auc_score(scored["outlier"], -scored["score"])


def dask(detector, folder, output, clock, workers):
    import dask.dataframe as dd
    from distributed import Client, LocalCluster

    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.run(lambda: __import__("sklearn_deepod"))
        # By default a partition holds 256 MB, so that a small table is one.
        X = dd.read_parquet(folder, split_row_groups=1)
        y = X["outlier"].compute()
        X = X.drop(columns=["id", "outlier"])
        fitted = DaskDetector(detector, random_state=0)
        clock("fit", lambda: fitted.fit(X))
        fitted.score_samples(X.partitions[: 2 * workers]).compute()  # begin all workers
        scores = clock("score", lambda: fitted.score_samples(X).compute())
    return roc_auc_score(y, -scores)


TASKS = {"read": read, "memory": memory, "stream": stream, "dask": dask}


def peak_bytes():
    """Return the largest resident memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def measure(args):
    """Run one task in this process; print seconds, bytes and ROC AUC."""
    params = {"random_state": 0}
    if args.detector != "IsolationForest":
        params["device"] = "cpu"
    detector = DETECTORS[args.detector](**params)
    with limit_threads(args.threads), tempfile.TemporaryDirectory() as output:
        few = np.random.default_rng(0).normal(size=(500, 30))
        detector.fit(few).score_samples(few)
        before, clock = peak_bytes(), Clock()
        auc = TASKS[args.task](
            detector, Path(args.folder), Path(output) / "scores", clock, args.workers
        )
        print(json.dumps([clock.seconds, clock.peak - before, auc]))


def line(task, n_rows, workers, command):
    """Run a task in a process of its own; return a line of the table."""
    command = [*command, f"--task={task}", f"--workers={workers}"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, peak, auc = json.loads(output.stdout.splitlines()[-1])
    steps = [seconds.get(name) for name in ("read", "fit", "score")]
    return (
        f"{task}, {workers} worker(s)" if task == "dask" else task,
        f"{n_rows:,}",
        *("-" if step is None else f"{step[0]:.1f} ({step[1]:.1f})" for step in steps),
        f"{peak / MB:.0f}",
        "-" if auc is None else f"{100 * auc:.2f}",
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000_000, 20_000_000])
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument(
        "--memory-rows", type=int, default=2_000_000, help="none in memory beyond these"
    )
    parser.add_argument("--detector", choices=DETECTORS, default="AutoEncoder")
    parser.add_argument("--tasks", choices=TASKS, nargs="+", default=[*TASKS][:3])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--threads", type=int, default=1, help="0: as libraries choose")
    parser.add_argument("--folder", type=Path, help="where the files stay")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.task:
        args.workers = args.workers[0]
        measure(args)
        return
    folder = args.folder or Path(tempfile.mkdtemp())
    try:
        lines = []
        for n_rows in args.rows:
            path = make_table(folder, n_rows, args.features)
            command = [sys.executable, __file__, f"--folder={path}"]
            command += [f"--detector={args.detector}", f"--threads={args.threads}"]
            for task in args.tasks:
                if task == "memory" and n_rows > args.memory_rows:
                    continue
                for workers in args.workers if task == "dask" else [1]:
                    lines.append(line(task, n_rows, workers, command))
                    print(*lines[-1], sep="  ", file=sys.stderr)
    finally:
        if not args.folder:
            shutil.rmtree(folder)
    print_table(
        f"{args.detector}, {args.features} float32 features; seconds (of the CPU)",
        ("", "rows", "read s", "fit s", "score s", "peak MB", "ROC AUC"),
        lines,
    )


if __name__ == "__main__":
    main()
