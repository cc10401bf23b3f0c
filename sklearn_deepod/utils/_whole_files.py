"""Files that are there as a whole or not at all."""

import contextlib
import errno
import os


@contextlib.contextmanager
def replaced(path):
    """Write a file that takes its name when it is complete and on the disk.

    It is written beside, with a dot before the name, and renamed at the end. What a
    process that died has left there is overwritten by the next.

    Parameters
    ----------
    path : pathlib.Path
        Where the file will be; one that is there stays until then.

    Yields
    ------
    file
        To write bytes to.

    Raises
    ------
    OSError
        If the disk is full, with what to do.
    """
    partial = path.with_name(f".{path.name}")
    try:
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # a power failure must not find it renamed
        os.replace(partial, path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise OSError(
                errno.ENOSPC,
                "The disk is full. Files that are complete are kept: make room and "
                "call this again, and it goes on",
                str(path),
            ) from error
        raise
