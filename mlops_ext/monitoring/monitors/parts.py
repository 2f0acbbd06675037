"""The parts of a window: many small ones are folded into few, so that neither files nor memory grow with batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, func, insert, select

from mlops_ext.monitoring.monitors.profiles import treatment
from mlops_ext.monitoring.monitors.tables import monitor_windows, observed_parts
from mlops_ext.records import new_id
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import blob_owners
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.monitoring.monitors.states import Rows, Tallies

__all__ = ["FOLD", "drop_parts", "fold", "whole"]

FOLD = 32
"""So many parts of one level become one of the next: a row is rewritten once a level, not once a batch."""


def fold(ws: Workspace, monitor: Row[Any], window: str) -> int:
    """Fold the parts of a window while enough of one level lie there; give how many parts that took away.

    Of two who fold at once one finds its parts gone, and leaves them.
    """
    taken = 0
    while True:
        level, exact = _due(ws, monitor, window)
        if level is None:
            return taken
        chosen = _of_level(ws, monitor.name, window, level)
        if len(chosen) < FOLD:
            return taken
        content = ws.put_blob(_joined(ws, monitor, chosen, exact=exact).pack())
        made = {
            "id": new_id(), "monitor": monitor.name, "window": window, "level": level + 1,
            "rows": sum(part.rows for part in chosen), "content": content,
        }  # fmt: skip
        if not ws.catalog.measure(_replace(chosen, made), serial=True):
            return taken
        taken += len(chosen) - 1


def whole(ws: Workspace, monitor: Row[Any], window: str, *, exact: bool) -> Rows | Tallies:
    """Join all parts of a window, in the order in which they came."""
    columns = observed_parts.c
    with ws.catalog.read() as connection:
        here = (columns.monitor == monitor.name) & (columns.window == window)
        parts = connection.execute(select(observed_parts).where(here).order_by(columns.id)).all()
    return _joined(ws, monitor, parts, exact=exact)


def drop_parts(change: Change, monitor: str, window: str) -> list[str]:
    """Let go of the parts of a window that is judged; give the digests that they had."""
    columns = observed_parts.c
    here = (columns.monitor == monitor) & (columns.window == window)
    parts = change.execute(select(columns.id, columns.content).where(here)).all()
    for part in parts:
        change.execute(delete(blob_owners).where(blob_owners.c.owner == f"observed:{part.id}"))
    if parts:
        change.execute(delete(observed_parts).where(here))
    return sorted(part.content for part in parts)


def _joined(ws: Workspace, monitor: Row[Any], parts: Sequence[Row[Any]], *, exact: bool) -> Rows | Tallies:
    from mlops_ext.monitoring.monitors.states import joined, read_part

    def read() -> Iterator[Rows | Tallies]:
        for part in parts:
            yield read_part(ws.blob_path(part.content))

    return joined(read(), *treatment(ws, monitor), exact=exact)


def _due(ws: Workspace, monitor: Row[Any], window: str) -> tuple[int | None, bool]:
    """Give a level that has enough parts, and whether the window is small enough to be kept whole."""
    columns = observed_parts.c
    here = (columns.monitor == monitor.name) & (columns.window == window)
    many = select(columns.level).where(here).group_by(columns.level).having(func.count() >= FOLD)
    about = (monitor_windows.c.monitor == monitor.name) & (monitor_windows.c.window == window)
    with ws.catalog.read() as connection:
        level = connection.execute(many.order_by(columns.level).limit(1)).scalar()
        rows = connection.execute(select(monitor_windows.c.rows).where(about)).scalar() if level is not None else 0
    return level, (rows or 0) <= monitor.options["exact_rows"]


def _of_level(ws: Workspace, monitor: str, window: str, level: int) -> list[Row[Any]]:
    columns = observed_parts.c
    here = (columns.monitor == monitor) & (columns.window == window) & (columns.level == level)
    with ws.catalog.read() as connection:
        return list(connection.execute(select(observed_parts).where(here).order_by(columns.id).limit(FOLD)).all())


def _replace(old: Sequence[Row[Any]], made: dict[str, Any]) -> Any:
    names = [part.id for part in old]

    def write(change: Change) -> bool:
        columns = observed_parts.c
        held = select(func.count()).select_from(observed_parts).where(columns.id.in_(names))
        if change.execute(held).scalar_one() < len(names):
            return False
        change.execute(delete(observed_parts).where(columns.id.in_(names)))
        change.execute(delete(blob_owners).where(blob_owners.c.owner.in_([f"observed:{name}" for name in names])))
        change.execute(insert(observed_parts).values(**made))
        change.name_blobs(f"observed:{made['id']}", [made["content"]])
        return True

    return write
