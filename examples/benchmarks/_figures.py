"""Figures of the accuracy benchmark: significance of ranks, and accuracy over time."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from _detectors import PACKAGES
from _report import alike, balanced_mean, differing, plain
from matplotlib.transforms import Bbox

from sklearn_deepod.utils import all_detectors

STYLE = {
    "svg.fonttype": "none",  # text stays text: small, and readable in a diff
    "svg.hashsalt": "benchmark",
    "font.size": 8,
}


def _save(figure, path):
    # without a date the same results give the same file
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def critical_difference(means, path):
    """Draw mean ranks, with a bar over each stretch in which no two lines differ.

    As of Demsar (2006); the pairs are compared by Wilcoxon's signed-rank test with
    Holm's correction in place of Nemenyi's test of ranks, which depends on what else is
    in the pool (Benavoli et al., 2016).
    """
    auc = means["roc_auc"]
    auc = auc[plain(auc)]
    ranks = balanced_mean(auc.rank(axis=1, ascending=False)).sort_values()
    stretches = alike(differing(auc[ranks.index]))
    x = ranks.to_numpy()
    half = (len(x) + 1) // 2
    below = 0.5 * len(stretches) + 1  # the first label's level, under the bars
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 0.6 + 0.17 * (below + half)))
        left, right = int(x.min()), int(x.max()) + 1
        axes.set(xlim=(left, right), ylim=(below + half, 0))
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xlabel("mean rank by ROC AUC (left is better)")
        axes.spines[["left", "right", "bottom"]].set_visible(False)
        axes.set_yticks([])
        for i, (line, rank) in enumerate(ranks.items()):
            on_left = i < half
            level = below + (i if on_left else len(x) - 1 - i)
            edge, align = (left, "right") if on_left else (right, "left")
            axes.plot([rank, rank, edge], [0, level, level], "k-", lw=0.6)
            label = f" {line} ({rank:.1f}) "
            axes.text(edge, level, label, ha=align, va="center")
        for i, (first, last) in enumerate(stretches):
            level = 0.5 * i + 0.6
            axes.plot(x[[first, last]], [level, level], "C0-", lw=3)
        _save(figure, path)


def _package(line):
    prefix, dash, _ = line.partition("-")
    if dash and prefix in PACKAGES:
        return prefix
    ours = {name for name, _ in all_detectors()}
    return "sklearn-deepod" if line in ours else "scikit-learn"


def _label(axes, points):
    """Write each name beside its point, where it covers no point and no other name."""
    renderer = axes.figure.canvas.get_renderer()
    centres = axes.transData.transform([*points.values()])
    boxes = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in centres]
    places = [
        (dx, dy, align)
        for dy in (3, -9, 10, -16, 17, -23)
        for dx, align in ((5, "left"), (-5, "right"))
    ]
    for name, point in points.items():
        for dx, dy, align in places:
            text = axes.annotate(
                name, point, (dx, dy), textcoords="offset points", ha=align, size=7
            )
            box = text.get_window_extent(renderer)
            if not any(box.overlaps(other) for other in boxes):
                break
            text.remove()
        else:
            axes.add_artist(text)
        boxes.append(box)


def accuracy_against_time(means, path):
    """Draw mean ROC AUC over CPU seconds, with the front that no line is beyond."""
    auc = means["roc_auc"]
    lines = plain(auc)
    accuracy = 100 * balanced_mean(auc[lines])
    time = (means["fit_cpu_seconds"] + means["score_cpu_seconds"])[lines].sum()
    ordered = accuracy[time.sort_values().index]
    front = ordered[ordered > ordered.cummax().shift(fill_value=0)]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 5.5))
        for package in ("sklearn-deepod", "scikit-learn", *PACKAGES):
            of_package = [line for line in lines if _package(line) == package]
            if of_package:
                axes.plot(time[of_package], accuracy[of_package], "o", label=package)
        axes.step(
            [*time[front.index], time.max()],
            [*front, front.max()],
            where="post",
            color="0.6",
            lw=1,
            zorder=0,
            label="Pareto front",
        )
        axes.margins(x=0.15)  # for the names
        axes.set(
            xscale="log",
            xlabel="CPU seconds to fit and score all tables once",
            ylabel="mean ROC AUC in percent",
        )
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=5, frameon=False)
        _label(axes, {line: (time[line], accuracy[line]) for line in lines})
        _save(figure, path)
