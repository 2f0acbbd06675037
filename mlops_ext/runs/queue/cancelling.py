"""Cancelling jobs inside a transaction: those that wait end at once, those that run are asked to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from mlops_ext.runs.tables import jobs
from mlops_ext.store.catalog import Change

__all__ = ["MOST", "ask"]

MOST = 1000
"""How many jobs one request may name."""


def ask(change: Change, ids: Sequence[str]) -> list[Row[Any]]:
    """Cancel what is queued, and ask what runs to end; the change's event is the caller's.

    Parameters
    ----------
    ids : sequence of str
        What has ended, or was cancelled before, is left as it is.

    Returns
    -------
    list
        The rows of the jobs that were changed, as they were before, in the order of `ids`.
    """
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(ids), MOST):
        these = jobs.c.id.in_(ids[start : start + MOST]) & ~jobs.c.cancel_requested
        rows = change.execute(select(jobs).where(these, jobs.c.status.in_(("queued", "running"))).with_for_update())
        found |= {row.id: row for row in rows}
    wanted = [found[each] for each in dict.fromkeys(ids) if each in found]
    ended = {"status": "cancelled", "ended_at": change.now}
    for status, values in (("queued", ended), ("running", {})):
        asked = [{"of": row.id} for row in wanted if row.status == status]
        if asked:
            this = update(jobs).where(jobs.c.id == bindparam("of"))
            change.execute(this.values(cancel_requested=True, **values), asked)
    return wanted
