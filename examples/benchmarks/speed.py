"""Speed of fitting and scoring.

``training``
    a step of AutoEncoder compared with a bare torch loop with fused Adam, PyOD's
    AutoEncoder and scikit-learn's MLPRegressor, all with the same network, batch
    size and number of steps, and several members compared with one;
``rows``
    the defaults of AutoEncoder (or ``--detector``) compared with those of
    IsolationForest for increasing numbers of rows, and the scoring of kNN.

An accelerator is compared with the CPU by ``gpu.py``.

The candidates take turns (A B C A B C ...). A ratio is computed within each round, and
the median over the rounds is printed.
"""

import argparse
import warnings
from itertools import pairwise
from time import perf_counter, process_time

import numpy as np
import torch
from _common import limit_threads, print_table, seconds, synthetic_table
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPRegressor

from sklearn_deepod import AutoEncoder, DeepOutlierDetector

TRAINING_ROWS = 6_400  # a multiple of both batch sizes: no batch is cut short
LR = 1e-3
DETECTORS = {cls.__name__: cls for cls in (AutoEncoder, DeepOutlierDetector)}


def layer_widths(args):
    """Return the widths of the hidden layers from the input to the output."""
    return (*args.hidden, args.latent, *args.hidden[::-1])


def bare_network(args):
    """Return the plain autoencoder as a torch module."""
    widths = (args.features, *layer_widths(args), args.features)
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def train_detector(args, X, batch_size, steps, n_estimators=1):
    """Fit AutoEncoder with all that a plain autoencoder has not turned off."""
    AutoEncoder(
        hidden_layer_sizes=tuple(args.hidden),
        latent_size=args.latent,
        decoder_layer_sizes=tuple(args.hidden[::-1]),
        mask_rate=0.0,
        weight_decay=0.0,
        optimizer="adam",
        lr=LR,
        score_function="squared_error",
        novelty=True,
        n_estimators=n_estimators,
        max_steps=steps,
        batch_size=batch_size,
        device="cpu",
        random_state=0,
    ).fit(X)


def train_torch(args, X, batch_size, steps):
    """Train the network as one would by hand."""
    X = torch.as_tensor(X, dtype=torch.float32)
    network = bare_network(args)
    optimizer = torch.optim.Adam(network.parameters(), lr=LR, fused=True)
    for _ in range(steps * batch_size // len(X)):
        for rows in torch.randperm(len(X)).split(batch_size):
            batch = X[rows]
            loss = torch.nn.functional.mse_loss(network(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def train_pyod(args, X, batch_size, steps):
    """Fit PyOD's AutoEncoder with the same network."""
    from pyod.models.auto_encoder import AutoEncoder as PyODAutoEncoder

    PyODAutoEncoder(
        hidden_neuron_list=[*args.hidden, args.latent],
        batch_norm=False,
        dropout_rate=0.0,
        optimizer_params={"weight_decay": 0.0},
        lr=LR,
        epoch_num=steps * batch_size // len(X),
        batch_size=batch_size,
        device="cpu",
        verbose=0,
    ).fit(X)


def train_mlp(args, X, batch_size, steps):
    """Fit scikit-learn's MLPRegressor on its own input."""
    epochs = steps * batch_size // len(X)
    network = MLPRegressor(
        hidden_layer_sizes=layer_widths(args),
        alpha=0.0,
        batch_size=batch_size,
        learning_rate_init=LR,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
    )
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        network.fit(X, X)


def rounds(args, functions):
    """Return {name: seconds of each round} of functions run one after the other."""
    times = {name: [] for name in functions}
    for _ in range(args.rounds):
        for name, function in functions.items():
            times[name].append(seconds(function, clock=args.clock))
    return {name: np.array(values) for name, values in times.items()}


def installed_trainers(args):
    """Return {name: function} of those whose packages are there."""
    trainers = {
        "AutoEncoder": train_detector,
        f"AutoEncoder, {args.members} members": lambda *a: train_detector(
            *a, n_estimators=args.members
        ),
        "torch loop": train_torch,
        "MLPRegressor": train_mlp,
    }
    try:
        import pyod  # noqa: F401
    except ImportError:
        print("left out: PyOD's AutoEncoder (pyod is not installed)")
    else:
        trainers["PyOD's AutoEncoder"] = train_pyod
    return trainers


def training(args):
    """Compare seconds per step, from fits of few and of many steps, and whole fits."""
    X = synthetic_table(TRAINING_ROWS, args.features)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    trainers = installed_trainers(args)
    few, many = args.steps
    for batch_size in args.batch_sizes:
        functions = {
            (name, steps): lambda f=function, b=batch_size, s=steps: f(args, X, b, s)
            for name, function in trainers.items()
            for steps in (few, many)
        }
        for name in trainers:
            functions[name, few]()  # warm up
        times = rounds(args, functions)
        step = {
            name: (times[name, many] - times[name, few]) / (many - few)
            for name in trainers
        }
        rows = [
            (
                name,
                f"{1e6 * np.median(step[name]):.0f}",
                f"{np.median(step[name] / step['AutoEncoder']):.2f}",
                f"{np.median(step['AutoEncoder'] / step[name]):.2f}",
                f"{np.median(times[name, many]):.2f}",
                f"{np.median(times['AutoEncoder', many] / times[name, many]):.2f}",
            )
            for name in trainers
        ]
        widths = "-".join(map(str, (args.features, *layer_widths(args), args.features)))
        print_table(
            f"training: batch {batch_size}, network {widths}, {args.rounds} rounds; "
            "ratio = AutoEncoder's time / the line's",
            (
                "",
                "us/step",
                "x AutoEncoder",
                "ratio of steps",
                f"s for {many:,} steps",
                "ratio of fits",
            ),
            rows,
        )


def rows(args):
    """Compare the defaults of a detector and of IsolationForest."""
    table = []
    X = synthetic_table(max(args.rows), args.features)
    cls = DETECTORS[args.detector]
    warm_up = cls(device="cpu").fit(X[:500])
    warm_up.score_samples(X[:500])
    for n_rows in args.rows:
        part = np.ascontiguousarray(X[:n_rows])
        detector = cls(device="cpu", random_state=0)
        forest = IsolationForest(random_state=0)
        neighbors = NearestNeighbors(n_neighbors=5)
        functions = {
            "fit": lambda d=detector, X=part: d.fit(X),
            "forest fit": lambda d=forest, X=part: d.fit(X),
            "score": lambda d=detector, X=part: d.score_samples(X),
            "forest score": lambda d=forest, X=part: d.score_samples(X),
        }
        times = rounds(args, functions)
        knn = "-"
        if n_rows <= args.knn_rows:
            neighbors.fit(part)
            knn_seconds = seconds(neighbors.kneighbors, part, clock=args.clock)
            knn = f"{np.median(times['score']) / knn_seconds:.3f}"
        both = times["fit"] + times["score"]
        forest_both = times["forest fit"] + times["forest score"]
        table.append(
            (
                f"{n_rows:,}",
                *(f"{np.median(times[name]):.2f}" for name in functions),
                f"{np.median(both / forest_both):.2f}",
                f"{np.median(times['score'] / times['forest score']):.2f}",
                knn,
            )
        )
    print_table(
        f"rows: defaults, {args.features} features, {args.rounds} rounds; ratio = "
        f"{args.detector}'s time / the other's",
        (
            "rows",
            "fit s",
            "IForest fit s",
            "score s",
            "IForest score s",
            "ratio fit+score",
            "ratio score",
            "ratio score, kNN",
        ),
        table,
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="0: as many as the libraries choose"
    )
    parser.add_argument(
        "--cpu-time",
        dest="clock",
        action="store_const",
        const=process_time,
        default=perf_counter,
        help="count the process's CPU seconds, for a machine that is busy otherwise",
    )
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("training")
    command.set_defaults(function=training)
    command.add_argument("--features", type=int, default=50)
    command.add_argument("--hidden", type=int, nargs="+", default=[128])
    command.add_argument("--latent", type=int, default=32)
    command.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 256])
    command.add_argument("--members", type=int, default=10)
    command.add_argument(
        "--steps", type=int, nargs=2, default=[400, 2_400], metavar=("FEW", "MANY")
    )
    command.add_argument("--rounds", type=int, default=5)

    command = commands.add_parser("rows")
    command.set_defaults(function=rows)
    command.add_argument("--detector", choices=DETECTORS, default="AutoEncoder")
    command.add_argument(
        "--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000]
    )
    command.add_argument("--features", type=int, default=30)
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument(
        "--knn-rows", type=int, default=100_000, help="no kNN beyond so many rows"
    )

    args = parser.parse_args()
    with limit_threads(args.threads):
        args.function(args)


if __name__ == "__main__":
    main()
