"""Whether two versions of the package give the same scores, bit for bit.

Each detector is fitted on five tables, and the scores, the threshold and the labels of
all rows become one hash. Write the hashes of one version, and compare another with
them::

    python examples/benchmarks/fingerprints.py --output before.json
    python examples/benchmarks/fingerprints.py --compare before.json

Hashes differ between machines: only those of one machine can be compared.
"""

import argparse
import hashlib
import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from torch import nn

from sklearn_deepod.utils import all_detectors

QUICK = {"max_steps": 30, "random_state": 0, "device": "cpu"}


class Bottleneck(nn.Module):
    """A small autoencoder for ModuleDetector."""

    def __init__(self, input_shape):
        super().__init__()
        n = int(np.prod(input_shape))
        self.layers = nn.Sequential(nn.Linear(n, 4), nn.Tanh(), nn.Linear(4, n))

    def forward(self, X):
        return self.layers(X.flatten(1))


def squared_error(module, X):
    return (module(X) - X.flatten(1)).square().mean(dim=1)


# What a constructor asks for, or what makes a detector quick.
NEEDED = {
    "ModuleDetector": {"module": Bottleneck, "loss": squared_error},
    "DevNet": {"outliers": "artificial"},
    "DeepIsolationForest": {"n_representations": 8, "hidden_layer_sizes": (50, 20)},
}


def tables():
    """Return {name: (X, sample_weight)} of the five tables."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 6))
    mixed[:, 5] = rng.random(300) < 0.05
    mixed[rng.random(mixed.shape) < 0.03] = np.nan
    return {
        "iris": (load_iris().data, None),
        "wine": (load_wine().data, rng.integers(0, 3, 178).astype(float)),
        "breast_cancer": (load_breast_cancer().data, None),
        "digits": (load_digits().data[:400], None),
        "mixed": (mixed, None),
    }


def fingerprint(cls, X, sample_weight, novelty):
    """Return the hash of a detector's answers, or the error's first words."""
    known = inspect.signature(cls).parameters
    params = QUICK | {"novelty": novelty} | NEEDED.get(cls.__name__, {})
    detector = cls(**{k: v for k, v in params.items() if k in known})
    try:
        detector.fit(X, sample_weight=sample_weight)
    except ValueError as error:
        return str(error)[:60]
    answers = detector.score_samples(X), [detector.offset_], detector.predict(X)
    joined = b"".join(np.asarray(a, dtype=np.float64).tobytes() for a in answers)
    return hashlib.sha256(joined).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, help="write the hashes to this file")
    parser.add_argument("--compare", type=Path, help="compare with this file")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    found = {}
    for name, cls in all_detectors():
        takes_novelty = "novelty" in inspect.signature(cls).parameters
        for table, (X, weight) in tables().items():
            for novelty in (False, True)[: 1 + takes_novelty]:
                key = f"{name} {table} novelty={novelty}"
                found[key] = fingerprint(cls, X, weight, novelty)
    if args.output:
        args.output.write_text(json.dumps(found, indent=1))
    if args.compare:
        before = json.loads(args.compare.read_text())
        different = [key for key in before if before[key] != found.get(key)]
        for key in different:
            print(f"{key}: {before[key]} before, {found.get(key)} now")
        print(f"{len(before) - len(different)} of {len(before)} are the same.")


if __name__ == "__main__":
    main()
