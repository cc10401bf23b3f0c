"""The words and constraints that all detectors share."""

import inspect
import re

import pytest

from sklearn_deepod.base import BaseDeepDetector, BaseDetector, BaseTorchDetector
from tests.base.common import (
    CLASSES,
    DEEP,
    every_deep_detector,
    every_detector,
)


class TestDocumentation:
    """Shared parameters are described in the same words everywhere."""

    @staticmethod
    def entries(cls, section):
        text = inspect.cleandoc(cls.__doc__)
        body = re.search(rf"^{section}\n-+\n(.*?)(?=\n\n\w|\Z)", text, re.S | re.M)[1]
        found = re.findall(r"^(\w+) : (.*)\n((?:[ ]{4}.*\n?|\n)+)", body + "\n", re.M)
        return {name: (kind, " ".join(words.split())) for name, kind, words in found}

    @every_deep_detector
    @pytest.mark.parametrize("section", ["Parameters", "Attributes"])
    def test_shared_words(self, cls, section):
        shared = self.entries(BaseDeepDetector, section)
        own = self.entries(cls, section)
        assert len(shared) >= 9
        for name, (kind, words) in shared.items():
            assert own[name][1] == words, name
            assert re.sub("default=.*", "", own[name][0]) == re.sub(
                "default=.*", "", kind
            ), name

    @every_detector
    def test_words_of_common_attributes(self, cls):
        shared = self.entries(BaseDeepDetector, "Attributes")
        own = self.entries(cls, "Attributes")
        common = {"offset_", "n_features_in_", "feature_names_in_"}
        assert common <= set(own)
        for name in common:
            assert own[name] == shared[name]

    def test_contamination_is_described_in_the_base_of_all(self):
        assert (
            self.entries(BaseDetector, "Parameters")["contamination"]
            == self.entries(BaseDeepDetector, "Parameters")["contamination"]
        )

    @pytest.mark.parametrize("section", ["Parameters", "Attributes"])
    def test_words_of_all_that_have_a_module(self, section):
        shared = self.entries(BaseTorchDetector, section)
        for cls in (c for c in CLASSES if issubclass(c, BaseTorchDetector)):
            own = self.entries(cls, section)
            for name in shared if cls not in DEEP else shared.keys() - {"novelty"}:
                assert own[name] == shared[name], name

    @pytest.mark.parametrize("cls", [*CLASSES, BaseDeepDetector, BaseTorchDetector])
    def test_every_parameter_with_its_default(self, cls):
        described = self.entries(cls, "Parameters")
        signature = inspect.signature(cls).parameters
        assert list(described) == list(signature)
        for name, parameter in signature.items():
            if parameter.default is not inspect.Parameter.empty:
                default = described[name][0].split("default=")[1]
                assert eval(default) == parameter.default, name

    @every_detector
    def test_parameters_have_constraints(self, cls):
        assert set(inspect.signature(cls).parameters) == set(cls._parameter_constraints)
