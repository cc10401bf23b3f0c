"""Tables that lie in files, and the recipes of the guide."""

import multiprocessing
import os
import re
import signal
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest

FEATURES = ["a", "b", "c"]
GUIDE = Path(__file__).parents[2] / "docs/guide/scaling_out.rst"


def make_frame(n_rows=1000, seed=0):
    """Numbers, every tenth row far out, a column with missing values, and a key."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n_rows, 3)), columns=FEATURES)
    frame.loc[::10, FEATURES] *= 5
    frame.loc[5::20, "b"] = np.nan
    frame.insert(0, "id", [f"key-{seed}-{i}" for i in range(n_rows)])
    return frame


def make_forest(X):
    """A small forest, which scores rows alike in any batch."""
    return IsolationForest(n_estimators=8, random_state=0).fit(X)


@pytest.fixture
def frame():
    return make_frame()


@pytest.fixture
def forest(frame):
    return make_forest(frame[FEATURES])


@pytest.fixture
def folder(frame, tmp_path):
    """The frame in five Parquet files of 200 rows, in row groups of 30."""
    path = tmp_path / "rows"
    path.mkdir()
    for i in range(5):
        part = frame[200 * i : 200 * (i + 1)]
        part.to_parquet(
            path / f"{i}.parquet", row_group_size=30, write_page_checksum=True
        )
    return path


class Sums(BaseEstimator):
    """A detector of rows of any shape."""

    offset_ = 0.0

    def fit(self, X, y=None):
        return self

    def score_samples(self, X):
        return X.reshape(len(X), -1).sum(axis=1)

    def __sklearn_is_fitted__(self):
        return True


class KillsItsUser(BaseEstimator):
    """A detector that kills as many processes as it finds marks missing."""

    offset_ = 0.0

    def __init__(self, detector, folder, n_killed=0):
        self.detector = detector
        self.folder = folder
        self.n_killed = n_killed

    def fit(self, X, y=None):
        return self

    def score_samples(self, X):
        for i in range(self.n_killed):
            try:
                os.mkdir(os.path.join(self.folder, f"killed-{i}"))
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)
        return self.detector.score_samples(X)

    def __sklearn_is_fitted__(self):
        return True


@pytest.fixture(scope="module")
def processes():
    """Processes that start from one which has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sklearn_deepod.parallel"])
    return context


def run_until(n_calls, function, *args):
    """Call a function and die at the n-th call within; return how many there were."""
    n_left = n_calls

    def count(frame, event, argument):
        nonlocal n_left
        n_left -= event in ("call", "c_call")
        if n_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    function(*args)
    sys.setprofile(None)
    return n_calls - n_left


def break_page(path, fraction):
    """Overwrite bytes in the middle of a file."""
    content = bytearray(path.read_bytes())
    start = int(fraction * len(content))
    content[start : start + 40] = bytes(40)
    path.write_bytes(content)


def recipe_blocks(heading):
    """Return the blocks of code in a section of the guide."""
    section = re.search(rf"\n{heading}\n-+\n(.*?)\n-+\n", GUIDE.read_text(), re.DOTALL)
    blocks = re.findall(r"code-block:: python\n\n((?:   .*\n|\n)+)", section[1])
    return [textwrap.dedent(block) for block in blocks]


def run_recipe(heading, folder, names=None):
    """Run the code of a section of the guide, with its paths in a folder.

    Returns what names stand for afterwards.
    """
    blocks = recipe_blocks(heading)
    names = {} if names is None else names
    for code in blocks:
        code = re.sub(r'"([a-z-]+/)"', rf'"{folder}/\1"', code)  # "scores/"
        exec(compile(code, str(GUIDE), "exec"), names)
    assert blocks
    return names
