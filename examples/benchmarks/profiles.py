"""Where the time of a fit goes: inside or outside the arithmetic of torch.

For each detector with a network, a table gives the CPU seconds of a fit on generated
rows at ``--batch-size``, with all other parameters at their defaults, and the share
that is spent outside the arithmetic of torch: in Python, skorch, the bookkeeping of
autograd and torch, and in numpy, scipy and scikit-learn, arithmetic or not.

The time inside is the CPU time in the operators that autograd dispatches (``aten.mm``,
``aten._fused_adamw_``, ...) in the forward pass, the backward pass and the optimizer,
without those that only return a view of a tensor. A ``TorchDispatchMode`` times each
operator, so about a microsecond of Python per call counts as inside. That slows the fit
down; the total is therefore the CPU time of another fit without it. Both are minima
over ``--rounds`` fits.

``--functions`` prints the functions in which a fit spends most time, as measured by
``cProfile``, which overestimates the share of Python: it shows what dominates, but not
by how much.
"""

import argparse
import cProfile
import pstats
from inspect import signature
from time import process_time, thread_time

import numpy as np
from _common import limit_threads, print_table, seconds, synthetic_table
from torch import nn

from sklearn_deepod.base import BaseTorchDetector
from sklearn_deepod.utils import all_detectors
from sklearn_deepod.utils._torch_compat import TorchDispatchMode

DETECTORS = {
    name: cls for name, cls in all_detectors() if issubclass(cls, BaseTorchDetector)
}


class PlainAutoEncoder(nn.Module):
    """What ``ModuleDetector`` trains."""

    def __init__(self, input_shape):
        super().__init__()
        (n,) = input_shape
        self.layers = nn.Sequential(
            nn.Linear(n, 128), nn.ReLU(), nn.Linear(128, 8), nn.Linear(8, n)
        )

    def forward(self, X):
        return (self.layers(X) - X).square().mean(dim=1)


def make(name, batch_size):
    """Return a detector with nothing set but the batch and what it asks for."""
    cls = DETECTORS[name]
    params = {"batch_size": batch_size, "device": "cpu", "random_state": 0}
    if name == "ModuleDetector":
        params |= {"module": PlainAutoEncoder, "loss": call}
    known = signature(cls).parameters
    return cls(**{k: v for k, v in params.items() if k in known})


def call(module, X):
    return module(X)


class ArithmeticClock(TorchDispatchMode):
    """Adds up the CPU time of torch's operators, one by one."""

    def __init__(self):
        super().__init__()
        self.total = 0.0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func.is_view:
            return func(*args, **kwargs)
        start = thread_time()
        result = func(*args, **kwargs)
        self.total += thread_time() - start
        return result


def seconds_inside(function):
    """Return the CPU time that a call spends in torch's operators."""
    with ArithmeticClock() as clock:
        function()
    return clock.total


def print_functions(name, fit, n_functions):
    """Print the functions in which a fit spends most time itself."""
    profiler = cProfile.Profile(process_time)
    profiler.runcall(fit)
    stats = pstats.Stats(profiler)
    total = stats.total_tt
    rows = sorted(stats.stats.items(), key=lambda item: -item[1][2])[:n_functions]
    print_table(
        f"{name}: functions by their own share of the time",
        ("", "calls", "percent"),
        [
            (
                f"{'/'.join(file.split('/')[-2:])}:{line} {function}"[:70],
                f"{calls:,}",
                f"{100 * own / total:.1f}",
            )
            for (file, line, function), (_, calls, own, _, _) in rows
        ],
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--detectors", nargs="+", choices=DETECTORS, default=[*DETECTORS]
    )
    parser.add_argument(
        "--functions",
        type=int,
        default=0,
        metavar="N",
        help="print the N functions that take most time in each detector's fit",
    )
    args = parser.parse_args()

    X = synthetic_table(args.rows, args.features)
    # a few labelled outliers for the detectors that ask for them
    y = np.where(np.arange(args.rows) % 100 == 0, -1, 0)
    rows = []
    with limit_threads(1):
        for name in args.detectors:

            def fit(name=name):
                make(name, args.batch_size).fit(X, y)

            fit()  # first calls import much
            whole, inside = np.min(
                [
                    (seconds(fit, clock=process_time), seconds_inside(fit))
                    for _ in range(args.rounds)
                ],
                axis=0,
            )
            outside = f"{100 * (1 - inside / whole):.0f}"
            rows.append((name, f"{whole:.2f}", f"{inside:.2f}", outside))
            if args.functions:
                print_functions(name, fit, args.functions)
    print_table(
        f"fits of {args.rows:,} x {args.features}, batch {args.batch_size}, one thread",
        ("", "CPU s", "in torch's arithmetic", "outside, %"),
        rows,
    )


if __name__ == "__main__":
    main()
