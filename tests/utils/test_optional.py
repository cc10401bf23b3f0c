"""The bridge to scikit-learn's callbacks."""

import importlib.util

import pytest
from sklearn.base import BaseEstimator

from sklearn_deepod.utils._optional import EpochWatch
from sklearn_deepod.utils._sklearn_compat import CallbackSupportMixin, with_callbacks

needs_callbacks = pytest.mark.skipif(
    importlib.util.find_spec("sklearn.callback") is None,
    reason="this release of scikit-learn has no callbacks",
)


class Estimator(CallbackSupportMixin, BaseEstimator):
    """Counts the epochs that it is allowed."""

    def __init__(self, max_epochs=5):
        self.max_epochs = max_epochs

    @with_callbacks
    def fit(self, X=None, y=None):
        watch = EpochWatch(self, self.max_epochs)
        self.n_iter_ = 0
        for _ in range(self.max_epochs):
            self.n_iter_ += 1
            if watch():
                break
        watch.close()
        return self


class Recorder:
    """Notes the tasks and asks for a stop at one of them."""

    def __init__(self, stop_at=None):
        self.stop_at = stop_at
        self.calls = []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self.calls.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.calls.append(f"end {context.task_name} {context.task_id}")
        return context.task_name == "epoch" and context.task_id == self.stop_at


def test_without_callbacks_nothing_stops():
    watch = EpochWatch(BaseEstimator(), 3)
    assert [watch() for _ in range(4)] == [False] * 4
    with watch.training(2) as training:
        assert [training() for _ in range(4)] == [False] * 4
    assert watch.close() is None
    assert Estimator().fit().n_iter_ == 5


@needs_callbacks
def test_callbacks_see_every_epoch():
    recorder = Recorder()
    estimator = Estimator(max_epochs=3).set_callbacks(recorder).fit()
    assert estimator.n_iter_ == 3
    epochs = [call for i in range(3) for call in (f"begin epoch {i}", f"end epoch {i}")]
    assert recorder.calls[0] == "setup"
    assert recorder.calls[1].startswith("begin fit")
    assert recorder.calls[2:-2] == epochs
    assert recorder.calls[-2].startswith("end fit")
    assert recorder.calls[-1] == "teardown"


@needs_callbacks
def test_each_training_has_its_own_number_of_epochs():
    recorder = Recorder()

    class Twice(CallbackSupportMixin, BaseEstimator):
        @with_callbacks
        def fit(self, X=None, y=None):
            watch = EpochWatch(self, 2)
            for n_epochs in (1, 2):
                with watch.training(n_epochs) as training:
                    assert [training() for _ in range(n_epochs)] == [False] * n_epochs
                    with pytest.raises(ValueError, match="maximum number of children"):
                        training()
            watch.close()

    Twice().set_callbacks(recorder).fit()
    trainings = [call for call in recorder.calls if "training" in call]
    assert trainings == [f"{e} training {i}" for i in (0, 1) for e in ("begin", "end")]
    assert recorder.calls.count("begin epoch 1") == 1


@needs_callbacks
def test_callback_stops():
    estimator = Estimator().set_callbacks(Recorder(), Recorder(stop_at=1)).fit()
    assert estimator.n_iter_ == 2
