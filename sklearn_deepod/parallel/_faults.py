"""What is wrong with rows or files that are read, and what becomes of it."""

from sklearn_deepod.utils._warnings import warn

# Faults that are kept word for word; more than these are only counted.
MESSAGES_KEPT = 100


class Faults:
    """Raises what is wrong with the data, or leaves the rows out and counts them.

    Parameters
    ----------
    on_error : {"raise", "skip"}
        What to do.

    Attributes
    ----------
    n_rows : int
        Rows left out, of files that could not be opened none.
    n_files : int
        Files left out as a whole.
    messages : list of str
        What was wrong, `MESSAGES_KEPT` at most.
    """

    def __init__(self, on_error):
        self.skips = on_error == "skip"
        self.n_rows = 0
        self.n_files = 0
        self.messages = []

    def found(self, message, *, n_rows=0, n_files=0, error=None):
        """Raise a fault, or count what is left out.

        Parameters
        ----------
        message : str
            What is wrong, where, and what to do.
        n_rows : int, default=0
            Number of rows that are left out.
        n_files : int, default=0
            Number of files that are left out.
        error : Exception, default=None
            The cause.
        """
        if not self.skips:
            raise ValueError(
                f"{message.rstrip('. ')}. on_error='skip' leaves such rows out."
            ) from error
        self.n_rows += n_rows
        self.n_files += n_files
        if len(self.messages) < MESSAGES_KEPT:
            self.messages.append(message)

    def warn(self):
        """Say at the user's line what was left out, if anything was."""
        if self.n_rows or self.n_files:
            warn(
                f"Left out {self.n_rows:,} row(s) and {self.n_files} whole file(s). "
                f"First: {self.messages[0]}"
            )
