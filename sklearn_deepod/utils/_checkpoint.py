"""Checkpoints: what a training needs to go on after its process has died."""

from pathlib import Path

import numpy as np
import torch

from sklearn_deepod.utils._ambient import Ambient
from sklearn_deepod.utils._whole_files import replaced

#: The `Checkpoint` in which trainings save their states, and go on from what they find.
CHECKPOINT = Ambient("checkpoint")


class Checkpoint:
    """A folder with the states of one fit.

    Parameters
    ----------
    folder : str or path
        Made if it is not there.
    writes : bool, default=True
        Whether states are written; of several processes that train together, one does.
    """

    def __init__(self, folder, *, writes=True):
        self.folder = Path(folder)
        self.writes = writes
        self._n_trainings = 0
        self.folder.mkdir(parents=True, exist_ok=True)

    def next_training(self, key):
        """The place of the next training of the fit; see `saved`."""
        self._n_trainings += 1
        return self.saved(f"training_{self._n_trainings - 1}.pt", key)

    def saved(self, name, key):
        """The place of one state.

        Parameters
        ----------
        name : str
            Name of the file.
        key : str
            Stands for all that the state depends on, such as parameters and rows.

        Returns
        -------
        SavedState
        """
        return SavedState(self.folder / name, key, writes=self.writes)


class SavedState:
    """A state that was saved, if there is any.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    key : str
        A file with another key belongs to another fit.
    writes : bool
        Whether `save` writes.
    """

    def __init__(self, path, key, *, writes):
        self.path = path
        self.key = key
        self.writes = writes

    def load(self):
        """The state that was saved last, with tensors for arrays, or None."""
        if not self.path.exists():
            return None
        # Tensors, numbers and text only: loading runs no code.
        state = torch.load(self.path, weights_only=True)
        if state.pop("key") != self.key:
            raise ValueError(
                f"{self.path} is of another fit: of other rows, another detector or "
                "other parameters. Give the folder of this fit, or an empty one."
            )
        return state

    def save(self, state):
        """Put the state in place of the one before, as a whole or not at all."""
        if self.writes:
            with replaced(self.path) as file:
                torch.save(_as_tensors({**state, "key": self.key}), file)


def _as_tensors(state):
    """A state of dicts and lists with tensors in place of arrays."""
    if isinstance(state, dict):
        return {name: _as_tensors(value) for name, value in state.items()}
    if isinstance(state, list):
        return [_as_tensors(value) for value in state]
    return torch.from_numpy(state) if isinstance(state, np.ndarray) else state
