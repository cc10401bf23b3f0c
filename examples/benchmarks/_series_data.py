"""The series of the benchmark, and how they are divided into training and test parts.

The folder given with ``--data`` holds

- ``series/*.npz``, named ``COLLECTION__NAME.npz``, with ``X_train`` and ``X_test``, one
  row for each time stamp, and ``y_test``, 1 for an anomalous time stamp;
  ``series/manifest.csv`` gives the columns ``file``, ``key`` and ``variant``, by which
  copies of the same series are told from each other;
- ``nab/``, the folders of `data` of https://github.com/numenta/NAB, and
  ``nab/windows.json``, which is its ``labels/combined_windows.json``.
"""

import csv
import json
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
from _common import data_folder
from scipy.signal import argrelextrema

MAX_ROWS = 10_000
NAB_TRAINING_SHARE = 0.15
# Copies of a series of UCR, in the order in which they are preferred.
VARIANTS = ("plain", "NOISE", "DISTORTED", "")

# The series of NAB in the evaluation set of TSB-AD, and how many time stamps its file
# names give for training.
NAB12 = {
    "realKnownCause/ec2_request_latency_system_failure": 1007,
    "realKnownCause/nyc_taxi": 2579,
    "artificialWithAnomaly/art_load_balancer_spikes": 1007,
    "realAWSCloudwatch/ec2_cpu_utilization_825cc2": 1007,
    "realKnownCause/ambient_temperature_system_failure": 1816,
    "artificialWithAnomaly/art_increase_spike_density": 1007,
    "realKnownCause/rogue_agent_key_hold": 500,
    "realAWSCloudwatch/ec2_cpu_utilization_5f5533": 1007,
    "artificialWithAnomaly/art_daily_flatmiddle": 1007,
    "realAWSCloudwatch/rds_cpu_utilization_cc0c53": 1007,
    "realKnownCause/cpu_utilization_asg_misconfiguration": 4512,
    "realAWSCloudwatch/ec2_cpu_utilization_24ae8d": 1007,
}


@dataclass
class Series:
    """Standardised training and test parts, the test labels, and the period."""

    X_train: np.ndarray
    X_test: np.ndarray
    outliers: np.ndarray
    period: int


def period(values):
    """Lag of the highest local maximum of the autocorrelation, as TSB-AD has it.

    The lags are 3 to 400 in the first 20,000 values; if there is none, or it lies
    outside of 6 to 303, it is 125.
    """
    values = np.asarray(values[:20_000], dtype=np.float64)
    centred = values - values.mean()
    n_fft = 2 ** int(np.ceil(np.log2(2 * len(values))))
    spectrum = np.abs(np.fft.rfft(centred, n_fft)) ** 2
    correlation = np.fft.irfft(spectrum, n_fft)[3 : min(401, len(values))]
    (peaks,) = argrelextrema(correlation, np.greater)
    if not len(peaks):
        return 125
    highest = peaks[correlation[peaks].argmax()]
    return int(highest + 3) if 3 <= highest <= 300 else 125


def find_collections(folder=None, names=None):
    """Return {collection: {name: function that loads it}}, or exit saying why not."""
    folder = data_folder(folder, "series/*.npz and nab/windows.json")
    found = _divided_series(folder / "series")
    if nab := _nab_files(folder):
        found["nab"] = {
            name: lambda path=path, spans=spans: _divided_nab(path, spans)
            for name, (path, spans) in nab.items()
        }
    if not found:
        sys.exit(
            f"No data: {folder} holds neither series/*.npz nor nab/windows.json with "
            "its series."
        )
    if missing := {*(names or ())} - {*found}:
        sys.exit(f"No collection {', '.join(sorted(missing))}: {', '.join(found)}.")
    return {name: found[name] for name in names or sorted(found)}


def find_nab12(folder=None):
    """Return {name: function that loads it} for the series of NAB in TSB-AD."""
    folder = data_folder(folder, "nab/windows.json")
    nab = _nab_files(folder)
    if missing := {*NAB12} - {*nab}:
        print(f"left out, as there is no file: {', '.join(sorted(missing))}")
    found = {
        name: lambda name=name, n_train=n_train: _whole_nab(*nab[name], n_train)
        for name, n_train in NAB12.items()
        if name in nab
    }
    return found or sys.exit(f"No data: {folder} holds no nab/windows.json.")


def every(step, tables):
    """Each step-th series of every collection."""
    return {
        name: {key: of[key] for key in [*of][::step]} for name, of in tables.items()
    }


def _divided_series(folder):
    """The series that come divided, one of those with the same key."""
    manifest = {}
    if (folder / "manifest.csv").is_file():
        with (folder / "manifest.csv").open() as file:
            manifest = {row["file"]: row for row in csv.DictReader(file)}

    def preference(path):
        variant = manifest.get(path.name, {}).get("variant") or ""
        return VARIANTS.index(variant) if variant in VARIANTS else len(VARIANTS)

    found, keys = {}, set()
    for path in sorted(sorted(folder.glob("*__*.npz")), key=preference):
        collection, name = path.stem.split("__", 1)
        key = collection, manifest.get(path.name, {}).get("key") or name
        if key not in keys:
            keys.add(key)
            found.setdefault(collection, {})[name] = lambda path=path: _divided(path)
    return {
        collection: dict(sorted(series.items())) for collection, series in found.items()
    }


def _nab_files(folder):
    """Return {name: (path, spans)} of the series of NAB that have marked spans."""
    folder = folder / "nab" if (folder / "nab").is_dir() else folder
    if not (folder / "windows.json").is_file():
        return {}
    spans = json.loads((folder / "windows.json").read_text())
    return {
        name.removesuffix(".csv"): (folder / name, marked)
        for name, marked in sorted(spans.items())
        if marked and (folder / name).is_file()
    }


def _divided(path):
    """The last rows for training, and test rows around the median anomaly."""
    with np.load(path) as data:
        X_train, X_test, y = (data[name] for name in ("X_train", "X_test", "y_test"))
    outliers = y == 1
    middle = int(np.median(np.flatnonzero(outliers)))
    start = int(np.clip(middle - MAX_ROWS // 2, 0, max(len(y) - MAX_ROWS, 0)))
    part = slice(start, start + MAX_ROWS)
    X_train = X_train[-MAX_ROWS:]
    return _series(X_train, X_test[part], outliers[part], (X_train, X_test[part]))


def _divided_nab(path, spans):
    """The beginning for training, which NAB leaves unscored, too."""
    X, outliers = _read_nab(path, spans)
    n_train = int(NAB_TRAINING_SHARE * len(X))
    return _series(X[:n_train], X[n_train:], outliers[n_train:], (X,))


def _whole_nab(path, spans, n_train):
    """As in TSB-AD: without the first row, and all rows are scored."""
    X, outliers = _read_nab(path, spans)
    return _series(X[1 : n_train + 1], X[1:], outliers[1:], (X[1:],))


def _read_nab(path, spans):
    table = pd.read_csv(path, parse_dates=["timestamp"])
    outliers = np.zeros(len(table), dtype=bool)
    for start, stop in spans:
        outliers |= table["timestamp"].between(start, stop).to_numpy()
    return table[["value"]].to_numpy(dtype=np.float64), outliers


def _series(X_train, X_test, outliers, parts):
    """Standardise by the training rows; the period is that of the first channel."""
    centre = X_train.mean(axis=0, dtype=np.float64)
    scale = X_train.std(axis=0, dtype=np.float64)
    scale[scale < 1e-8] = 1.0
    X_train, X_test = ((X - centre) / scale for X in (X_train, X_test))
    whole = np.concatenate([X[:, 0] for X in parts])
    return Series(X_train, X_test, outliers, period(whole))
