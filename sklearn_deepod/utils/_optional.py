"""Report a fit to callbacks, if the release of scikit-learn supports them."""

import contextlib
import copy


class EpochWatch:
    """Report the epochs of a fit to the callbacks set by `set_callbacks`.

    Parameters
    ----------
    estimator : estimator
        The estimator that is being fitted.
    max_subtasks : int
        Maximum number of epochs, or of trainings if the fit consists of several.
    """

    def __init__(self, estimator, max_subtasks):
        self._estimator = estimator
        self._context = None
        if hasattr(estimator, "_skl_callbacks"):
            context = estimator._init_callback_context(max_subtasks=max_subtasks)
            self._context = context.call_on_fit_task_begin(estimator=estimator)

    @contextlib.contextmanager
    def training(self, max_epochs):
        """Report one of several trainings; yields the watch of its epochs.

        The number of its epochs depends on the rows kept, so it is known only now.
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
        """Let an estimator that is fitted within this fit report its own tasks."""
        if self._context is None:
            yield
            return
        context = self._context.subcontext(task_name="networks")
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(estimator=self._estimator)
            yield
            context.call_on_fit_task_end(estimator=self._estimator)

    def __call__(self):
        """Report one epoch; returns whether a callback asks to stop."""
        if self._context is None:
            return False
        epoch = self._context.subcontext(task_name="epoch")
        epoch.call_on_fit_task_begin(estimator=self._estimator)
        return bool(epoch.call_on_fit_task_end(estimator=self._estimator))

    def close(self):
        """Report the end of the fit or of the training."""
        if self._context is not None:
            self._context.call_on_fit_task_end(estimator=self._estimator)
