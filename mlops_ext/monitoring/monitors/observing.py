"""Observing: batches of rows go into windows, each batch once, however often it is sent and whoever sends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from mlops_ext.durations import duration_of
from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.monitors.parts import fold
from mlops_ext.monitoring.monitors.service import find
from mlops_ext.monitoring.monitors.spans import span_of
from mlops_ext.monitoring.monitors.tables import monitor_windows, monitors, observed_batches, observed_parts
from mlops_ext.monitoring.monitors.types import Observe, Observed
from mlops_ext.operations import operation
from mlops_ext.records import new_id
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["new_window", "observe"]

_NOT_FINITE = ("NaN", "Infinity", "-Infinity")


@operation("monitors.observe", "POST /monitors/{monitor}/observe", telemetry=True)
def observe(ws: Workspace, request: Observe) -> Observed:
    """Count a batch of rows into the window of a stream; it is durable when this returns.

    A batch that was sent before changes nothing. One whose window is judged already is counted as late and not kept.
    """
    row = find(ws, request.monitor)
    if row.data or row.predictions:
        watched = f"the dataset {row.data}" if row.data else f"predictions of {row.model}"
        raise InvalidValue(f"the monitor {row.name!r} watches {watched}", hint="Make one without data for a stream")
    content, rows = _content(ws, request, row)
    batch = request.batch or new_id()
    part = new_id()
    done = ws.catalog.measure(
        lambda change: _enter(change, request.model_copy(update={"batch": batch}), part, content, rows), serial=True
    )
    if done.new and done.kept:
        fold(ws, row, done.window)
    return done


def _content(ws: Workspace, request: Observe, row: Row[Any]) -> tuple[str, int]:
    """Give the blob of a batch and its rows; what came as records is written as a blob."""
    from mlops_ext.monitoring.monitors.states import Rows, read_part, rows_of

    if bool(request.rows) == (request.content is not None):
        given = "both" if request.rows else "neither"
        raise InvalidValue(f"a batch of {given} rows and content", hint="Give the rows, or the blob that holds them")
    if request.content is None:
        names = dict.fromkeys(name for each in request.rows for name in each)
        columns = {name: _values([each.get(name) for each in request.rows]) for name in names}
        table = rows_of(columns, row.columns)
        return ws.put_blob(Rows(table).pack()), table.num_rows
    held = read_part(ws.blob_path(request.content))
    if not isinstance(held, Rows):
        raise InvalidValue("the content of the batch is a sketch", hint="Give the rows themselves")
    kept = rows_of(held.table, row.columns)
    if kept.column_names == held.table.column_names:
        return request.content, kept.num_rows
    return ws.put_blob(Rows(kept).pack()), kept.num_rows


def _values(values: list[Any]) -> list[Any]:
    """Read NaN and infinities among numbers, which JSON has as text."""
    others = [each for each in values if each is not None and each not in _NOT_FINITE]
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in others):
        return values
    return [float(each) if each in _NOT_FINITE else each for each in values]


def _enter(change: Change, request: Observe, part: str, content: str, rows: int) -> Observed:
    """Count a batch, unless it is there already. Writers pass one by one, so the looks are safe."""
    row = change.execute(select(monitors).where(monitors.c.name == request.monitor)).one()
    batches = observed_batches.c
    same = (batches.monitor == row.name) & (batches.batch == request.batch)
    held = change.execute(select(observed_batches).where(same)).one_or_none()
    if held is not None:
        window_rows = _rows_of(change, row.name, held.window)
        about = {"window": held.window, "rows": held.rows, "kept": held.kept, "window_rows": window_rows}
        return Observed(monitor=row.name, batch=request.batch, new=False, **about)
    if row.paused:
        return Observed(
            monitor=row.name, batch=request.batch, window="", rows=rows, window_rows=0, new=False, kept=False
        )
    window = _window(change, row, request.at or change.now)
    kept = window.state == "open"
    total = window.rows + rows if kept else window.rows
    values: dict[str, Any] = {"rows": total} if kept else {"late_rows": window.late_rows + rows}
    count = span_of(row.options["window"]).rows
    if kept and count and total >= count:
        values["closes_at"] = change.now
    here = (monitor_windows.c.monitor == row.name) & (monitor_windows.c.window == window.window)
    change.execute(update(monitor_windows).where(here).values(**values))
    entry = {"monitor": row.name, "window": window.window, "rows": rows}
    change.execute(insert(observed_batches).values(**entry, batch=request.batch, kept=kept, observed_at=change.now))
    if kept:
        change.execute(insert(observed_parts).values(**entry, id=part, level=0, content=content))
        change.name_blobs(f"observed:{part}", [content])
    return Observed(
        monitor=row.name,
        batch=request.batch,
        window=window.window,
        rows=rows,
        window_rows=total,
        new=True,
        kept=kept,
    )


def _window(change: Change, row: Row[Any], moment: datetime) -> Row[Any]:
    """Give the window that a moment lies in, or of so many rows the newest one with room; made if there is none."""
    span = span_of(row.options["window"])
    table = monitor_windows.c
    if span.rows is None:
        name, end = span.at(moment)
        closes: datetime | None = end + duration_of(row.options["grace"], "grace")
    else:
        mine = table.monitor == row.name
        open_ = mine & (table.state == "open") & table.closes_at.is_(None)
        newest = change.execute(select(monitor_windows).where(open_)).first()
        if newest is not None:
            return newest
        made = change.execute(select(func.count()).select_from(monitor_windows).where(mine)).scalar_one()
        name, closes = f"{made + 1:06d}", None
    here = (table.monitor == row.name) & (table.window == name)
    held = change.execute(select(monitor_windows).where(here)).one_or_none()
    if held is None:
        change.execute(insert(monitor_windows).values(**new_window(row.name, name), closes_at=closes))
        held = change.execute(select(monitor_windows).where(here)).one()
    return held


def new_window(monitor: str, window: str) -> dict[str, Any]:
    """Give the values of a window of which nothing is known yet."""
    about = {"monitor": monitor, "window": window, "id": new_id(), "state": "open", "rows": 0, "late_rows": 0}
    found = {"status": "", "drifted": [], "report": "", "alert": "", "alert_due": False, "error": ""}
    return {**about, **found, "exact": True, "claim": "", "lease_until": None, "level": None, "judged_at": None}


def _rows_of(change: Change, monitor: str, window: str) -> int:
    here = (monitor_windows.c.monitor == monitor) & (monitor_windows.c.window == window)
    return int(change.execute(select(monitor_windows.c.rows).where(here)).scalar() or 0)
