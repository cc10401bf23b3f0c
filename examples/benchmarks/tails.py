"""Thresholds for rare false alarms: the fitted tail, and the empirical quantile.

Scores are drawn from known distributions, so that the true rate beyond a threshold is
known. The table gives the share of draws in which it is within a factor of 2 of the
requested rate, and the median ratio of the true rate to the requested one.
"""

import argparse

import numpy as np
from _common import print_table
from scipy import stats

from sklearn_deepod.threshold import PeaksOverThreshold

LAWS = {"normal": stats.norm, "exponential": stats.expon, "t, 3 df": stats.t(3)}
RATES = (1e-2, 1e-3, 1e-4)


def cut_of_tail(scores, rate):
    level = min(0.95, 1 - 5 * rate)
    return PeaksOverThreshold(rate=rate, level=level).fit(scores).threshold_


def cut_of_quantile(scores, rate):
    return np.quantile(scores, 1 - rate)


RULES = {"PeaksOverThreshold": cut_of_tail, "quantile": cut_of_quantile}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--scores", type=int, default=10_000)
    args = parser.parse_args()

    rows = []
    for law_name, law in LAWS.items():
        draws = [
            law.rvs(size=args.scores, random_state=seed) for seed in range(args.draws)
        ]
        for rule_name, cut in RULES.items():
            cells = []
            for rate in RATES:
                relative = np.array([law.sf(cut(s, rate)) / rate for s in draws])
                met = np.mean((relative >= 0.5) & (relative <= 2))
                cells.append(f"{met:.0%} ({np.median(relative):.2f})")
            rows.append((f"{law_name}, {rule_name}", *cells))
    print_table(
        f"{args.draws} draws of {args.scores:,} scores: within a factor of 2 (median)",
        ("", *(f"{rate:g}" for rate in RATES)),
        rows,
    )


if __name__ == "__main__":
    main()
