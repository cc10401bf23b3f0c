"""Linear algebra whose rounding does not depend on the number of threads."""

import contextlib
import threading

from threadpoolctl import ThreadpoolController

_CONTROLLER = ThreadpoolController()
# The number of threads belongs to the process: without a lock, two threads that set and
# restore it in turn would leave it at one.
_LOCK = threading.RLock()


@contextlib.contextmanager
def one_blas_thread():
    """Inside it, numpy's and scipy's BLAS run on one thread.

    They part a product otherwise for another number of threads, and then round
    otherwise: a fit in a worker process would differ from one in its parent.
    """
    with _LOCK, _CONTROLLER.limit(limits=1, user_api="blas"):
        yield
