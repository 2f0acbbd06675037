"""How long a window of a stream is: a length of time, or a number of rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from mlops_ext.durations import duration_of
from mlops_ext.errors import InvalidValue

__all__ = ["Span", "span_of"]

_MONDAY = datetime(1970, 1, 5, tzinfo=timezone.utc)
_DAY = timedelta(days=1)
_ROWS = re.compile(r"([\d_]+)\s*rows?")


@dataclass(frozen=True)
class Span:
    """Either a length of time or a number of rows."""

    length: timedelta | None = None
    rows: int | None = None

    def at(self, moment: datetime) -> tuple[str, datetime]:
        """Give name and end of the window of time that a moment lies in; windows are counted from a Monday, in UTC.

        Examples
        --------
        >>> Span(timedelta(days=7)).at(datetime(2013, 3, 14, 15, tzinfo=timezone.utc))[0]
        '2013-03-11'
        >>> Span(timedelta(hours=6)).at(datetime(2013, 3, 14, 15, tzinfo=timezone.utc))[0]
        '2013-03-14T12:00Z'
        """
        if self.length is None:
            raise ValueError("a window of so many rows has no end in time")
        start = _MONDAY + (moment - _MONDAY) // self.length * self.length
        whole = self.length % _DAY == timedelta(0)
        timespec = "minutes" if self.length % timedelta(minutes=1) == timedelta(0) else "seconds"
        name = start.date().isoformat() if whole else f"{start.replace(tzinfo=None).isoformat(timespec=timespec)}Z"
        return name, start + self.length


def span_of(text: str) -> Span:
    """Read `1d`, `6h` or `10000 rows`.

    Raises
    ------
    InvalidValue
        It is neither, or shorter than a second or than two rows.
    """
    match = _ROWS.fullmatch(text.strip().lower())
    if match:
        count = int(match[1].replace("_", "") or 0)
        if count < 2:
            raise InvalidValue(f"a window of {text!r} shows no drift", hint="Write it as '10000 rows' or '1d'")
        return Span(rows=count)
    length = duration_of(text, "window")
    if length < timedelta(seconds=1) or length.microseconds:
        raise InvalidValue(f"a window of {text!r} is no whole number of seconds", hint="Write it as '1d' or '6h'")
    return Span(length=length)
