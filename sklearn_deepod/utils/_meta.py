"""What estimators that hold an outlier detector share."""

from sklearn import get_config
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)


def check_scores_new_rows(detector):
    """Raise unless `detector` is one that scores new rows.

    Parameters
    ----------
    detector : estimator
        Any outlier detector with scikit-learn's interface.

    Raises
    ------
    TypeError
        If it has no `fit` or no `score_samples`.
    """
    if hasattr(detector, "fit") and hasattr(detector, "score_samples"):
        return
    raise TypeError(
        f"{detector!r} cannot score new rows: an outlier detector with fit and "
        "score_samples is needed, such as IsolationForest or AutoEncoder. "
        "LocalOutlierFactor has score_samples with novelty=True."
    )


class MetaDetectorMixin(MetaEstimatorMixin):
    """An estimator with a parameter `detector`.

    It takes what the detector takes, and hands metadata on to the detector's `fit`.
    """

    def get_metadata_routing(self):
        """Say what metadata the detector's `fit` asks for.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return MetadataRouter(owner=type(self).__name__).add(
            detector=self.detector,
            method_mapping=MethodMapping().add(caller="fit", callee="fit"),
        )

    def _fitted_detector(self, X, y=None, **params):
        """A clone of `detector` fitted on the rows; a frozen one as it is."""
        check_scores_new_rows(self.detector)
        return clone(self.detector).fit(X, y, **self._fit_params(params))

    def _fit_params(self, params):
        """Those of the metadata that the detector's `fit` gets."""
        if params and get_config()["enable_metadata_routing"]:
            return process_routing(self, "fit", **params).detector.fit
        return params

    def _take_features(self, detector):
        """Hand on what a fitted detector knows of its features."""
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(detector, name):
                setattr(self, name, getattr(detector, name))
            elif hasattr(self, name):
                delattr(self, name)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.detector)
        tags.input_tags = inner.input_tags
        tags.non_deterministic = inner.non_deterministic
        return tags
