"""Time of an epoch with one process and with several that train together.

Starts itself through ``torchrun`` with each number of processes, each of which computes
on one thread. The seconds are those that an epoch adds to a fit, so that preprocessing,
scores and thresholds, which every process computes, are not among them. All processes
must end with the same scores.
"""

import argparse
import json
import subprocess
import sys
from time import perf_counter

import numpy as np
from _common import limit_threads, print_table
from torch import distributed

from sklearn_deepod.parallel import data_parallel
from sklearn_deepod.utils import all_detectors

DETECTORS = dict(all_detectors())
# Epochs of the two fits whose times are compared.
EPOCHS = 1, 5


def fit_together(args):
    """Fit in this process, one of several; print seconds and whether scores agree."""
    X = np.random.default_rng(0).standard_normal(
        (args.rows, args.features), dtype=np.float32
    )
    taken = {}
    with limit_threads(1), data_parallel() as rank:
        for n_epochs in EPOCHS:
            detector = DETECTORS[args.detector](
                batch_size=args.batch_size,
                max_epochs=n_epochs,
                max_steps=None,
                device="cpu",
                random_state=0,
            )
            distributed.barrier()
            start = perf_counter()
            detector.fit(X)
            taken[n_epochs] = perf_counter() - start
        everybody = [None] * distributed.get_world_size()
        distributed.all_gather_object(everybody, detector.score_samples(X[:1000]))
    if rank == 0:
        first, last = EPOCHS
        # With two trainings, before and after the refit on inliers.
        seconds = (taken[last] - taken[first]) / (last - first)
        print(json.dumps([seconds, np.ptp(everybody, axis=0).max()]))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--detector", choices=DETECTORS, default="AutoEncoder")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=4096)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        fit_together(args)
        return
    lines = []
    for n_processes in args.processes:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += [f"--nproc-per-node={n_processes}", *sys.argv, "--worker"]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        seconds, difference = json.loads(output.stdout.splitlines()[-1])
        share = 1.0 if not lines else seconds / float(lines[0][1])
        lines.append(
            (str(n_processes), f"{seconds:.3f}", f"{share:.2f}", f"{difference:.1e}")
        )
    print_table(
        f"{args.detector}, {args.rows:,} x {args.features}, batches of "
        f"{args.batch_size:,}",
        ("processes", "s per epoch", "share", "difference of scores"),
        lines,
    )


if __name__ == "__main__":
    main()
