"""How many jobs may run at once: in all, of a notebook, with a tag. Whoever claims a job keeps to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Row, Select, select

from mlops_ext.runs.tables import jobs
from mlops_ext.settings import JobLimit, JobSettings
from mlops_ext.workspace import Workspace

__all__ = ["first_allowed", "limited", "why_it_waits"]

Execute = Callable[..., Any]
_ABOUT = (jobs.c.id, jobs.c.notebook, jobs.c.options)


def limited(settings: JobSettings) -> bool:
    """Tell whether there is any limit to keep."""
    return settings.concurrency is not None or bool(settings.limits)


def first_allowed(execute: Execute, settings: JobSettings, queued: Select[Any]) -> str:
    """Give the id of the first queued job that may begin now; empty when none may.

    Parameters
    ----------
    execute : callable
        Of the connection or the change that looks.
    queued : Select
        The rows of `jobs` that are in question, in their order.
    """
    running = _running(execute)
    if settings.concurrency is not None and len(running) >= settings.concurrency:
        return ""
    full = [limit for limit in settings.limits if _count(limit, running) >= limit.jobs]
    for row in execute(queued.with_only_columns(*_ABOUT)):
        if not any(_concerns(limit, row) for limit in full):
            return str(row.id)
    return ""


def why_it_waits(ws: Workspace, job: str) -> str:
    """Say which limit a queued job waits for; empty when it waits for none."""
    settings = ws.settings.runs
    if not limited(settings):
        return ""
    with ws.catalog.read() as connection:
        running = _running(connection.execute)
        row = connection.execute(select(*_ABOUT).where(jobs.c.id == job)).first()
    if row is None:
        return ""
    if settings.concurrency is not None and len(running) >= settings.concurrency:
        return f"{len(running)} jobs run, of {settings.concurrency} that may by [runs] concurrency in mlops.toml"
    for limit in settings.limits:
        count = _count(limit, running)
        if _concerns(limit, row) and count >= limit.jobs:
            of = f"with the tag {limit.tag!r}" if limit.tag else f"of {limit.notebook}"
            return f"{count} jobs {of} run, of {limit.jobs} that may by [[runs.limits]] in mlops.toml"
    return ""


def _running(execute: Execute) -> Sequence[Row[Any]]:
    rows: Sequence[Row[Any]] = execute(select(*_ABOUT).where(jobs.c.status == "running")).all()
    return rows


def _count(limit: JobLimit, rows: Sequence[Row[Any]]) -> int:
    return sum(_concerns(limit, row) for row in rows)


def _concerns(limit: JobLimit, row: Any) -> bool:
    if limit.tag:
        return limit.tag in (row.options or {}).get("tags", ())
    return fnmatchcase(row.notebook, limit.notebook)
