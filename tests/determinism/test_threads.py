"""Forked processes answer as their parents do, and none waits for ever."""

import multiprocessing
import subprocess
import sys
import threading

import numpy as np
import pytest

from sklearn_deepod import AutoEncoder

IN_CHILDREN = """
import multiprocessing, threading
import numpy as np, torch
from sklearn_deepod import AutoEncoder
from sklearn_deepod._determinism import one_blas_thread

torch.set_num_threads(2)
X = np.random.default_rng(0).normal(size=(20_000, 30))
detector = AutoEncoder(max_steps=5, random_state=0).fit(X)
expected = detector.score_samples(X)
with multiprocessing.get_context("fork").Pool(2) as pool:
    for scores in pool.map(detector.score_samples, [X, X]):
        np.testing.assert_array_equal(scores, expected)

entered, done = threading.Event(), threading.Event()

def hold():
    with one_blas_thread():
        entered.set()
        done.wait()

threading.Thread(target=hold, daemon=True).start()
entered.wait()
with multiprocessing.get_context("fork").Pool(1) as pool:
    assert pool.apply(AutoEncoder(max_steps=5, random_state=0).fit, [X]) is not None
done.set()
"""


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no fork here"
)
def test_forked_processes_score_and_fit():
    run = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-c", IN_CHILDREN],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr


def test_threads_score_as_one_does():
    X = np.random.default_rng(0).normal(size=(500, 5))
    detector = AutoEncoder(max_steps=5, random_state=0).fit(X)
    expected, found = detector.score_samples(X), [None] * 16

    def score(i):
        found[i] = detector.score_samples(X)

    threads = [threading.Thread(target=score, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for scores in found:
        np.testing.assert_array_equal(scores, expected)
