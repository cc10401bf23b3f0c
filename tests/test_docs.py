"""Code of the user guide runs as it stands there."""

import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from sklearn_deepod.networks import LSTM
from tests.conftest import QUICK, make_table

PAGE = Path(__file__).parents[1] / "docs/guide/write_a_detector.rst"


@pytest.fixture(scope="module")
def bottleneck():
    """The class that the page on writing a detector defines."""
    block = re.search(r"code-block:: python\n\n((?:   .*\n|\n)+)", PAGE.read_text())[1]
    module = ModuleType("code_of_the_guide")
    sys.modules[module.__name__] = module  # so that its classes can be pickled
    exec(compile(textwrap.dedent(block), str(PAGE), "exec"), vars(module))
    yield module.Bottleneck
    del sys.modules[module.__name__]


def test_the_detector_of_the_guide_passes_the_checks(bottleneck):
    check_estimator(bottleneck(**(QUICK | {"max_steps": 4})))


def test_the_detector_of_the_guide_finds_outliers(bottleneck):
    X, y = make_table()
    found = bottleneck(random_state=0).fit_predict(X)
    assert np.mean(found[y == -1] == -1) > 0.5
    assert np.mean(found[y == 1] == -1) < 0.1


def test_the_detector_of_the_guide_reads_sequences(bottleneck):
    rng = np.random.default_rng(0)
    X = np.sin(np.arange(12)[:, None] / 2 + rng.uniform(size=(100, 1, 1)))
    X[0] = 2 * rng.normal(size=(12, 1))
    detector = bottleneck(network=LSTM(), **(QUICK | {"max_steps": 50})).fit(X)
    assert detector.score_samples(X).argmin() == 0
    assert detector.get_params()["latent_size"] == 4


def test_the_description_of_the_base_is_filled_in(bottleneck):
    assert "max_steps : int or None, default=150" in bottleneck.__doc__
    assert "{parameters}" not in bottleneck.__doc__
