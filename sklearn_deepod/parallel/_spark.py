"""Scores of Spark's data frames."""

from functools import partial

from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED

from sklearn_deepod.parallel._arrow import feature_frame
from sklearn_deepod.parallel._results import (
    check_fitted_detector,
    check_no_result_names,
    results,
)
from sklearn_deepod.utils._optional_imports import optional_import


class SparkDetector(BaseEstimator):
    """A fitted outlier detector that scores data frames of Spark.

    Like a fitted model of ``pyspark.ml``, it adds columns: ``score`` (higher is more
    normal), ``decision`` (negative is an outlier) and ``label`` (+1 for inliers, -1 for
    outliers). All others stay as they are, with their types. The detector is broadcast
    once; the executors need this package.

    Read more in the :ref:`User Guide <scaling-out>`.

    Parameters
    ----------
    detector : estimator
        Fitted outlier detector with scikit-learn's interface, or a pipeline that ends
        in one.
    columns : list of str, default=None
        The features, in the order of the fit. None takes the names that the detector
        was fitted with.

    See Also
    --------
    fit_stream : Fit a detector on the files that Spark reads.

    Examples
    --------
    >>> from sklearn_deepod.parallel import SparkDetector, fit_stream
    >>> detector = fit_stream(IsolationForest(), "rows/")  # doctest: +SKIP
    >>> rows = spark.read.parquet("rows/")  # doctest: +SKIP
    >>> scored = SparkDetector(detector).transform(rows)  # doctest: +SKIP
    """

    # The data frame is no metadata to be routed.
    __metadata_request__transform = {"df": UNUSED}

    def __init__(self, detector, *, columns=None):
        self.detector = detector
        self.columns = columns

    def transform(self, df):
        """Add the columns ``score``, ``decision`` and ``label``, lazily.

        Parameters
        ----------
        df : pyspark.sql.DataFrame
            Rows.

        Returns
        -------
        pyspark.sql.DataFrame

        Raises
        ------
        ValueError
            If the features are not known or not in `df`, or if `df` has columns with
            the names of those to be added.
        """
        types = optional_import("pyspark.sql.types", "spark")
        check_fitted_detector(self.detector)
        check_no_result_names(df.columns)
        columns = self._columns(df.columns)
        schema = types.StructType(
            [
                *df.schema.fields,
                types.StructField("score", types.DoubleType()),
                types.StructField("decision", types.DoubleType()),
                types.StructField("label", types.ByteType()),
            ]
        )
        detector = df.sparkSession.sparkContext.broadcast(self.detector)
        scored = partial(_scored, detector=detector, columns=columns)
        # Not mapInPandas: pandas has other types, such as floats for whole numbers
        # with gaps.
        return df.mapInArrow(scored, schema)

    def _columns(self, names):
        columns = self.columns
        if columns is None:
            columns = getattr(self.detector, "feature_names_in_", None)
        if columns is None:
            raise ValueError(
                "The detector was fitted without names of features. Give columns=."
            )
        columns = [str(column) for column in columns]
        missing = [column for column in columns if column not in names]
        if missing:
            raise ValueError(f"The data frame has no column(s) {missing}.")
        return columns


def _scored(batches, detector, columns):
    """Append results to record batches."""
    arrow = optional_import("pyarrow", "spark")
    for batch in batches:
        table = arrow.Table.from_batches([batch])
        X = feature_frame(table, columns)
        for name, values in results(detector.value, X).items():
            table = table.append_column(name, arrow.array(values))
        yield from table.to_batches()
