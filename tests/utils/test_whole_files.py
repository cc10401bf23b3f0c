"""Files that are there as a whole or not at all."""

import contextlib
import errno

import pytest

from sklearn_deepod.utils._whole_files import replaced


def test_no_half_file_after_an_error(tmp_path):
    path = tmp_path / "state"
    with replaced(path) as file:
        file.write(b"whole")
    with contextlib.suppress(KeyboardInterrupt), replaced(path) as file:
        file.write(b"ha")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    (tmp_path / ".state").write_bytes(b"half of something longer")
    with replaced(tmp_path / "state") as file:
        file.write(b"whole")
    assert (tmp_path / "state").read_bytes() == b"whole"
    assert len(list(tmp_path.iterdir())) == 1


def test_full_disk(tmp_path):
    full = OSError(errno.ENOSPC, "No space left on device")
    message = "disk is full.*make room.*state"
    with pytest.raises(OSError, match=message) as raised, replaced(tmp_path / "state"):
        raise full
    assert raised.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())
