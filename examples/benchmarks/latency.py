"""CPU time of scoring few rows, as a service does that gets them one by one.

Each detector is fitted on generated numbers and scores 1, 10, 100 and 1,000 rows at
each width. The detectors take turns, with many calls in each round; the script prints
the median over the rounds, in milliseconds per call.
"""

import argparse
from time import process_time

import numpy as np
from _common import limit_threads, print_table, synthetic_table
from sklearn.ensemble import IsolationForest

import sklearn_deepod

TRAINING_ROWS = 2_000
PYOD = "PyOD's AutoEncoder"


def make(name):
    """Return an unfitted detector, and the function that scores by a fitted one."""
    if name == "IsolationForest":
        detector = IsolationForest(random_state=0)
        return detector, detector.score_samples
    if name == PYOD:
        from pyod.models.auto_encoder import AutoEncoder

        detector = AutoEncoder(device="cpu", verbose=0, random_state=0)
        return detector, detector.decision_function
    detector = getattr(sklearn_deepod, name)()
    settings = {"device": "cpu", "random_state": 0}
    known = detector.get_params()
    detector.set_params(**{k: v for k, v in settings.items() if k in known})
    return detector, detector.score_samples


def installed(names):
    """Return the names, with PyOD's autoencoder where the package is there."""
    try:
        import pyod  # noqa: F401
    except ImportError:
        print("left out: PyOD's AutoEncoder (pyod is not installed)")
        return names
    return [*names, PYOD]


def milliseconds(score, X, n_calls):
    """Return the mean CPU time of a call."""
    start = process_time()
    for _ in range(n_calls):
        score(X)
    return 1e3 * (process_time() - start) / n_calls


def measure(args, names, n_features):
    """Return {(name, rows): milliseconds} at one width."""
    X = synthetic_table(TRAINING_ROWS, n_features)
    scores = {}
    for name in names:
        detector, scores[name] = make(name)
        detector.fit(X)
        scores[name](X[:1])  # warm up
    times = {}
    for _ in range(args.rounds):
        for n_rows in args.rows:
            for name, score in scores.items():
                rows = X[:n_rows]
                found = milliseconds(score, rows, args.calls)
                times.setdefault((name, n_rows), []).append(found)
    return {key: np.median(values) for key, values in times.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--detectors",
        nargs="+",
        default=["AutoEncoder", "DeepOutlierDetector"],
        help="names of this package's detectors",
    )
    parser.add_argument("--features", type=int, nargs="+", default=[10, 30, 100, 784])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 10, 100, 1_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=10, help="in each round")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    names = installed([*args.detectors, "IsolationForest"])
    with limit_threads(args.threads):
        for n_features in args.features:
            times = measure(args, names, n_features)
            lines = []
            for name in names:
                own = [times[name, n_rows] for n_rows in args.rows]
                forest = [times["IsolationForest", n_rows] for n_rows in args.rows]
                ratios = [f"{a / b:.2f}" for a, b in zip(own, forest, strict=True)]
                lines.append((name, *(f"{ms:.2f}" for ms in own), *ratios))
            print_table(
                f"latency: {n_features} features, CPU ms a call, {args.rounds} rounds "
                f"of {args.calls} calls; ratio to IsolationForest's",
                (
                    "rows",
                    *(f"{n:,}" for n in args.rows),
                    *(f"ratio, {n:,}" for n in args.rows),
                ),
                lines,
            )


if __name__ == "__main__":
    main()
