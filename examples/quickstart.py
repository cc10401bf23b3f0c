"""
===========================================
Quickstart: AutoEncoder for IsolationForest
===========================================

A form has a field in which only the digits 0, 1 and 2 may stand. Among its scans
there are some of other digits, about one in ten, and nobody has marked them. This
script looks for them with :class:`~sklearn_deepod.detectors.AutoEncoder`, beside
``IsolationForest``, ``LocalOutlierFactor`` and ``OneClassSVM`` under the same
cross-validation. The scans are scikit-learn's own digits.

The labels serve to *measure* only: no detector sees them while it trains, except
that the last row of the table uses them to choose a parameter.

The table was picked because pixels depend on one another, which a network can learn,
out of several that were tried while the library was young: take its figures as an
example, not as evidence. ``LocalOutlierFactor`` is ahead on it, and no detector is the
best one on every table: ``--table breast_cancer`` runs the same comparison on another.

The script also takes a file of your own, CSV or Parquet::

    python examples/quickstart.py --data FILE [--label COLUMN]

Without ``--label`` nothing is measured; the rows are scored, and the most suspicious
ones are listed.
"""

# %%
# Everything but the two deep detectors comes from scikit-learn, pandas and matplotlib.

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_deepod import AutoEncoder, DeepOutlierDetector

MAX_COMPARED_ROWS = 5_000  # the time of OneClassSVM grows with the square of the rows
MAX_LISTED_ROWS = 20


class InputError(ValueError):
    """Something about the user's file that the user can put right."""


# %%
# The table
# ---------
# Labels follow scikit-learn's outlier detectors: +1 is an inlier, -1 an outlier. So
# ``scoring="roc_auc"`` means the right thing without further ado.


def load_table(name, seed):
    """A table from scikit-learn in which one row in eleven is an outlier."""
    if name == "digits":
        table, target = load_digits(return_X_y=True, as_frame=True)
        normal = target <= 2
    else:
        table, target = load_breast_cancer(return_X_y=True, as_frame=True)
        normal = target == 1  # benign
    inliers = np.flatnonzero(normal)
    outliers = np.random.default_rng(seed).choice(
        np.flatnonzero(~normal), len(inliers) // 10, replace=False
    )
    rows = np.sort(np.concatenate([inliers, outliers]))
    y = np.where(normal.iloc[rows], 1, -1)
    return table.iloc[rows].reset_index(drop=True), y


# %%
# A file of one's own needs a little more care: the label may be coded in any two
# values (the rarer one is taken for the outlier), and columns may be text.


def read_file(path):
    """The table in a CSV or Parquet file."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    readers = {
        ".csv": lambda: pd.read_csv(path, na_values=["?"]),
        ".parquet": lambda: pd.read_parquet(path),
        ".pq": lambda: pd.read_parquet(path),
    }
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise InputError(
            f"cannot tell the format of {path} by its suffix {suffix!r}; "
            f"known are {', '.join(readers)}"
        )
    try:
        table = readers[suffix]().reset_index(drop=True)
    except (ValueError, OSError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if len(table) < 2:
        raise InputError(f"{path} has {len(table)} rows; at least 2 are needed")
    return table


def split_label(table, column):
    """Take the label column off the table: the rest, and labels of +1 and -1."""
    if column not in table:
        raise InputError(
            f"there is no column {column!r}; the columns are "
            + ", ".join(map(repr, table.columns))
        )
    label = table[column]
    if label.isna().any():
        raise InputError(
            f"{int(label.isna().sum())} rows have no value in the label column "
            f"{column!r}"
        )
    counts = label.value_counts().sort_index(ascending=False)
    if len(counts) != 2:
        raise InputError(
            f"the label column {column!r} has {len(counts)} different values; it must "
            "have two, one for inliers and one for outliers"
        )
    outlier = counts.idxmin()
    print(
        f"Label column {column!r}: {outlier!r}, the rarer value, is taken for the "
        f"outlier ({counts[outlier]} of {len(table)} rows)."
    )
    return table.drop(columns=column), np.where(label == outlier, -1, 1)


def clean_columns(table):
    """Numbers as float, all else as text; what holds no information is left out."""
    columns, left_out = {}, {}
    for name, column in table.items():
        n_distinct = column.nunique()
        if n_distinct == 0:
            left_out[name] = "no values"
        elif n_distinct == 1:
            left_out[name] = "one value only"
        elif pd.api.types.is_numeric_dtype(column):
            column = column.astype("float64")
            columns[name] = column.where(np.isfinite(column))
        elif pd.api.types.is_datetime64_any_dtype(column):
            left_out[name] = "dates"
        elif n_distinct > max(50, len(column) // 2):
            left_out[name] = "text, mostly distinct values"
        else:
            text = column.astype("string").fillna("missing")
            columns[name] = text.astype(object)
    for name, why in left_out.items():
        print(f"Column {name!r} is left out: {why}.")
    if not columns:
        raise InputError("no usable column is left")
    return pd.DataFrame(columns)


# %%
# The detectors
# -------------
# Each stands in a ``Pipeline`` behind the same encoding of text columns.
# ``IsolationForest`` and ``AutoEncoder`` take the numbers as they are, unscaled and
# with missing values; the other two need both seen to.


def make_pipeline(table, detector, *, scale=False):
    """Encoding of the columns, then the detector."""
    text = list(table.select_dtypes(exclude="number"))
    encode = ColumnTransformer(
        [
            (
                "text",
                OneHotEncoder(
                    max_categories=20,
                    handle_unknown="infrequent_if_exist",
                    sparse_output=False,
                ),
                text,
            )
        ],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    steps = [("encode", encode)]
    if scale:
        steps.append(("impute", SimpleImputer(strategy="median")))
        steps.append(("scale", StandardScaler()))
    return Pipeline([*steps, ("detector", detector)])


def make_detectors(table, seed):
    """The detectors to compare, by name."""
    forest = IsolationForest(random_state=seed)
    autoencoder = AutoEncoder(random_state=seed)
    return {
        "IsolationForest": make_pipeline(table, forest),
        "LocalOutlierFactor": make_pipeline(
            table, LocalOutlierFactor(novelty=True), scale=True
        ),
        "OneClassSVM": make_pipeline(table, OneClassSVM(), scale=True),
        "AutoEncoder": make_pipeline(table, autoencoder),
        "DeepOutlierDetector": make_pipeline(
            table, DeepOutlierDetector(random_state=seed)
        ),
    }


# %%
# ``GridSearchCV`` around the pipeline is an estimator like the others. In the
# comparison it tunes anew on the training part of every fold, so that its row in the
# table is no better than what tuning is worth on new rows.


def make_search(pipeline, seed):
    """A small grid search around the pipeline of an AutoEncoder."""
    return GridSearchCV(
        pipeline,
        {"detector__mask_rate": [0.3, 0.5, 0.7]},
        scoring="roc_auc",
        cv=StratifiedKFold(3, shuffle=True, random_state=seed),
        n_jobs=2,
    )


# %%
# The comparison
# --------------
# One call of ``decision_function`` gives every measure. Average precision asks for the
# outliers as the positive class, hence the turned sign.


def measure(estimator, X, y):
    """Scorer: several measures from one scoring of the rows."""
    decision = estimator.decision_function(X)
    return {
        "roc_auc": roc_auc_score(y, decision),
        "average_precision": average_precision_score(y == -1, -decision),
    }


def compare(detectors, table, y, seed):
    """Cross-validate every detector on the same folds."""
    n_folds = min(5, int((y == -1).sum()))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    results = {}
    header = f"{'ROC AUC':>14}{'avg. precision':>18}{'fit s':>9}{'score s':>10}"
    print(f"\n{n_folds}-fold cross-validation on {len(table)} rows (mean ± std)")
    print(f"{'':22}{header}")
    for name, detector in detectors.items():
        result = cross_validate(
            detector,
            table,
            y,
            scoring=measure,
            cv=folds,
            return_estimator=True,
            return_indices=True,
            error_score="raise",
        )
        auc, precision = result["test_roc_auc"], result["test_average_precision"]
        print(
            f"{name:22}{auc.mean():8.3f} ± {auc.std():.3f}"
            f"{precision.mean():10.3f} ± {precision.std():.3f}"
            f"{result['fit_time'].mean():9.2f}{result['score_time'].mean():10.3f}"
        )
        results[name] = result
    return results


# %%
# The rows that are flagged
# -------------------------
# ``decision_function`` is negative where ``predict`` says -1: the cut needs no label
# and no guess at the share of outliers (``contamination="auto"``).


def list_flagged(decision, y=None):
    """Print the flagged rows, the most suspicious one first."""
    order = np.argsort(decision, kind="stable")
    n_flagged = int((decision < 0).sum())
    print(f"\n{n_flagged} of {len(decision)} rows are flagged.", end=" ")
    if y is not None:
        hits = int(((decision < 0) & (y == -1)).sum())
        print(f"{hits} of them are among the {(y == -1).sum()} labelled outliers.")
    else:
        print()
    # With nothing flagged, the most suspicious rows are still worth a look.
    n_listed = min(n_flagged or 5, MAX_LISTED_ROWS, len(decision))
    title = "Flagged rows" if n_flagged else "The most suspicious rows"
    print(f"{title} (counted from 0), with decision_function:")
    for row in order[:n_listed]:
        known = "" if y is None else ("   outlier" if y[row] == -1 else "   inlier")
        print(f"{row:>10}{decision[row]:>12.3f}{known}")
    if n_flagged > n_listed:
        print(f"       ... and {n_flagged - n_listed} more")


# %%
# The figure
# ----------


def plot(decision, y, results, table):
    """Scores with the cut and, where there are labels, the mean ROC curves."""
    figure, axes = plt.subplots(
        1, 2 if results else 1, figsize=(11 if results else 6, 4), squeeze=False
    )
    scores, *rest = axes[0]
    bins = np.histogram_bin_edges(decision, bins=40)
    if y is None:
        scores.hist(decision, bins=bins, color="C0", label="rows")
    else:
        scores.hist(decision[y == 1], bins=bins, color="C0", label="labelled inlier")
        scores.hist(
            decision[y == -1],
            bins=bins,
            color="C3",
            alpha=0.6,
            label="labelled outlier",
        )
    scores.set_yscale("log")  # the few that matter stay visible beside the many
    scores.axvline(0, color="black", linestyle="--", label="cut")
    scores.set(
        xlabel="decision_function (negative: outlier)",
        ylabel="rows",
        title="AutoEncoder, all rows",
    )
    scores.legend()

    grid = np.linspace(0, 1, 201)
    for name, result in results.items():
        curves = []
        for estimator, rows in zip(
            result["estimator"], result["indices"]["test"], strict=True
        ):
            score = estimator.decision_function(table.iloc[rows])
            false_positives, true_positives, _ = roc_curve(y[rows] == -1, -score)
            curves.append(np.interp(grid, false_positives, true_positives))
        rest[0].plot(grid, np.mean(curves, axis=0), label=name)
    if results:
        rest[0].set(
            xlabel="share of inliers flagged",
            ylabel="share of outliers found",
            title="ROC, mean of the folds",
        )
        rest[0].legend()
    figure.tight_layout()
    return figure


# %%
# All together
# ------------


def parse_arguments(argv):
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Compare, tune and apply outlier detectors on one table."
    )
    parser.add_argument("--data", metavar="FILE", help="a CSV or Parquet file")
    parser.add_argument(
        "--label", metavar="COLUMN", help="column of FILE that tells the outliers"
    )
    parser.add_argument(
        "--table",
        choices=["digits", "breast_cancer"],
        default="digits",
        help="table from scikit-learn, where no file is given (default: %(default)s)",
    )
    parser.add_argument(
        "--figure",
        metavar="PATH",
        default="quickstart.png",
        help="where to save the figure (default: %(default)s)",
    )
    parser.add_argument(
        "--scores", metavar="PATH", help="CSV file for the score of every row"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    if arguments.label is not None and arguments.data is None:
        parser.error("--label names a column of a file; give it with --data")
    return parser, arguments


def run(arguments):
    """Load, compare, tune, flag, draw."""
    seed = arguments.seed
    y = None
    if arguments.data is None:
        table, y = load_table(arguments.table, seed)
        print(f"{arguments.table}: {(y == -1).sum()} of {len(y)} rows are outliers.")
    else:
        table = read_file(arguments.data)
        if arguments.label is not None:
            table, y = split_label(table, arguments.label)
        table = clean_columns(table)
    print(f"{len(table)} rows, {table.shape[1]} columns.")

    detectors = make_detectors(table, seed)
    model = detectors["AutoEncoder"]
    compared, y_compared, results = table, y, {}
    if y is not None and len(table) > MAX_COMPARED_ROWS:
        rows = np.random.default_rng(seed).permutation(len(table))[:MAX_COMPARED_ROWS]
        compared, y_compared = table.iloc[rows], y[rows]
        print(f"The comparison takes {MAX_COMPARED_ROWS} of the rows, drawn at random.")
    if y is not None and (y_compared == -1).sum() < 6:
        print("With fewer than 6 labelled outliers there is nothing to compare by.")
    elif y is not None:
        search = make_search(model, seed)
        detectors["AutoEncoder, tuned"] = search
        results = compare(detectors, compared, y_compared, seed)
        search.fit(compared, y_compared)
        best = {k.split("__")[1]: v for k, v in search.best_params_.items()}
        print(f"\nGridSearchCV on these rows chooses {best}.")
        model = search.best_estimator_

    model.fit(table)
    decision = model.decision_function(table)
    list_flagged(decision, y)
    if arguments.scores:
        scores = pd.DataFrame(
            {"decision_function": decision, "predict": model.predict(table)}
        )
        scores.to_csv(arguments.scores, index_label="row")
        print(f"Scores of all rows: {arguments.scores}")
    figure = plot(decision, y, results, compared.reset_index(drop=True))
    Path(arguments.figure).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.figure, dpi=120)
    print(f"Figure: {arguments.figure}")


def main(argv=None):
    """Run on the command line's arguments, or on those in the list ``argv``."""
    parser, arguments = parse_arguments(argv)
    try:
        run(arguments)
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
