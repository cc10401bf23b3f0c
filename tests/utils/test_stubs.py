"""The stubs: current, complete, and of use to an editor and a type checker."""

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_deepod
from sklearn_deepod import AutoEncoder, DeepSVDD
from sklearn_deepod.metrics import false_alarm_rate
from sklearn_deepod.networks import Dense
from sklearn_deepod.threshold import OtsuThreshold
from sklearn_deepod.utils import _stubs
from sklearn_deepod.utils._stub_types import (
    attribute_types,
    parameter_types,
    return_type,
)
from tests.test_architecture import public_classes

ROOT = Path(sklearn_deepod.__file__).parents[1]
# The error that a type checker is to find in each line; none in the others.
USES = """
from sklearn_deepod import AutoEncoder, DeepOutlierDetector, DeepSVDD, ModuleDetector
from sklearn_deepod import DetectorEnsemble, WindowedDetector, ZScore
from sklearn_deepod.metrics import ExcessMassScorer, false_alarm_rate
from sklearn_deepod.networks import LSTM
from sklearn_deepod.preprocessing import RobustAsinhScaler
from sklearn_deepod.threshold import ThresholdedDetector, MADThreshold

AutoEncoder(latent_size=8, novelty=True, contamination=0.1, random_state=None)
AutoEncoder(latnt_size=8)  # call-arg
AutoEncoder(latent_size="8")  # arg-type
DeepSVDD(lr=1, objective="soft-boundary")
DeepSVDD(objective="soft")  # arg-type
ModuleDetector(module=print, loss=print, max_epochs=None)
DeepOutlierDetector(max_references=100).fit([[1.0]]).predict([[1.0]]).sum()
DeepOutlierDetector(4)  # call-arg misc
DetectorEnsemble([("a", AutoEncoder()), ("z", ZScore())])
WindowedDetector(AutoEncoder(), window=2.5)  # arg-type
ZScore(combine="euclidean", contamination="fence")
ExcessMassScorer(n_draws=3)(ZScore(), [[1.0]]) + 1.0
LSTM(hidden=3)  # call-arg
RobustAsinhScaler().fit_transform([[1.0]])
ThresholdedDetector(ZScore(), threshold=MADThreshold())
offset: str = ZScore().fit([[1.0]]).offset_  # assignment
false_alarm_rate([1], [1], pos_label=0)  # arg-type
"""


@pytest.mark.skipif(
    importlib.util.find_spec("sklearn.callback") is None,
    reason="stubs say what there is with callbacks of scikit-learn",
)
def test_stubs_are_current():
    assert not _stubs.outdated(), f"run {_stubs.COMMAND}"


def test_command(monkeypatch, tmp_path, capsys):
    path = tmp_path / "module.pyi"
    monkeypatch.setattr(_stubs, "stubs", lambda: {path: "x: int\n"})
    monkeypatch.setattr(sys, "argv", ["_stubs", "--check"])
    with pytest.raises(SystemExit, match="1"):
        _stubs.main()
    assert "module.pyi" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["_stubs"])
    _stubs.main()
    assert path.read_text() == "x: int\n"
    monkeypatch.setattr(sys, "argv", ["_stubs", "--check"])
    assert _stubs.main() is None


def test_an_editor_sees_every_parameter():
    jedi = pytest.importorskip("jedi")
    project = jedi.Project(ROOT)
    seen = {}
    for cls in public_classes():
        if inspect.isfunction(cls.__init__):
            home = _stubs._homes()[cls]
            code = f"from {home} import {cls.__name__}\n{cls.__name__}("
            (found,) = jedi.Script(code, project=project).get_signatures()
            seen[cls] = [parameter.name for parameter in found.params]
    assert len(seen) > 40
    for cls, names in seen.items():
        assert names == list(inspect.signature(cls).parameters), cls


def test_an_editor_sees_methods_and_fitted_attributes():
    jedi = pytest.importorskip("jedi")
    code = "from sklearn_deepod import AutoEncoder\nAutoEncoder()."
    found = jedi.Script(code, project=jedi.Project(ROOT)).complete()
    names = {completion.name for completion in found}
    assert names >= {"reconstruct", "partial_fit", "offset_", "net_", "set_params"}


def test_a_type_checker_finds_what_is_wrong(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "uses.py").write_text(USES)
    command = [sys.executable, "-m", "mypy", "--config-file=", "--no-incremental"]
    command += ["--ignore-missing-imports", "--follow-imports=silent", "uses.py"]
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )
    found = re.findall(r"uses\.py:(\d+): error: .*\[(.+)\]", run.stdout)
    expected = [
        (str(number), line.partition("# ")[2])
        for number, line in enumerate(USES.split("\n"), 1)
        if "# " in line
    ]
    lines = {number for number, _ in expected}
    assert {number for number, _ in found} == lines, run.stdout + run.stderr
    for number, kinds in expected:
        assert {kind for n, kind in found if n == number} <= set(kinds.split())


def test_types_of_parameters():
    types = parameter_types(DeepSVDD, DeepSVDD._parameter_constraints)
    assert types["latent_size"] == "int"
    assert types["lr"] == "float"
    assert types["max_epochs"] == "int | None"
    assert types["novelty"] == "bool"
    assert types["objective"] == "Literal['one-class', 'soft-boundary']"
    assert types["contamination"] == "Literal['auto'] | float"
    assert types["random_state"] == "RandomState | int | None"
    assert types["optimizer"] == types["hidden_layer_sizes"] == "Any"


def test_types_of_a_docstring():
    types = parameter_types(Dense, {})
    assert types["normalization"] == "Literal['layer', 'batch'] | None"
    assert types["dropout"] == "float"
    assert types["hidden_layer_sizes"] == "Any"
    assert attribute_types(AutoEncoder)["n_iter_"] == "int"
    assert attribute_types(AutoEncoder)["history_"] == "list[Any]"
    assert return_type(AutoEncoder.fit) == "Self"
    assert return_type(AutoEncoder.predict) == "NDArray[Any]"
    assert return_type(false_alarm_rate) == "float"
    assert return_type(OtsuThreshold.__init__) == "Any"
