"""The rules of the point-in-time join, one row after another in plain Python."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from functools import cmp_to_key


def instant(value):
    """Nanoseconds since 1970, naive times as UTC; exact for whole microseconds."""
    if value is None:
        return None
    aware = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value
    delta = aware - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((delta.days * 86_400 + delta.seconds) * 10**6 + delta.microseconds) * 1000


def best(keys, moment, rows, ttl, uses_created):
    """Give the position of the winning row, or None; a row is (keys, event, created, features)."""
    if moment is None or any(key is None for key in keys):
        return None
    winner = None
    for place, (row_keys, event, created, features) in enumerate(rows):
        if row_keys != keys or event is None or event > moment:
            continue
        if ttl is not None and moment - event > ttl:
            continue
        if uses_created and created is not None and created > moment:
            continue
        rank = (event, _key(-math.inf if created is None or not uses_created else created), _content(features))
        if winner is None or rank > winner[0]:
            winner = (rank, place)
    return None if winner is None else winner[1]


def _content(features):
    return tuple(_key(each) for each in features)


def _compare(left, right):
    if left is None or right is None:
        return (left is not None) - (right is not None)
    if isinstance(left, float) and (math.isnan(left) or math.isnan(right)):
        return math.isnan(left) - math.isnan(right)
    return (left > right) - (left < right)


_key = cmp_to_key(_compare)
