"""Tables that do not fit into memory, or that lie on several machines."""

from sklearn_deepod.parallel._dask import DaskDetector
from sklearn_deepod.parallel._fit_stream import fit_stream
from sklearn_deepod.parallel._score_stream import score_stream
from sklearn_deepod.parallel._spark import SparkDetector
from sklearn_deepod.parallel._training import checkpoints, data_parallel

__all__ = [
    "DaskDetector",
    "SparkDetector",
    "checkpoints",
    "data_parallel",
    "fit_stream",
    "score_stream",
]
