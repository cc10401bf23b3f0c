"""Fits of several processes, and fits that are killed."""

import signal
import subprocess
import sys

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_deepod import ALAD, AutoEncoder, DeepOutlierDetector, DeepSVDD
from sklearn_deepod.parallel import checkpoints, data_parallel
from tests.parallel.common import run_until

LONG = {"max_epochs": 5, "max_steps": None, "n_estimators": 2, "random_state": 0}


class Interrupted(Exception):
    """Stands for whatever ends a fit."""


class Interruption(Callback):
    """Raises at the end of an epoch, counted over all trainings of a fit."""

    def __init__(self, epoch):
        self.epoch = epoch
        self.n_seen_ = 0

    def on_epoch_end(self, net, **kwargs):
        self.n_seen_ += 1
        if self.n_seen_ == self.epoch:
            raise Interrupted


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 3)) @ rng.normal(size=(3, 5))


class TestCheckpoints:
    @pytest.mark.parametrize("epoch", [1, 3, 7])
    @pytest.mark.parametrize(
        "detector",
        [
            AutoEncoder(**LONG),
            AutoEncoder(**LONG, bootstrap=True, early_stopping=True),
            DeepSVDD(**LONG),
            ALAD(**LONG),
            DeepOutlierDetector(
                autoencoder=AutoEncoder(max_epochs=5, max_steps=None, n_estimators=2),
                random_state=0,
            ),
        ],
        ids=["plain", "bootstrap", "one-class", "adversarial", "part of another"],
    )
    def test_fit_goes_on_where_it_was(self, detector, epoch, X, tmp_path):
        networks = "autoencoder__" if "autoencoder" in detector.get_params() else ""
        detector.set_params(**{f"{networks}callbacks": None})
        expected = detector.fit(X).score_samples(X)
        interruption = {f"{networks}callbacks": [Interruption(epoch)]}
        with checkpoints(tmp_path), pytest.raises(Interrupted):
            detector.set_params(**interruption).fit(X)
        detector.set_params(**{f"{networks}callbacks": None})
        with checkpoints(tmp_path):
            np.testing.assert_array_equal(detector.fit(X).score_samples(X), expected)

    def test_epochs_that_are_done_are_not_repeated(self, X, tmp_path):
        with checkpoints(tmp_path):
            first = AutoEncoder(**LONG).fit(X)
        # Both trainings are complete: no epoch is left that could be interrupted.
        with checkpoints(tmp_path):
            second = AutoEncoder(**LONG, callbacks=[Interruption(1)]).fit(X)
        assert second.history_ == first.history_

    @pytest.mark.parametrize("change", ["rows", "parameters", "detector"])
    def test_another_fit(self, change, X, tmp_path):
        with checkpoints(tmp_path):
            AutoEncoder(**LONG).fit(X)
        other = DeepSVDD(**LONG) if change == "detector" else AutoEncoder(**LONG)
        if change == "parameters":
            other.set_params(lr=0.01)
        with checkpoints(tmp_path), pytest.raises(ValueError, match="another fit"):
            other.fit(X + 1 if change == "rows" else X)

    def test_without_a_seed_the_streams_go_on(self, X, tmp_path):
        params = LONG | {"random_state": None}
        with checkpoints(tmp_path):
            first = AutoEncoder(**params).fit(X)
        with checkpoints(tmp_path):
            second = AutoEncoder(**params).fit(X)
        np.testing.assert_array_equal(second.score_samples(X), first.score_samples(X))

    def test_killed_at_random_moments(self, X, tmp_path, processes):
        scores = tmp_path / "scores.npy"
        n_calls = run_until(10**9, fit_and_save, X, tmp_path / "counted", scores)
        expected = np.load(scores)
        scores.unlink()
        rng = np.random.default_rng(0)
        codes = []
        for moment in (*rng.integers(n_calls // 10, n_calls, size=3), 10**9):
            process = processes.Process(
                target=run_until,
                args=(int(moment), fit_and_save, X, tmp_path / "states", scores),
            )
            process.start()
            process.join()
            codes.append(process.exitcode)
        assert codes[0] == -signal.SIGKILL
        assert set(codes) <= {0, -signal.SIGKILL}  # what is left may be short
        np.testing.assert_array_equal(np.load(scores), expected)


def fit_and_save(X, folder, path):
    with checkpoints(folder):
        detector = AutoEncoder(max_epochs=20, max_steps=None, random_state=0).fit(X)
    np.save(path, detector.score_samples(X))


IN_EACH_PROCESS = """
import sys
import numpy as np
from sklearn_deepod import AutoEncoder, DeepOutlierDetector, DeepSVDD
from sklearn_deepod.parallel import data_parallel

X = np.load(sys.argv[1])
fitted = {}
with data_parallel() as rank:
    for cls in (AutoEncoder, DeepSVDD):
        fitted[cls.__name__] = cls(max_steps=20).fit(X).score_samples(X)
    networks = AutoEncoder(max_steps=100)
    detector = DeepOutlierDetector(autoencoder=networks, random_state=0).fit(X)
    fitted["DeepOutlierDetector"] = detector.score_samples(X)
    try:
        AutoEncoder(batch_size=63).fit(X)
    except ValueError as error:
        assert "multiple of their number" in str(error)
    else:
        raise AssertionError
np.savez(f"{sys.argv[2]}/{rank}.npz", **fitted)
"""


class TestDataParallel:
    def test_two_processes_hold_one_detector(self, X, tmp_path):
        np.save(tmp_path / "X.npy", X)
        script = tmp_path / "train.py"
        script.write_text(IN_EACH_PROCESS)
        run = subprocess.run(
            [
                *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
                *("--nproc-per-node", "2"),
                *(str(script), str(tmp_path / "X.npy"), str(tmp_path)),
            ],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert run.returncode == 0, run.stderr
        first, second = (np.load(tmp_path / f"{rank}.npz") for rank in (0, 1))
        assert len(first.files) == 3
        for name in first.files:
            np.testing.assert_array_equal(first[name], second[name])
        # One process draws other noise for the rows, and finds the same outliers.
        alone = DeepOutlierDetector(
            autoencoder=AutoEncoder(max_steps=100), random_state=0
        )
        scores = alone.fit(X).score_samples(X)
        assert np.corrcoef(scores, first["DeepOutlierDetector"])[0, 1] > 0.9

    def test_processes_must_know_one_another(self, monkeypatch):
        monkeypatch.delenv("RANK", raising=False)
        with pytest.raises(RuntimeError, match="torchrun"), data_parallel():
            pass
