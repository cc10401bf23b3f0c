"""Arithmetic of scores: arrays in, arrays out."""

from sklearn_deepod.scoring._cutoff import contamination_cutoff, kimber_cutoff
from sklearn_deepod.scoring._weighted import weighted_mean_and_std, weighted_quantile
from sklearn_deepod.scoring._whitening import fit_whitening, lowest_share, mahalanobis

__all__ = [
    "contamination_cutoff",
    "fit_whitening",
    "kimber_cutoff",
    "lowest_share",
    "mahalanobis",
    "weighted_mean_and_std",
    "weighted_quantile",
]
