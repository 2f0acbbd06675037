"""Metric points: stored once each, the latest of each metric kept apart, and a digest over all that a run measured.

As in MLflow, a point is (key, value, time, step), a repeated point is one point, and the latest is
the one with the highest step, then the latest time, then the highest value. NaN ranks below every
number, so that at one step and moment a number wins.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import String, bindparam, func, insert, select, type_coerce, update

from mlops_ext.store.hashing import canonical_json, new_hash
from mlops_ext.store.prepared import Prepared, among
from mlops_ext.tracking.tables import run_latest_metrics, run_metrics, run_parameters

if TYPE_CHECKING:
    from sqlalchemy import Executable

    from mlops_ext.store.catalog import Change
    from mlops_ext.tracking.types import MetricPoint

__all__ = ["Content", "Point", "Reader", "add_points", "content_of", "counts_of", "latest", "rank"]

_LOWEST = -(2**63) + 1
_PACKED = struct.Struct(">q27sq")

_POINTS, _NEWEST = run_metrics.c, run_latest_metrics.c
# Built once: building a statement costs several times what running it does.
_INSERT, _INSERT_LATEST = Prepared(insert(run_metrics)), Prepared(insert(run_latest_metrics))
_TAKEN = Prepared(
    select(_POINTS.key, _POINTS.step, _POINTS.at, _POINTS.rank).where(
        _POINTS.run == bindparam("run"),
        among([_POINTS.key], "keys"),
        _POINTS.step.between(bindparam("first"), bindparam("last")),
        _POINTS.at.between(bindparam("since"), bindparam("until")),
    )
)
_LATEST = Prepared(select(run_latest_metrics).where(_NEWEST.run == bindparam("run"), among([_NEWEST.key], "keys")))
_MOVE_LATEST = Prepared(
    update(run_latest_metrics).where(_NEWEST.run == bindparam("of_run"), _NEWEST.key == bindparam("of_key"))
)


class Reader(Protocol):
    """A connection or a change under way: anything that runs a statement."""

    def execute(self, statement: Executable, parameters: Any = None, /) -> Any:
        """Run a statement."""


Point = tuple[str, int, datetime, int]
"""Where a point stands: metric, step, time and rank of its value; of one metric the greatest is the latest."""


@dataclass(frozen=True)
class Content:
    """What a run measured: how many parameters and points, and one digest of them."""

    parameters: int
    points: int
    digest: str


def rank(value: float) -> int:
    """Give an integer of 64 bits that sorts as the floats do, NaN first.

    Examples
    --------
    >>> rank(-1.5) < rank(0.0) == rank(-0.0) < rank(1e-300) < rank(float("inf"))
    True
    >>> rank(float("nan")) < rank(float("-inf"))
    True
    """
    if math.isnan(value):
        return _LOWEST
    bits: int = struct.unpack(">q", struct.pack(">d", value + 0.0))[0]
    return bits if bits >= 0 else bits ^ (2**63 - 1)


def latest(points: Iterable[Point]) -> dict[str, Point]:
    """Give the latest point of each metric.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> noon = datetime(2013, 1, 1, 12, tzinfo=timezone.utc)
    >>> latest([("auc", 2, noon, rank(0.7)), ("auc", 1, noon, rank(0.9))])["auc"][1]
    2
    """
    best: dict[str, Point] = {}
    for point in points:
        if point > best.get(point[0], ()):
            best[point[0]] = point
    return best


def add_points(change: Change, run: str, logged: Sequence[MetricPoint]) -> int:
    """Store the points that are new, move the latest ones on, and give how many were new.

    The caller holds the run's row locked, so that nobody else adds points to it meanwhile.
    """
    now = change.now
    values = {(each.key, each.step, each.at or now, rank(each.value)): each.value + 0.0 for each in logged}
    known = _known(change, run, values)
    fresh = [point for point in values if point not in known] if known else list(values)
    if not fresh:
        return 0
    change.execute(_INSERT, [_row(run, point, values[point]) for point in fresh])
    _move_latest(change, run, {point: values[point] for point in latest(fresh).values()})
    return len(fresh)


def counts_of(reader: Reader, run: str) -> tuple[int, int]:
    """Count the parameters and the points of a run."""
    parameters = select(func.count()).select_from(run_parameters).where(run_parameters.c.run == run)
    points = select(func.count()).select_from(run_metrics).where(run_metrics.c.run == run)
    return reader.execute(parameters).scalar_one(), reader.execute(points).scalar_one()


def content_of(reader: Reader, run: str, algorithm: str) -> Content:
    """Hash every parameter and every point of a run.

    The digest is over lines of canonical JSON: `["parameter", name, value]` by name, then `["metric", key,
    count, digest]` by key, whose digest is over the metric's points by step, time and rank, each packed as
    the step (8 bytes, big-endian), the time (27 characters) and the rank (8 bytes).
    """
    hasher, points = new_hash(algorithm), 0
    named = select(run_parameters.c.name, run_parameters.c.value).where(run_parameters.c.run == run)
    # Sorted here: the databases disagree about the order of texts.
    parameters = sorted(tuple(row) for row in reader.execute(named))
    for name, value in parameters:
        hasher.update(canonical_json(["parameter", name, value]) + b"\n")
    for key in _keys(reader, run):
        count, digest = _hash_points(reader, run, key, algorithm)
        hasher.update(canonical_json(["metric", key, count, digest]) + b"\n")
        points += count
    return Content(len(parameters), points, f"{algorithm}:{hasher.hexdigest()}")


def _hash_points(reader: Reader, run: str, key: str, algorithm: str) -> tuple[int, str]:
    """Hash one metric's points; times are read as the texts that they are stored as, which is much faster."""
    columns, hasher, count = run_metrics.c, new_hash(algorithm), 0
    ordered = (
        select(columns.step, type_coerce(columns.at, String), columns.rank)
        .where(columns.run == run, columns.key == key)
        .order_by(columns.step, columns.at, columns.rank)
    )
    for step, at, place in reader.execute(ordered):
        hasher.update(_PACKED.pack(step, at.encode("ascii"), place))
        count += 1
    return count, f"{algorithm}:{hasher.hexdigest()}"


def _keys(reader: Reader, run: str) -> list[str]:
    return sorted(reader.execute(select(run_latest_metrics.c.key).where(run_latest_metrics.c.run == run)).scalars())


def _known(change: Change, run: str, points: Collection[Point]) -> set[Point]:
    """Give those of the points that are taken; asks for the span of times that the points cover."""
    if not points:
        return set()
    keys, steps, times, _ = zip(*points, strict=True)
    span = {"run": run, "first": min(steps), "last": max(steps), "since": min(times), "until": max(times)}
    return {tuple(row) for row in change.execute(_TAKEN, {**span, "keys": [[key] for key in set(keys)]})}


def _move_latest(change: Change, run: str, newest: Mapping[Point, float]) -> None:
    wanted = {"run": run, "keys": [[point[0]] for point in newest]}
    held = {row.key: (row.key, row.step, row.at, row.rank) for row in change.execute(_LATEST, wanted)}
    new = [_row(run, point, value) for point, value in newest.items() if point[0] not in held]
    later = [_row(run, *each) for each in newest.items() if each[0][0] in held and each[0] > held[each[0][0]]]
    if new:
        change.execute(_INSERT_LATEST, new)
    if later:
        change.execute(_MOVE_LATEST, [{"of_run": run, "of_key": row["key"], **row} for row in later])


def _row(run: str, point: Point, value: float) -> dict[str, Any]:
    key, step, at, order = point
    return {"run": run, "key": key, "step": step, "at": at, "rank": order, "value": value}
