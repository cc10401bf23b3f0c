"""An accelerator beside the CPU: whether scores agree, what time and memory it takes.

First, every detector is fitted on the CPU, and scores the same rows there and on the
accelerator: the largest difference is to be below 1e-4, relative to the row's score or
to the median score, whichever is larger. Then detectors are fitted and score on each,
for more and more rows; peak memory is that of the accelerator, and ``bf16`` is the same
with ``precision="bfloat16"``. Needs torch and this package only::

    python gpu.py
    python gpu.py --device mps --rows 100000 1000000
"""

import argparse
import sys
import warnings

import numpy as np
import torch
from _common import print_table, seconds, synthetic_table
from fingerprints import NEEDED

import sklearn_deepod
from sklearn_deepod.utils import all_detectors

SAME_SCORES = 1e-4
TIMED = ("AutoEncoder", "DeepOutlierDetector")


def on_device(detector, device):
    """Return a copy of a fitted detector that scores on another device."""
    state = detector.__getstate__() | {"device_": device}
    if "autoencoder_" in state:
        state["autoencoder_"] = on_device(state["autoencoder_"], device)
    moved = object.__new__(type(detector))
    moved.__setstate__(state)
    return moved


def largest_difference(scores, reference):
    """Return the largest difference, relative to a score or to the median one."""
    unit = np.maximum(np.abs(reference), np.median(np.abs(reference)))
    return np.max(np.abs(scores - reference) / unit)


def agreement(args):
    """Print how far scores of one fitted detector differ between the devices."""
    X = synthetic_table(args.agreement_rows, 10)
    table, worst = [], 0.0
    for name, cls in all_detectors():
        params = NEEDED.get(name, {})
        if "device" not in cls(**params).get_params():
            continue
        detector = cls(**params, device="cpu", random_state=0).fit(X)
        reference = detector.score_samples(X)
        scores = on_device(detector, args.device).score_samples(X)
        difference = largest_difference(scores, reference)
        worst = max(worst, difference)
        table.append((name, f"{difference:.1e}", str(difference <= SAME_SCORES)))
    header = "detector", "largest difference", f"below {SAME_SCORES:g}"
    print_table(f"scores on {args.device} and on the CPU", header, table)
    return worst


def peak_memory(device):
    """Return the most memory that tensors took since the last call, in MB."""
    if not device.startswith("cuda"):
        return "-"
    peak = torch.cuda.max_memory_allocated(device) / 2**20
    torch.cuda.reset_peak_memory_stats(device)
    return f"{peak:.0f}"


def timings(name, X, device, precision="float32"):
    """Return seconds of a fit and of scoring, and peak memory."""
    detector = getattr(sklearn_deepod, name)(
        device=device, precision=precision, random_state=0
    )
    peak_memory(device)
    fit = seconds(detector.fit, X)
    score = seconds(detector.score_samples, X)
    return f"{fit:.2f}", f"{score:.2f}", peak_memory(device)


def growth(args):
    """Print seconds and memory for more and more rows."""
    X = synthetic_table(max(args.rows), args.features, dtype=np.float32)
    for name in args.detectors:
        table = []
        for device in {args.device, "cpu"}:
            timings(name, X[:2000], device)  # the first call loads kernels
        for n_rows in args.rows:
            part = X[:n_rows]
            line = [f"{n_rows:,}", *timings(name, part, args.device)]
            on_cpu = torch.device(args.device).type == "cpu"
            if on_cpu:
                line += ["-", "-"]
            else:
                line += timings(name, part, args.device, "bfloat16")[:2]
            if n_rows <= args.cpu_rows and not on_cpu:
                line += timings(name, part, "cpu")[:2]
            else:
                line += ["-", "-"]
            table.append(line)
        header = ["rows", "fit s", "score s", "peak MB"]
        header += ["bf16 fit s", "bf16 score s", "CPU fit s", "CPU score s"]
        print_table(f"{name}, {args.features} float32 features", header, table)


def card(device):
    """Return the name of the device."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return device


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--agreement-rows", type=int, default=1_000)
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000]
    )
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--detectors", nargs="+", default=TIMED)
    parser.add_argument(
        "--cpu-rows", type=int, default=1_000_000, help="most rows for the CPU"
    )
    args = parser.parse_args()
    if args.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("torch sees no CUDA device. Give another one with --device.")
    warnings.simplefilter("ignore")
    print(f"{card(args.device)}, torch {torch.__version__}")
    worst = agreement(args)
    growth(args)
    if worst > SAME_SCORES:
        sys.exit(f"Scores differ by up to {worst:.1e}.")


if __name__ == "__main__":
    main()
