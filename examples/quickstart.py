"""
==========================================================
Quickstart: DeepOutlierDetector instead of IsolationForest
==========================================================

A pump reports fourteen readings an hour, such as its speed, fluid, flow, pressure,
power and temperatures. One report in eight is faulty. A current of 60 A is normal, and
so is a power of 20 kW, but not both together, because this pump never needs 60 A for 20
kW. :class:`~sklearn_deepod.DeepOutlierDetector` finds faults of this kind: it learns
how the columns depend on one another.

The table is generated to show this effect. Where outliers are extreme in a single
column, ``IsolationForest`` finds them as well and in less time; the page
:doc:`Benchmark </guide/benchmark>` of the guide has results on tables that were not
chosen for this purpose.

The labels are used for *evaluation* only. No detector sees them.

The script also takes a file of your own, CSV (compressed or not) or Parquet::

    python examples/quickstart.py --data FILE [--label COLUMN] [--output FILE]

Without ``--label`` there is no evaluation; the script scores the rows and lists the
most suspicious ones.
"""

# %%
# Everything but the detector comes from scikit-learn, pandas and matplotlib.

import argparse
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import OneClassSVM

MAX_COMPARED_ROWS = 5_000  # the time of OneClassSVM grows with the square of the rows
MAX_LISTED_ROWS = 12
MAX_TRIED_COLUMNS = 200
SCIKIT_LEARN = ("IsolationForest", "LocalOutlierFactor", "OneClassSVM")


# %%
# The table
# ---------
# Four faults: a leak before the flow meter, a worn bearing, a lost phase of the motor,
# and a report that names the wrong fluid.


def make_readings(n_rows, seed):
    """Reports of a pump, and what is wrong in each ("none" where nothing is)."""
    rng = np.random.default_rng(seed)

    def around(value, deviation=0.01):
        return value * (1 + deviation * rng.standard_normal(n_rows))

    slurry = rng.random(n_rows) < 0.4
    speed, valve = around(2400, 0.08), around(70, 0.08)
    suction, ambient, inlet = around(2, 0.1), around(20, 0.1), around(30, 0.1)
    load = (speed / 3000) ** 2
    head = 10 * load * np.where(slurry, 1.5, 1.0)
    flow = around(0.04 * speed * valve / 100)
    power = around(2 + flow * head / 25)

    fault = np.full(n_rows, "none", dtype=object)
    faults = ["leak", "worn bearing", "lost phase", "wrong fluid"]
    wrong = rng.permutation(n_rows)[: n_rows // 8]
    fault[wrong] = rng.choice(faults, len(wrong))
    size = rng.uniform(1.8, 2.6, n_rows)
    leak = np.where(fault == "leak", size, 1)
    wear = np.where(fault == "worn bearing", (3 + size) / 4, 1)
    phase = np.where(fault == "lost phase", size, 1)
    table = {
        "fluid": np.where(slurry ^ (fault == "wrong fluid"), "slurry", "water"),
        "speed_rpm": speed,
        "valve_percent": valve,
        "suction_bar": suction,
        "ambient_celsius": ambient,
        "inlet_celsius": inlet,
        "flow_m3_per_h": flow / leak,
        "discharge_bar": around(suction + head),
        "power_kw": power,
        "current_a": around(1.9 * power) * phase,
        "motor_celsius": around(ambient + 15 + 1.3 * power),
        "bearing_celsius": around(ambient + 10 + 15 * load) * wear,
        "vibration_mm_per_s": around(1 + 3 * load) * wear,
        "outlet_celsius": around(inlet + 40 * power / flow),
    }
    return pd.DataFrame(table).round(2), pd.Series(fault, name="fault")


# %%
# The detectors
# -------------
# All detectors get the same encoding of text columns. ``IsolationForest`` and
# ``DeepOutlierDetector`` take numbers as they are, unscaled and with missing values;
# the other two need imputed and scaled values.


def make_model(name, seed, contamination=None):
    """A pipeline of encoding and the named detector."""
    # Imported here because torch takes seconds to load; a mistyped path fails sooner.
    from sklearn_deepod.utils import all_detectors

    detectors = {n: cls for n, cls in all_detectors() if n != "ModuleDetector"}
    detectors = {n: cls() for n, cls in detectors.items()} | {
        "IsolationForest": IsolationForest(),
        "LocalOutlierFactor": LocalOutlierFactor(novelty=True),
        "OneClassSVM": OneClassSVM(),
    }
    if name not in detectors:
        raise ValueError(
            f"there is no detector {name!r}; known are {', '.join(detectors)}"
        )
    detector = detectors[name]
    if "random_state" in detector.get_params():
        detector.set_params(random_state=seed)
    if contamination is not None:
        share = "nu" if name == "OneClassSVM" else "contamination"
        detector.set_params(**{share: contamination})
    text = make_column_selector(dtype_exclude="number")
    one_hot = OneHotEncoder(
        max_categories=20, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    encode = make_column_transformer((one_hot, text), remainder="passthrough")
    if name in SCIKIT_LEARN[1:]:
        impute = SimpleImputer(strategy="median")
        return make_pipeline(encode, impute, StandardScaler(), detector)
    return make_pipeline(encode, detector)


# %%
# The comparison
# --------------
# Every row is scored by a model that was fitted without it. Labels follow
# scikit-learn's outlier detectors: +1 is an inlier, -1 an outlier, and
# ``decision_function`` is lower for outliers. So ``roc_auc_score(y, decision)`` has the
# correct sign, while average precision, with the outliers as the positive class, needs
# the sign flipped.


def compare(models, table, y, seed):
    """Score all rows by cross-validation, each model on the same folds."""
    n_folds = min(5, int((y == -1).sum()))
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    folds = list(splitter.split(table, y))
    print(f"\n{n_folds}-fold cross-validation on {len(table)} rows (mean ± std)")
    print(f"{'':24}{'ROC AUC':>13}{'avg. precision':>18}{'seconds':>10}")
    curves = {}
    for name, model in models.items():
        start = perf_counter()
        decision = cross_val_predict(model, table, cv=folds, method="decision_function")
        seconds = perf_counter() - start
        tests = [(y[test], decision[test]) for _, test in folds]
        auc = [roc_auc_score(*test) for test in tests]
        precision = [average_precision_score(y == -1, -score) for y, score in tests]
        print(
            f"{name:24}{np.mean(auc):7.3f} ± {np.std(auc):.3f}"
            f"{np.mean(precision):10.3f} ± {np.std(precision):.3f}{seconds:10.1f}"
        )
        curves[name] = mean_roc(tests)
    return curves


def mean_roc(tests):
    """The mean ROC curve of the folds, with its steps."""
    points = [roc_curve(y == -1, -score, drop_intermediate=False) for y, score in tests]
    flagged = np.unique(np.concatenate([x for x, _, _ in points]))
    # Both ends of each step; of several points at one x, interp takes the last.
    low = [np.interp(-flagged, -x[::-1], t[::-1]) for x, t, _ in points]
    high = [np.interp(flagged, x, t) for x, t, _ in points]
    found = np.stack([np.mean(low, axis=0), np.mean(high, axis=0)], axis=1)
    return np.repeat(flagged, 2), found.ravel()


# %%
# Flagged rows
# ------------
# ``predict`` returns -1 where ``decision_function`` is negative. The threshold needs
# neither labels nor a guess of the share of outliers (``contamination="auto"``).
#
# Which of its values makes a row an outlier? Replace each cell by typical values of its
# column, one after the other, and score the row again: the cell whose replacement
# raises the score most stands out, and the replacement is the value that would fit the
# rest of the row. This works with any detector. It changes one cell at a time, so if
# two values are wrong, it names only one of them.


def cells_that_stand_out(model, table, rows):
    """The cell of each row that stands out: its column, and what would fit there."""
    tried = table.iloc[:, :MAX_TRIED_COLUMNS]
    if tried.shape[1] < table.shape[1]:
        print(f"Only the first {MAX_TRIED_COLUMNS} columns are tried below.")
    n_values = int(np.clip(1000 // tried.shape[1], 5, 25))
    suspicious = table.iloc[np.repeat(rows, n_values)]
    trials, cells = [], []
    for name, column in tried.items():
        if pd.api.types.is_numeric_dtype(column):
            usual = column.quantile(np.linspace(0.02, 0.98, n_values)).to_numpy()
        else:
            usual = np.resize(column.value_counts().index[:n_values], n_values)
        usual = np.tile(usual, len(rows))
        trials.append(suspicious.assign(**{name: usual}))
        cell = {"row": np.repeat(rows, n_values), "column": name, "fits": usual}
        cells.append(pd.DataFrame(cell).astype({"fits": object}))
    cells = pd.concat(cells, ignore_index=True)
    cells["score"] = model.decision_function(pd.concat(trials))
    best = cells.groupby("row")["score"].idxmax()
    return cells.loc[best].set_index("row").loc[rows]


def list_flagged(model, table, decision, y=None, label=None):
    """Print the flagged rows, the most suspicious one first, and what stands out."""
    order = np.argsort(decision, kind="stable")
    n_flagged = int((decision < 0).sum())
    print(f"{n_flagged} of {len(decision)} rows are flagged.")
    if y is not None:
        hits = int(((decision < 0) & (y == -1)).sum())
        print(f"{hits} of them are among the {(y == -1).sum()} labelled outliers.")
    # If no row is flagged, the most suspicious ones are still of interest.
    rows = order[: min(n_flagged or 5, MAX_LISTED_ROWS)]
    cells = cells_that_stand_out(model, table, rows)
    print("Flagged rows:" if n_flagged else "The most suspicious rows:")
    print(f"{'row':>10}{'decision':>10}{'label':>14}   what stands out")
    for row in rows:
        known = "" if label is None else label.iloc[row]
        value, cell = table.iloc[row], cells.loc[row]
        print(f"{table.index[row]!s:>10}{decision[row]:>10.2f}{known!s:>14}", end="   ")
        print(describe(cell["column"], value[cell["column"]], cell["fits"]))
    if n_flagged > len(rows):
        print(f"       ... and {n_flagged - len(rows)} more")
    return cells


def describe(column, value, fits):
    """A cell that stands out, in words."""
    if not isinstance(value, str):
        value, fits = f"{value:.4g}", f"{fits:.4g}"
    return f"{column} {value}, where {fits} would fit"


# %%
# The figure
# ----------
# The last plot shows, for the rows listed above, the position of the value that stands
# out within its column, and of the value that would fit. High and low values occur in
# normal rows as well; the distance between the two reveals the outlier.


def plot(table, decision, cells, y=None, curves=None):
    """Scores with the threshold, ROC curves, and the values that stand out."""
    numeric = cells[[not isinstance(value, str) for value in cells["fits"]]]
    n_plots = 1 + bool(curves) + bool(len(numeric))
    figure, axes = plt.subplots(
        1, n_plots, figsize=(4.5 * n_plots, 4), squeeze=False, layout="constrained"
    )
    axes = list(axes[0])
    plot_scores(axes.pop(0), decision, y)
    if curves:
        plot_roc(axes.pop(0), curves)
    if len(numeric):
        plot_cells(axes.pop(0), table, numeric)
    return figure


def plot_scores(ax, decision, y):
    """Histogram of the scores, by label where there is one."""
    bins = np.histogram_bin_edges(decision, bins=40)
    if y is None:
        ax.hist(decision, bins=bins, color="0.6", label="rows")
    else:
        ax.hist(decision[y == 1], bins=bins, color="0.6", label="inliers")
        ax.hist(decision[y == -1], bins=bins, color="C3", alpha=0.6, label="outliers")
    ax.set_yscale("log")  # the few that matter stay visible beside the many
    ax.axvline(0, color="black", linestyle="--", label="threshold")
    ax.set(xlabel="decision_function", ylabel="rows", title="Scores of all rows")
    ax.legend()


def plot_roc(ax, curves):
    """Mean ROC curves of the detectors."""
    for name, (flagged, found) in curves.items():
        ax.plot(flagged, found, label=name)
    ax.set(
        xlabel="share of inliers flagged",
        ylabel="share of outliers found",
        title="ROC, mean of the folds",
    )
    ax.legend()


def plot_cells(ax, table, cells):
    """Values that stand out, and those that would fit, as shares of their column."""
    names, values, fits = [], [], []
    for row, cell in cells.iloc[::-1].iterrows():
        column = table[cell["column"]].dropna()
        names.append(f"{cell['column']}, row {table.index[row]}")
        values.append((column <= table[cell["column"]].iloc[row]).mean())
        fits.append((column <= cell["fits"]).mean())
    ax.hlines(names, values, fits, color="0.6")
    ax.plot(values, names, "o", color="C3", label="reported")
    ax.plot(fits, names, "o", color="C2", label="would fit")
    ax.tick_params(axis="y", labelsize=8)
    ax.set(xlim=(-0.03, 1.03), xlabel="share of the column that is not higher")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)


# %%
# Run it
# ------


def contamination(text):
    """The share of outliers on the command line; None stands for "auto"."""
    if text == "auto":
        return None
    try:
        share = float(text)
    except ValueError:
        share = np.nan
    if not 0 < share <= 0.5:
        raise argparse.ArgumentTypeError('must be "auto" or a number in (0, 0.5]')
    return share


def parse_arguments(argv):
    """The command line; a path that does not exist fails immediately."""
    parser = argparse.ArgumentParser(
        description="Compare outlier detectors on one table and list what one flags."
    )
    add = parser.add_argument
    add("--data", metavar="FILE", help="CSV (also .gz, .bz2, .xz) or Parquet")
    add("--label", metavar="COLUMN", help="column of FILE that marks the outliers")
    add(
        "--detector",
        metavar="NAME",
        default="DeepOutlierDetector",
        help=f"any of sklearn_deepod, or {', '.join(SCIKIT_LEARN)} "
        "(default: %(default)s)",
    )
    add(
        "--contamination",
        metavar="SHARE",
        type=contamination,
        help="share of rows to flag, in (0, 0.5] (default: the detector's own rule)",
    )
    add("--output", metavar="FILE", help="CSV or Parquet for all scores and labels")
    add("--figure", metavar="FILE", default="quickstart.png", help="%(default)s")
    add("--rows", metavar="N", type=int, default=1000, help="of the pump's table")
    add("--seed", metavar="N", type=int, default=0, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    if arguments.label is not None and arguments.data is None:
        parser.error("--label names a column of a file; give it with --data")
    if arguments.data is not None and not Path(arguments.data).is_file():
        parser.error(f"there is no file {arguments.data}")
    suffixes = (".csv", ".csv.gz", ".parquet", ".pq")
    if arguments.output and not arguments.output.lower().endswith(suffixes):
        parser.error(f"--output must end with one of {', '.join(suffixes)}")
    return parser, arguments


def load(arguments):
    """The table, and labels as +1 and -1 and as they were given, or None."""
    if arguments.data is None:
        table, label = make_readings(arguments.rows, arguments.seed)
        return table, np.where(label == "none", 1, -1), label
    from _own_file import clean_columns, read_file, split_label

    table, y, label = read_file(arguments.data), None, None
    if arguments.label is not None:
        table, y, label = split_label(table, arguments.label)
    return clean_columns(table), y, label


def compare_sample(table, y, arguments):
    """Compare the detectors on the rows, or on a random sample of many."""
    seed = arguments.seed
    if len(table) > MAX_COMPARED_ROWS:
        rows = np.random.default_rng(seed).permutation(len(table))[:MAX_COMPARED_ROWS]
        table, y = table.iloc[rows], y[rows]
        print(f"The comparison takes {MAX_COMPARED_ROWS} of the rows, drawn at random.")
    if (y == -1).sum() < 6:
        print("With fewer than 6 labelled outliers there is nothing to compare by.")
        return {}
    names = dict.fromkeys([*SCIKIT_LEARN, "DeepOutlierDetector", arguments.detector])
    models = {name: make_model(name, seed) for name in names}
    return compare(models, table, y, seed)


def main(argv=None):
    """Run on the command line's arguments, or on those in the list ``argv``."""
    parser, arguments = parse_arguments(argv)
    try:
        table, y, label = load(arguments)
        model = make_model(arguments.detector, arguments.seed, arguments.contamination)
    except ValueError as error:
        parser.error(str(error).strip())
    print(f"{len(table)} rows, {table.shape[1]} columns.")
    curves = {} if y is None else compare_sample(table, y, arguments)

    print(f"\n{arguments.detector}, fitted to all rows, without labels:")
    decision = model.fit(table).decision_function(table)
    cells = list_flagged(model, table, decision, y, label)
    if arguments.output:
        from _own_file import write_scores

        write_scores(arguments.output, model, table, decision)
        print(f"Scores and labels of all rows: {arguments.output}")
    figure = plot(table, decision, cells, y, curves)
    Path(arguments.figure).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.figure, dpi=120)
    print(f"Figure: {arguments.figure}")


if __name__ == "__main__":
    main()
