"""Treatments of outliers: drop, repair or replace them."""

from sklearn_deepod.treatment._dropper import OutlierDropper
from sklearn_deepod.treatment._repairer import OutlierRepairer
from sklearn_deepod.treatment._replacer import OutlierReplacer

__all__ = ["OutlierDropper", "OutlierRepairer", "OutlierReplacer"]
