"""Threads: those of linear algebra, and what a forked process does without."""

import contextlib
import os
import threading

import torch
from threadpoolctl import ThreadpoolController

_CONTROLLER = ThreadpoolController()
# The number of threads belongs to the process: without a lock, two threads that set and
# restore it in turn would leave it at one.
_LOCK = threading.RLock()


@contextlib.contextmanager
def one_blas_thread():
    """Context in which the BLAS of numpy and scipy runs on one thread.

    It splits products differently for another number of threads, and then rounds
    differently: a fit in a worker process would differ from one in its parent.
    """
    with _LOCK, _CONTROLLER.limit(limits=1, user_api="blas"):
        yield


def _after_fork():
    """Let a forked process go on: no thread but the forking one lives in it.

    Torch would wait for its threads for ever, and so would a fit for a lock that
    another thread held.
    """
    global _LOCK
    _LOCK = threading.RLock()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
