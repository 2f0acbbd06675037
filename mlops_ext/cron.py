"""Cron expressions in a time zone: when a schedule fires, both changes of daylight saving time included.

cronsim reads them as Debian's cron does. A fixed hour that a spring change leaves out fires once, right after the
gap; one that an autumn change repeats fires once, the first time. A wildcard hour follows the clock of the world.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from mlops_ext.errors import InvalidValue, did_you_mean

__all__ = ["check_cron", "fires", "latest", "local", "next_fires", "zone"]

_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_WINDOWS = tuple(timedelta(days=days) for days in (1 / 24, 1, 40, 400))


def check_cron(cron: str, time_zone: str) -> None:
    """Refuse what is no cron expression, never fires, or is no time zone.

    Raises
    ------
    InvalidValue
        With the faulty field, or the nearest zone.
    """
    zone(time_zone)
    if len(_expression(cron).split()) != 5:
        raise InvalidValue(
            f"the cron expression {cron!r} has {len(cron.split())} fields",
            hint="Write minute hour day month weekday, such as '0 6 * * 1-5', or @daily",
        )
    if not next_fires(cron, time_zone, datetime.now(timezone.utc), 1):
        raise InvalidValue(f"the cron expression {cron!r} never fires", hint="Look at its day and month")


def zone(name: str) -> ZoneInfo:
    """Give a time zone by its IANA name.

    Raises
    ------
    InvalidValue
        There is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = did_you_mean(name, available_timezones())
        hint = near if near.startswith("Did") else "Write a name such as Europe/Berlin, or UTC"
        raise InvalidValue(f"no time zone {name!r}", hint=hint) from error


def fires(cron: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    """Give the instants strictly after a moment, in UTC, each once.

    Examples
    --------
    >>> spring = datetime(2026, 3, 28, 12, tzinfo=timezone.utc)
    >>> [each.isoformat() for each in islice(fires("30 2 * * *", "Europe/Berlin", spring), 2)]
    ['2026-03-29T01:00:00+00:00', '2026-03-30T00:30:00+00:00']
    """
    place = zone(time_zone)
    # cronsim treats UTC apart, and by identity.
    begin = after.astimezone(timezone.utc if place.key == "UTC" else place)
    try:
        upcoming = CronSim(_expression(cron), begin)
    except CronSimError as error:
        raise InvalidValue(
            f"the cron expression {cron!r} is wrong: {str(error).lower()}", hint="Such as '0 6 * * 1-5', or @daily"
        ) from error
    last = after
    for instant in upcoming:
        found = instant.astimezone(timezone.utc)
        # Fixed hours are counted on the wall clock, which an autumn change sets back behind the beginning.
        if found > last:
            last = found
            yield found


def next_fires(cron: str, time_zone: str, after: datetime, count: int = 5) -> tuple[datetime, ...]:
    """Give the next instants after a moment, in UTC."""
    return tuple(islice(fires(cron, time_zone, after), count))


def latest(cron: str, time_zone: str, after: datetime, until: datetime, count: int) -> tuple[datetime, ...]:
    """Give the last instants after one moment and not after another, oldest first, at most `count`.

    However long the time between is, the cost is that of the answer: it is looked for backwards in growing windows.
    """
    found: deque[datetime] = deque(maxlen=count)
    for window in (*_WINDOWS, None):
        begin = after if window is None else max(after, until - window)
        found.clear()
        for instant in fires(cron, time_zone, begin):
            if instant > until:
                break
            found.append(instant)
        if len(found) == count or begin == after:
            break
    return tuple(found)


def local(instant: datetime, time_zone: str) -> str:
    """Write an instant as the clocks of a zone show it, with their offset.

    Examples
    --------
    >>> local(datetime(2026, 3, 29, 1, tzinfo=timezone.utc), "Europe/Berlin")
    '2026-03-29T03:00:00+02:00'
    """
    return instant.astimezone(zone(time_zone)).isoformat()


def _expression(cron: str) -> str:
    return _NAMED.get(cron.strip().lower(), cron.strip())
