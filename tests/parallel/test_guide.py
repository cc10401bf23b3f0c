"""The recipes of the guide that need no cluster run as they stand there."""

import shutil
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest

from tests.parallel.common import FEATURES, recipe_blocks, run_recipe


@pytest.fixture
def transactions(folder):
    """The folder of the guide; its path."""
    path = folder.with_name("transactions")
    folder.rename(path)
    return path


def test_files(frame, transactions, capsys):
    names = run_recipe("Files", transactions.parent)
    X = frame[FEATURES]
    detector = names["detector"]
    scored = pd.read_parquet(transactions.with_name("scores"))
    assert [*scored["id"]] == [*frame["id"]]
    np.testing.assert_array_equal(scored["score"], detector.score_samples(X))
    n_flagged = np.sum(detector.predict(X) == -1)
    assert capsys.readouterr().out == f"1000 rows, {n_flagged} of them flagged\n"
    assert names["n_flagged"] == n_flagged

    (transactions / "2.parquet").write_bytes(b"PAR1")
    shutil.rmtree(transactions.with_name("scores"))
    with pytest.warns(UserWarning, match="1 whole file"):
        run_recipe("Bad data", transactions.parent, names)
    assert "2.parquet" in capsys.readouterr().out
    assert len(pd.read_parquet(transactions.with_name("scores"))) == 800


def test_arrays(frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X = frame[FEATURES].to_numpy()
    np.save("rows.npy", X)
    for day in range(3):
        np.save(f"day-{day}.npy", X[300 * day : 300 * (day + 1)])
    names = run_recipe("Arrays, loaders, generators", tmp_path)
    expected = names["IsolationForest"](random_state=0).fit(X)
    np.testing.assert_array_equal(names["scores"], expected.score_samples(X))
    expected.fit(X[:900])
    found = names["forest"].score_samples(X)
    np.testing.assert_array_equal(found, expected.score_samples(X))


def test_long_fits(frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", frame[FEATURES].to_numpy())
    single, shared, _ = recipe_blocks("Long fits")
    namespace = {}
    exec(single.replace("max_epochs=20", "max_epochs=2"), namespace)
    assert namespace["detector"].n_iter_ == 2
    assert {path.name for path in (tmp_path / "states").iterdir()} == {
        "training_0.pt",
        "training_1.pt",
    }
    (tmp_path / "train.py").write_text(
        shared.replace("batch_size=4096", "batch_size=64")
    )
    command = "-m torch.distributed.run --standalone --nproc-per-node 2 train.py"
    subprocess.run([sys.executable, *command.split()], check=True, timeout=300)
    assert joblib.load("detector.joblib").n_iter_ == 5
