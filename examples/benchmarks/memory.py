"""Peak memory that a fit adds to its input, each detector in its own process.

The process imports the detector, fits it once on a few rows, creates the input, and
records its peak resident memory; the script prints what a fit adds to that peak.
"""

import argparse
import resource
import subprocess
import sys

from _common import limit_threads, print_table, synthetic_table

MB = 1_000_000


def peak_bytes():
    """Return the largest resident memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def make_detector(name):
    if name == "AutoEncoder":
        from sklearn_deepod import AutoEncoder

        return AutoEncoder(device="cpu", random_state=0)
    from sklearn.ensemble import IsolationForest

    return IsolationForest(random_state=0)


def measure(name, n_rows, n_features):
    """Return the bytes that fit and scoring add to the peak, one after the other."""
    few_rows = synthetic_table(1_000, n_features)
    with limit_threads(1):
        make_detector(name).fit(few_rows).score_samples(few_rows)
        X = synthetic_table(n_rows, n_features)
        before = peak_bytes()
        detector = make_detector(name).fit(X)
        after_fit = peak_bytes()
        detector.score_samples(X)
        return after_fit - before, peak_bytes() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--detector", help="measure this one in this very process")
    args = parser.parse_args()
    if args.detector:
        print(*measure(args.detector, args.rows, args.features))
        return

    limit = args.rows * args.features * 4 + 200 * MB
    table = []
    for name in ("AutoEncoder", "IsolationForest"):
        size = (f"--rows={args.rows}", f"--features={args.features}")
        command = [sys.executable, __file__, f"--detector={name}", *size]
        output = subprocess.run(command, check=True, capture_output=True, text=True)
        fit, both = map(int, output.stdout.split())
        share = f"{fit / limit:.2f}"
        table.append((name, f"{fit / MB:.0f}", share, f"{both / MB:.0f}"))
    print_table(
        f"memory: {args.rows:,} x {args.features} float64, peak above the input; "
        f"limit: one float32 copy + 200 MB = {limit / MB:.0f} MB",
        ("", "fit MB", "of limit", "fit and score MB"),
        table,
    )


if __name__ == "__main__":
    main()
