"""Choice of the device, with and without accelerators."""

import pytest
import torch

from sklearn_deepod._training import resolve_device


@pytest.fixture
def accelerators(monkeypatch):
    """Say which accelerators torch finds."""

    def there(cuda=False, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return there


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [
        (False, False, "cpu"),
        (False, True, "mps"),
        (True, False, "cuda"),
        (True, True, "cuda"),
    ],
)
def test_auto_takes_the_best(accelerators, cuda, mps, expected):
    accelerators(cuda=cuda, mps=mps)
    assert resolve_device("auto") == torch.device(expected)


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_named_device_is_taken(accelerators, device):
    accelerators(cuda=True, mps=True)
    assert resolve_device(device) == torch.device(device)


def test_cpu_is_always_there(accelerators):
    accelerators()
    assert resolve_device("cpu") == torch.device("cpu")
    accelerators(cuda=True)
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps"])
def test_absent_device_raises(accelerators, device):
    accelerators()
    with pytest.raises(ValueError, match=f"'{device}' was asked for.*'auto' or 'cpu'"):
        resolve_device(device)


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x", "CPU"])
def test_unknown_device_raises(device):
    with pytest.raises(ValueError, match="unknown to torch"):
        resolve_device(device)
