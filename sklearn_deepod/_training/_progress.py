"""How far a training has come, in a checkpoint."""

import hashlib

import numpy as np

from sklearn_deepod._determinism import stream_states
from sklearn_deepod._training._arrays import load_state, state_of
from sklearn_deepod.utils._checkpoint import CHECKPOINT

# Rows whose values stand for all in the key of a checkpoint.
_KEY_ROWS = 64
# Parameters that may change between a fit and its continuation.
_NO_MATTER = {"callbacks", "device", "verbose"}


class TrainingProgress:
    """The epochs of a training that are done, saved after each of them.

    Parameters
    ----------
    saved : SavedState
        Where the state is.
    streams : dict of str to torch.Generator
        The random streams that the training draws from.
    """

    def __init__(self, saved, streams):
        self._saved = saved
        self._streams = streams

    @classmethod
    def of(cls, detector, rows, epochs, trim_fraction):
        """The progress of a detector's next training; None without a checkpoint."""
        checkpoint = CHECKPOINT.get()
        if checkpoint is None:
            return None
        key = _key(detector, rows, epochs, trim_fraction)
        return cls(checkpoint.next_training(key), detector._streams)

    def restore(self, net, stopping):
        """Put net, streams and stopping rule where they were; gives epochs done."""
        state = self._saved.load()
        if state is None:
            return 0
        load_state(net, state["net"])
        for name, stream in state["streams"].items():
            self._streams[name].set_state(stream)
        if stopping is not None:
            vars(stopping).update(state["stopping"])
        return state["n_done"]

    def save(self, net, stopping, n_done):
        """Save where the training is after an epoch."""
        history = [
            {k: v for k, v in epoch.items() if k != "batches"} for epoch in net.history
        ]
        self._saved.save(
            {
                "net": {**state_of(net), "history": history},
                "streams": stream_states(self._streams),
                "stopping": {} if stopping is None else vars(stopping),
                "n_done": n_done,
            }
        )


def _key(detector, rows, epochs, trim_fraction):
    """Digest of what makes a training the one that it is."""
    parameters = {
        name: value if isinstance(value, int | float | str | tuple) else type(value)
        for name, value in detector.get_params().items()
        if name not in _NO_MATTER
    }
    about = type(detector), sorted(parameters.items()), epochs, trim_fraction
    digest = hashlib.sha256(repr(about).encode())
    digest.update(np.array([len(rows), rows.total_weight]).tobytes())
    digest.update(rows.rows(np.arange(min(len(rows), _KEY_ROWS))).tobytes())
    return digest.hexdigest()
