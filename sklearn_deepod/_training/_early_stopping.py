"""When a training stops before its last epoch."""

import copy

import numpy as np


class EarlyStopping:
    """Stops when the loss has not improved for some epochs; keeps the best weights.

    Parameters
    ----------
    patience : int
        Epochs without an improvement.
    tol : float
        Smallest decrease of the loss that counts, whatever the loss's sign.
    """

    def __init__(self, patience, tol):
        self.patience = patience
        self.tol = tol
        self.best = np.inf
        self.waited = 0
        self._state = None

    def update(self, loss, module):
        """Take an epoch's loss in; True means stop."""
        if loss < self.best - self.tol:
            self.best, self.waited = loss, 0
            self._state = copy.deepcopy(module.state_dict())
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self, module):
        """Put the best weights back."""
        if self._state is not None:
            module.load_state_dict(self._state)
