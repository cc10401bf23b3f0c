"""Accuracy on the series of the Numenta Anomaly Benchmark (NAB), window by window.

Each detector is fitted on the first 15 % of a series and scores all of its time
stamps. A time stamp counts as an outlier if it lies in one of the intervals that NAB
labels; series without such an interval are left out. The table gives the ROC AUC, with
the same weight for each series. No label is used in training, and nothing is tuned per
series.
"""

import argparse
import json
import sys
from collections import defaultdict
from time import perf_counter

import numpy as np
import pandas as pd
from _common import data_folder, limit_threads, print_table
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_deepod import AutoEncoder, WindowedDetector
from sklearn_deepod.networks import TCN

TRAINING_SHARE = 0.15
WINDOW = 32


class AbsoluteValue(OutlierMixin, BaseEstimator):
    """The mean absolute value of a row; of standardised values, the z-score."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def score_samples(self, X):
        return -np.abs(X).mean(axis=1)


class NearestNeighbor(OutlierMixin, BaseEstimator):
    """Euclidean distance to the nearest training row."""

    def fit(self, X, y=None):
        self.neighbors_ = NearestNeighbors(n_neighbors=1).fit(X)
        return self

    def score_samples(self, X):
        return -self.neighbors_.kneighbors(X)[0][:, 0]


class PyODLSTM:
    """PyOD's LSTM that predicts the next value, on a standardised series."""

    def __init__(self, seed):
        from pyod.models.ts_lstm import LSTMAD

        self.seed = seed
        self.scaler = StandardScaler()
        self.detector = LSTMAD(window_size=WINDOW)

    def fit(self, X):
        import torch

        torch.manual_seed(self.seed)  # it has no random_state
        self.detector.fit(self.scaler.fit_transform(X))
        return self

    def score_samples(self, X):
        return -self.detector.decision_function(self.scaler.transform(X))


def windowed(detector, window=WINDOW):
    return make_pipeline(StandardScaler(), WindowedDetector(detector, window=window))


def autoencoder(network, **params):
    def make(seed):
        detector = AutoEncoder(
            network=network,
            novelty=True,  # the beginning of a series is taken for normal, as NAB does
            mask_rate=0.0,
            preprocessor=None,
            device="cpu",
            random_state=seed,
            **params,
        )
        return windowed(detector)

    return make


# name: seed -> estimator with `fit` and `score_samples`
LINES = {
    "z-score": lambda seed: windowed(AbsoluteValue(), window=1),
    "IsolationForest": lambda seed: windowed(IsolationForest(random_state=seed)),
    "LocalOutlierFactor": lambda seed: windowed(LocalOutlierFactor(novelty=True)),
    "1-NN": lambda seed: windowed(NearestNeighbor()),
    "PyOD-LSTMAD": PyODLSTM,
    "AutoEncoder/dense": autoencoder("dense"),
    "AutoEncoder/lstm": autoencoder("lstm", latent_size=256),
    "AutoEncoder/gru": autoencoder("gru", latent_size=256),
    "AutoEncoder/tcn": autoencoder(
        TCN(channels=(32, 32)), latent_size=256, max_steps=500
    ),
}
MERGES = ("max", "mean", "last")


def find_series(folder=None):
    """Return {name: (path, spans)} of the series with marked spans, or exit.

    nab/ holds the folders of `data` of https://github.com/numenta/NAB, and
    windows.json, which is its labels/combined_windows.json.
    """
    folder = data_folder(folder, "nab/windows.json")
    folder = folder / "nab" if (folder / "nab").is_dir() else folder
    labels = folder / "windows.json"
    if not labels.is_file():
        sys.exit(f"No data: there is no file {labels}.")
    spans = json.loads(labels.read_text())
    found = {
        name.removesuffix(".csv"): (folder / name, marked)
        for name, marked in sorted(spans.items())
        if marked and (folder / name).is_file()
    }
    if not found:
        sys.exit(f"No data: {folder} holds none of the series of windows.json.")
    return found


def load_series(path, spans):
    """Return the values as (n, 1), and whether each lies in one of the spans."""
    table = pd.read_csv(path, parse_dates=["timestamp"])
    marked = np.zeros(len(table), dtype=bool)
    for start, stop in spans:
        marked |= table["timestamp"].between(start, stop).to_numpy()
    return table[["value"]].to_numpy(dtype=np.float64), marked


def run(series, line, seed, merges):
    """Return {merge: ROC AUC} of a line on a series, and the seconds it took."""
    X, marked = load_series(*series)
    start = perf_counter()
    with limit_threads(1):
        detector = LINES[line](seed).fit(X[: int(TRAINING_SHARE * len(X))])
        auc = {}
        for merge in merges:
            last = getattr(detector, "steps", [(None, detector)])[-1][1]
            if isinstance(last, WindowedDetector):
                last.set_params(merge=merge)
            elif auc:  # no windows to merge
                auc[merge] = auc[merges[0]]
                continue
            auc[merge] = roc_auc_score(marked, -detector.score_samples(X))
    return auc, perf_counter() - start


def can_run(line):
    """Say whether the line's detector is installed and knows its parameters."""
    try:
        LINES[line](0)
    except (ImportError, TypeError) as error:
        print(f"left out: {line} ({error})")
        return False
    return True


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder that holds nab/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="processes, 1 thread each")
    parser.add_argument("--series", nargs="+", metavar="NAME", help="parts of names")
    parser.add_argument("--lines", nargs="+", choices=LINES, default=[*LINES])
    parser.add_argument("--merge", nargs="+", choices=MERGES, default=["max", "mean"])
    parser.add_argument("--each", action="store_true", help="print every series, too")
    args = parser.parse_args()

    series = {
        name: found
        for name, found in find_series(args.data).items()
        if not args.series or any(part in name for part in args.series)
    }
    lines = [line for line in args.lines if can_run(line)]
    keys = [(s, line, seed) for line in lines for s in series for seed in args.seeds]
    answers = Parallel(n_jobs=args.jobs)(
        delayed(run)(series[name], line, seed, args.merge) for name, line, seed in keys
    )

    auc = defaultdict(lambda: defaultdict(list))  # line, merge: by series and seed
    seconds = defaultdict(float)
    for (_, line, _), (answer, taken) in zip(keys, answers, strict=True):
        seconds[line] += taken / len(args.seeds)
        for merge in args.merge:
            auc[line][merge].append(100 * answer[merge])
    by_series = {
        line: np.reshape(auc[line][args.merge[0]], (len(series), -1)).mean(axis=1)
        for line in lines
    }
    if args.each:
        print_table(
            f"ROC AUC in percent, merge={args.merge[0]!r}",
            ("", *lines),
            [
                (name, *(f"{by_series[line][i]:.1f}" for line in lines))
                for i, name in enumerate(series)
            ],
        )
    rows = []
    for line in lines:
        forest = by_series.get("IsolationForest")
        beaten = "-" if forest is None else str(np.sum(by_series[line] > forest))
        means = (f"{np.mean(auc[line][merge]):.1f}" for merge in args.merge)
        other = "-" if line == "IsolationForest" else beaten
        rows.append((line, *means, other, f"{seconds[line]:.1f}"))
    print_table(
        f"{len(series)} series, windows of {WINDOW}, fitted on the first "
        f"{TRAINING_SHARE:.0%}; mean ROC AUC in percent, seconds for all series once",
        ("", *(f"merge={merge}" for merge in args.merge), "beats IForest", "s"),
        rows,
    )


if __name__ == "__main__":
    main()
