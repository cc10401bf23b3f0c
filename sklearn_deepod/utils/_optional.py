"""Reports of a fit to callbacks, where the release of scikit-learn has some."""

import contextlib
import copy


class EpochWatch:
    """Reports a fit's epochs to the callbacks set by `set_callbacks`.

    Parameters
    ----------
    estimator : estimator
        The estimator that is being fitted.
    max_subtasks : int
        Number of epochs at most; of trainings, where the fit consists of several.
    """

    def __init__(self, estimator, max_subtasks):
        self._estimator = estimator
        self._context = None
        if hasattr(estimator, "_skl_callbacks"):
            context = estimator._init_callback_context(max_subtasks=max_subtasks)
            self._context = context.call_on_fit_task_begin(estimator=estimator)

    @contextlib.contextmanager
    def training(self, max_epochs):
        """Report one of several trainings; gives the watch of its epochs.

        Only now is the number of its epochs known: it depends on the rows kept.
        """
        watch = copy.copy(self)
        if self._context is not None:
            task = {"task_name": "training", "max_subtasks": max_epochs}
            watch._context = self._context.subcontext(**task)
            watch._context.call_on_fit_task_begin(estimator=self._estimator)
        yield watch
        watch.close()

    @contextlib.contextmanager
    def passed_on_to(self, estimator):
        """Let an estimator that is fitted as a part of this fit report its own."""
        if self._context is None:
            yield
            return
        context = self._context.subcontext(task_name="networks")
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(estimator=self._estimator)
            yield
            context.call_on_fit_task_end(estimator=self._estimator)

    def __call__(self):
        """Report one epoch; True asks to stop."""
        if self._context is None:
            return False
        epoch = self._context.subcontext(task_name="epoch")
        epoch.call_on_fit_task_begin(estimator=self._estimator)
        return bool(epoch.call_on_fit_task_end(estimator=self._estimator))

    def close(self):
        """Report the end of the fit or of the training."""
        if self._context is not None:
            self._context.call_on_fit_task_end(estimator=self._estimator)
