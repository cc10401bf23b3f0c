"""Fits of several processes together, and fits that outlive their process."""

import contextlib
import os

import torch
from torch import distributed

from sklearn_deepod.utils._checkpoint import CHECKPOINT, Checkpoint
from sklearn_deepod.utils._ranks import RANKS, Ranks


@contextlib.contextmanager
def data_parallel():
    """Let several processes train one detector together.

    Run one script in several processes with torch's ``torchrun``, and fit inside this
    context. Every process gives `fit` the same rows, such as a memory-mapped file; each
    computes its share of every batch, and gradients are averaged over the processes
    after each step. All then hold the same detector, with equal scores. What is not
    trained by gradients is computed by every process.

    Processes talk through NCCL where there are GPUs, of which each takes its own, else
    through Gloo. A process group that is there already is used, and left open.

    Read more in the :ref:`User Guide <scaling-out>`.

    Yields
    ------
    int
        The rank of this process: 0 in the first, which usually saves the detector.

    Raises
    ------
    RuntimeError
        If the processes were not started by ``torchrun``.
    ValueError
        From `fit`, if `batch_size` is no multiple of the number of processes.

    See Also
    --------
    checkpoints : Fits that go on after an interruption.

    Examples
    --------
    A script ``train.py``, for ``torchrun --nproc-per-node 2 train.py``::

        X = np.load("rows.npy", mmap_mode="r")
        detector = AutoEncoder(batch_size=4096, max_epochs=10, max_steps=None)
        with data_parallel() as rank:
            detector.fit(X)
        if rank == 0:
            joblib.dump(detector, "detector.joblib")
    """
    ours = not distributed.is_initialized()
    if ours:
        _start_group()
    try:
        ranks = Ranks()
        with RANKS.set_to(ranks):
            yield ranks.rank
    finally:
        if ours:
            distributed.destroy_process_group()


def _start_group():
    if "RANK" not in os.environ:
        raise RuntimeError(
            "data_parallel needs several processes that know one another. Start the "
            "script with: torchrun --nproc-per-node 2 SCRIPT"
        )
    on_gpus = torch.cuda.is_available()
    if on_gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if on_gpus else "gloo")


@contextlib.contextmanager
def checkpoints(folder):
    """Let a fit save its state, and go on from what an earlier one left.

    The state is saved after each epoch of a training: weights, the optimizer's moments
    and the random streams. If the process dies, fit the same detector on the same rows
    with the same folder: epochs that are done are not repeated, and the detector is
    bit-identical to what it would have been. After the fit the folder can be deleted.

    A file is written beside and renamed, so that none is half there; it holds tensors
    and numbers, and loading it runs no code.

    Read more in the :ref:`User Guide <scaling-out>`.

    Parameters
    ----------
    folder : str or path
        Where states are saved, for this fit alone. Made if it is not there.

    Raises
    ------
    ValueError
        From `fit`, if the folder is of another fit.

    See Also
    --------
    fit_stream : Fits on more rows than memory holds; its sample is saved as well.

    Notes
    -----
    Bounded by `max_steps`, the training on a large table is a single epoch. Give
    ``max_epochs`` and ``max_steps=None`` for a long one. The state of callbacks is not
    saved. Detectors without a training, and those of other packages, save nothing.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_deepod import AutoEncoder
    >>> from sklearn_deepod.parallel import checkpoints
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> with tempfile.TemporaryDirectory() as folder, checkpoints(folder):
    ...     detector = AutoEncoder(max_epochs=5, random_state=0).fit(X)
    >>> detector.n_iter_
    5
    """
    ranks = RANKS.get()
    writes = ranks is None or ranks.rank == 0
    with CHECKPOINT.set_to(Checkpoint(folder, writes=writes)):
        yield
