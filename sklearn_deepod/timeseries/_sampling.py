"""The sampling interval of time stamps, and the gaps between them."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Share of a step by which it may differ from a multiple of the interval. Clocks of
#: loggers jitter; 23 and 25 hours in a daily series (daylight saving) are within it.
TOLERANCE = 0.05
#: Days between the earliest and the latest day of a month in a monthly series: enough
#: for first or last business days and for the nth weekday of a month.
MONTHLY_RANGE = 7


@dataclass(frozen=True)
class Sampling:
    """How far apart the time stamps of a regular series are.

    Attributes
    ----------
    rule : str
        Key of `_RULES`.
    interval : object
        Distance of two stamps: a timedelta64 or a number, a number of months, or a
        frequency of pandas, depending on the rule.
    kind : str
        The kind of `TimeStamps` that it applies to.
    """

    rule: str
    interval: Any
    kind: str

    def steps(self, stamps):
        """Distances of consecutive stamps in intervals; NaN off the calendar."""
        return _RULES[self.rule](stamps, self.interval)

    def is_perfect(self, stamps):
        """Whether all steps equal the interval exactly, by a test that needs little."""
        if self.rule != "fixed":
            return False
        return bool((np.diff(stamps.values) == self.interval).all())

    def __str__(self):
        if self.rule == "months":
            return f"{self.interval} month" + "s" * (self.interval > 1)
        if self.rule == "business days":
            return "1 business day"
        if isinstance(self.interval, np.timedelta64):
            days = self.interval / np.timedelta64(1, "D")
            return f"{days:g} d" if days >= 1 else f"{days * 86400:g} s"
        return str(getattr(self.interval, "freqstr", self.interval))


def infer_sampling(series):
    """Find the rule with the fewest irregular steps, then the fewest missing stamps.

    Parameters
    ----------
    series : list of TimeStamps
        Increasing stamps, all of one kind.

    Returns
    -------
    Sampling or None
        None if there are no two stamps in one series.
    """
    series = [stamps for stamps in series if len(stamps) > 1]
    best, lowest = None, None
    for sampling in _candidates(series) if series else ():
        costs = [_cost(sampling.steps(stamps)) for stamps in series]
        cost = tuple(np.sum(costs, axis=0))
        if lowest is None or cost < lowest:
            best, lowest = sampling, cost
        if lowest == (0, 0):
            break
    return best


def gaps(stamps, sampling, name):
    """Find the gaps of a series.

    Parameters
    ----------
    stamps : TimeStamps
        Increasing stamps.
    sampling : Sampling or None
        The sampling of the training series; None if it is not known.
    name : str
        Which series it is, for messages.

    Returns
    -------
    at : ndarray of int
        Positions of the last stamps before the gaps.
    n_missing : ndarray of int
        How many stamps are missing in each.

    Raises
    ------
    ValueError
        If the sampling is irregular or is another one.
    """
    nothing = np.empty(0, dtype=int)
    if sampling is None or len(stamps) < 2 or sampling.is_perfect(stamps):
        return nothing, nothing
    steps = sampling.steps(stamps)
    off = _irregular(steps)
    if off.any() or np.median(steps) > 1.5:
        _check_same(stamps, sampling, name)
    if off.any():
        i = np.flatnonzero(off)[0]
        raise ValueError(
            f"The time stamps of {name} are irregular: the step from "
            f"{stamps.at(i)} to {stamps.at(i + 1)} is not a multiple of the "
            f"sampling interval, {sampling}. Resample the series first, such as by "
            f"{stamps.remedy('irregular')}."
        )
    n_missing = np.rint(steps).astype(int) - 1
    at = np.flatnonzero(n_missing)
    return at, n_missing[at]


def _check_same(stamps, sampling, name):
    """Raise if the stamps are regular at another interval."""
    own = infer_sampling([stamps])
    steps = own.steps(stamps)
    is_same = own.rule == sampling.rule and own.interval == sampling.interval
    if is_same or _irregular(steps).any():
        return
    raise ValueError(
        f"{name} has a sampling interval of {own}, but that of the training series is "
        f"{sampling}. Resample it, such as by {stamps.remedy('irregular')}, or fit on "
        "series of one interval."
    )


def _cost(steps):
    """Number of irregular steps, and of stamps that are missing between the others."""
    off = _irregular(steps)
    return off.sum(), int(np.rint(steps[~off]).sum() - (~off).sum())


def _irregular(steps):
    whole = np.rint(steps)
    return ~((np.abs(steps - whole) <= TOLERANCE * steps) & (whole >= 1))


def _candidates(series):
    """Rules in the order in which they are tried."""
    kind = series[0].kind
    usual = _usual([np.diff(stamps.values) for stamps in series])
    fixed = Sampling("fixed", usual, kind)
    if all(map(fixed.is_perfect, series)):
        yield fixed
        return
    days = usual / np.timedelta64(1, "D") if kind == "dates" else 0
    if days > 26:
        months = _usual([np.diff(_months(stamps)) for stamps in series])
        yield Sampling("months", max(1, int(months)), kind)
    yield fixed
    if kind != "dates":
        return
    if all(stamps.local is not None for stamps in series):
        local = _usual([np.diff(stamps.local) for stamps in series])
        yield Sampling("local", local, kind)
    if 0.9 < days < 1.1:
        yield Sampling("business days", 1, kind)
    frequency = _frequency(max(series, key=len))
    if frequency is not None:
        yield Sampling("pandas", frequency, kind)


def _usual(steps):
    """The lower median, which is one of the steps."""
    steps = np.concatenate(steps)
    middle = (len(steps) - 1) // 2
    return np.partition(steps, middle)[middle]


def _fixed_steps(stamps, interval):
    return np.diff(stamps.values) / interval


def _local_steps(stamps, interval):
    return np.diff(stamps.clock) / interval


def _months(stamps):
    return stamps.clock.astype("datetime64[M]").astype(int)


def _month_steps(stamps, interval):
    """Steps in months, if the days are at one place of the month, from either end."""
    clock = stamps.clock
    month = clock.astype("datetime64[M]")
    day = np.timedelta64(1, "D")
    since_start = (clock - month.astype("datetime64[D]")) / day
    till_end = ((month + 1).astype("datetime64[D]") - clock) / day
    steps = np.diff(_months(stamps)) / interval
    if min(np.ptp(since_start), np.ptp(till_end)) > MONTHLY_RANGE:
        return np.full(len(steps), np.nan)
    return steps


def _business_steps(stamps, interval):
    """Steps in days from Monday to Friday."""
    days = stamps.clock.astype("datetime64[D]")
    time = (stamps.clock - days) / np.timedelta64(1, "D")
    steps = np.busday_count(days[:-1], days[1:]) + np.diff(time)
    weekend = ~np.is_busday(days)
    return np.where(weekend[1:] | weekend[:-1], np.nan, steps)


def _pandas_steps(stamps, frequency):
    """Steps on the calendar of a frequency of pandas."""
    import pandas

    index = pandas.DatetimeIndex(stamps.clock)
    calendar = pandas.date_range(index[0], index[-1], freq=frequency)
    found = calendar.get_indexer(index)
    missing = found < 0
    return np.where(missing[1:] | missing[:-1], np.nan, np.diff(found).astype(float))


def _frequency(stamps):
    """The frequency that an index has, or that pandas infers; None without pandas."""
    if stamps.freq is not None:
        return stamps.freq
    try:
        import pandas
    except ImportError:
        return None
    if len(stamps) < 3:  # as infer_freq demands
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas 4 returns an offset, which is fine
        found = pandas.infer_freq(pandas.DatetimeIndex(stamps.clock))
    return None if found is None else pandas.tseries.frequencies.to_offset(found)


_RULES = {
    "fixed": _fixed_steps,
    "local": _local_steps,
    "months": _month_steps,
    "business days": _business_steps,
    "pandas": _pandas_steps,
}
