"""What to do with flagged rows and cells: drop, repair, replace."""

from sklearn_deepod.treatment._dropper import OutlierDropper
from sklearn_deepod.treatment._repairer import OutlierRepairer
from sklearn_deepod.treatment._replacer import OutlierReplacer

__all__ = ["OutlierDropper", "OutlierRepairer", "OutlierReplacer"]
