"""Kill processes that score at random moments, and count what is lost.

- ``files``: a process that scores to Parquet files is killed, and started again in the
  same folder, until it ends. Each file that is there must be whole at all times, and in
  the end all rows must be there, once, in order, with the scores that they have.
- ``fit``: a process that fits under `checkpoints` is killed, and started again with the
  same folder, until it ends. The detector must give the scores, bit for bit, of one
  that was fitted without an interruption.
- ``dask``: worker processes of a LocalCluster are killed while they score.
- ``spark``: Python processes of a local Spark are killed while they score.

``python kill.py files --times 200``, ``python kill.py fit --times 200``,
``python kill.py dask --times 20``, ``python kill.py spark --times 5``.
"""

import argparse
import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sklearn.ensemble import IsolationForest

from sklearn_deepod import AutoEncoder
from sklearn_deepod.parallel import (
    DaskDetector,
    SparkDetector,
    checkpoints,
    score_stream,
)

FEATURES = ["x0", "x1", "x2"]
ROWS_PER_FILE = 700
SETTINGS = {"columns": FEATURES, "key_columns": ["id"]}
SETTINGS |= {"rows_per_file": ROWS_PER_FILE, "batch_size": 300}


def make_rows(n_rows):
    """Return rows with a key, a detector fitted on them, and their scores."""
    X = np.random.default_rng(0).normal(size=(n_rows, len(FEATURES)))
    frame = pd.DataFrame(X, columns=FEATURES).assign(id=np.arange(n_rows) * 3 + 1)
    forest = IsolationForest(n_estimators=20, random_state=0).fit(X)
    return frame, forest, forest.score_samples(X)


def check(scored, frame, expected):
    """Return the number of rows that are lost, double, out of order, or wrong."""
    if len(scored) != len(frame):
        return abs(len(scored) - len(frame))
    wrong = scored["id"].to_numpy() != frame["id"].to_numpy()
    wrong |= scored["score"].to_numpy() != expected
    return int(wrong.sum())


def score_folder(forest, folder, output):
    """Score in a process that may be killed."""
    score_stream(forest, folder, output, **SETTINGS)


def half_files(output, n_rows):
    """Return the number of files that are not whole."""
    n_half = 0
    for path in sorted(output.glob("part-*.parquet")):
        first = int(path.stem.removeprefix("part-")) * ROWS_PER_FILE
        expected = min(ROWS_PER_FILE, n_rows - first)
        n_half += pq.read_table(path).num_rows != expected
    return n_half


class Killer:
    """Runs functions in processes that it kills at random moments.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the moments.

    Attributes
    ----------
    n_killed : int
        Processes killed before their end.
    """

    def __init__(self, rng):
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["sklearn_deepod.parallel"])
        self._rng, self._lengths = rng, []
        self.n_killed = 0

    def ends(self, function, *args):
        """Call a function in a process; return whether it came to its end."""
        process = self._context.Process(target=function, args=args)
        process.start()
        start = perf_counter()
        # Two runs are left to end, to know how long one takes.
        left = len(self._lengths) < 2
        process.join(None if left else self._rng.uniform(0, self._lengths[1]))
        self._lengths.append(perf_counter() - start)
        process.kill()
        process.join()
        killed = process.exitcode == -signal.SIGKILL
        self.n_killed += killed
        if not killed and process.exitcode:
            raise RuntimeError(f"The process ended with {process.exitcode}.")
        return not killed


def kill_files(times, rng):
    """Kill a process that writes files; return (kills, wrong rows, half files)."""
    killer = Killer(rng)
    n_wrong = n_half = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "rows").mkdir()
        frame, forest, expected = make_rows(10_000)
        for i in range(10):
            part = frame[1000 * i : 1000 * (i + 1)]
            part.to_parquet(folder / "rows" / f"{i}.parquet", row_group_size=170)
        output = folder / "scores"
        while killer.n_killed < times:
            ended = False
            while not ended:
                ended = killer.ends(score_folder, forest, folder / "rows", output)
                n_half += half_files(output, len(frame))
            n_wrong += check(pd.read_parquet(output), frame, expected)
            n_wrong += any(path.name[0] == "." for path in output.iterdir())
            shutil.rmtree(output)
    return killer.n_killed, n_wrong, n_half


def fit_and_save(X, folder):
    """Fit in a process that may be killed."""
    detector = AutoEncoder(max_epochs=40, batch_size=64, random_state=0)
    with checkpoints(folder / "states"):
        detector.fit(X)
    np.save(folder / "scores.npy", detector.score_samples(X))


def kill_fit(times, rng):
    """Kill a process that fits; return (kills, wrong rows)."""
    killer = Killer(rng)
    X = make_rows(2_000)[0][FEATURES].to_numpy()
    expected, n_wrong = None, 0
    while killer.n_killed < times:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            while not killer.ends(fit_and_save, X, folder):
                pass
            scores = np.load(folder / "scores.npy")
        if expected is None:  # the first run is not killed
            expected = scores
        n_wrong += int((scores != expected).sum())
    return killer.n_killed, n_wrong


def kill_dask(times, rng):
    """Kill workers of Dask that score; return (kills, wrong rows)."""
    import dask
    import dask.array as da
    from distributed import Client, LocalCluster, Status, wait

    frame, forest, expected = make_rows(100_000)
    X = da.from_array(frame[FEATURES].to_numpy(), chunks=(500, -1))
    scores = DaskDetector(forest).score_samples(X)
    # A worker found dead twice within the timeout would not be started again.
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": times,
            "distributed.deploy.lost-worker-timeout": "1 hour",
        }
    )
    n_killed = n_wrong = 0
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        while n_killed < times:
            future = client.compute(scores)
            while n_killed < times and not future.done():
                try:
                    wait(future, timeout=rng.uniform(0, 10))
                except TimeoutError:
                    # Dask gives up a worker that dies while it is being started.
                    known = client.scheduler_info()["workers"]
                    pids = [
                        worker.pid
                        for worker in cluster.workers.values()
                        if worker.worker_address in known
                        and getattr(worker.process, "status", None) == Status.running
                    ]
                    with contextlib.suppress(ProcessLookupError):
                        if pids:
                            os.kill(rng.choice(pids), signal.SIGKILL)
                            n_killed += 1
            scored = frame[["id"]].assign(score=future.result())
            n_wrong += check(scored, frame, expected)
    return n_killed, n_wrong


def kill_spark(times, rng):
    """Kill Python processes of Spark that score; return (kills, wrong rows)."""
    from threading import Thread

    import psutil
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    frame, forest, expected = make_rows(100_000)
    builder = SparkSession.builder.master(f"local[2, {times + 4}]")
    spark = builder.config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    rows = spark.createDataFrame(frame.to_numpy().tolist(), [*frame.columns])
    scored = SparkDetector(forest, columns=FEATURES).transform(rows.repartition(40))
    n_killed = n_wrong = 0
    while n_killed < times:
        found = []
        thread = Thread(target=lambda found=found: found.extend(scored.collect()))
        thread.start()
        while thread.is_alive():
            thread.join(rng.uniform(0, 10))
            # The daemon forks the processes that score.
            workers = [
                worker
                for process in psutil.Process().children(recursive=True)
                if "pyspark.daemon" in " ".join(process.cmdline())
                for worker in process.children()
            ]
            if workers and thread.is_alive() and n_killed < times:
                rng.choice(workers).kill()
                n_killed += 1
        found = pd.DataFrame(found, columns=scored.columns).sort_values("id")
        n_wrong += check(found, frame, expected)
    spark.stop()
    return n_killed, n_wrong


KILLERS = {"files": kill_files, "fit": kill_fit, "dask": kill_dask, "spark": kill_spark}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=KILLERS)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    n_killed, *lost = KILLERS[args.what](args.times, rng)
    names = ("rows lost or wrong", "half files")
    counts = ", ".join(f"{n} {name}" for n, name in zip(lost, names, strict=False))
    print(f"{args.what}: killed {n_killed} times; {counts}")
    sys.exit(any(lost))


if __name__ == "__main__":
    main()
