"""Scorers and measures of outlier detectors, with labels and without."""

from sklearn_deepod.metrics._agreement import ConsensusScorer, RankStabilityScorer
from sklearn_deepod.metrics._excess_mass import excess_mass_score, mass_volume_score
from sklearn_deepod.metrics._labelled import false_alarm_rate, precision_at_n_score
from sklearn_deepod.metrics._range import (
    range_fbeta_score,
    range_precision_score,
    range_recall_score,
)
from sklearn_deepod.metrics._report import outlier_report
from sklearn_deepod.metrics._scorers import (
    get_outlier_scorer,
    get_outlier_scorer_names,
    outlier_scorers,
)
from sklearn_deepod.metrics._volume_scorers import ExcessMassScorer, MassVolumeScorer
from sklearn_deepod.metrics._vus import vus_pr_score, vus_roc_score

__all__ = [
    "ConsensusScorer",
    "ExcessMassScorer",
    "MassVolumeScorer",
    "RankStabilityScorer",
    "excess_mass_score",
    "false_alarm_rate",
    "get_outlier_scorer",
    "get_outlier_scorer_names",
    "mass_volume_score",
    "outlier_report",
    "outlier_scorers",
    "precision_at_n_score",
    "range_fbeta_score",
    "range_precision_score",
    "range_recall_score",
    "vus_pr_score",
    "vus_roc_score",
]
