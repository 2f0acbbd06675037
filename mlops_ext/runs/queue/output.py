"""What jobs print while they run, in the catalog: the newest of it, for the terminal, the notebook and the panel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, delete, func, insert, select

from mlops_ext.records import now
from mlops_ext.runs.execution.live import Piece
from mlops_ext.runs.queue.leases import ENDED, Lease
from mlops_ext.runs.tables import job_output, jobs
from mlops_ext.runs.types import OutputPiece
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["KEPT", "Follower", "forget", "keep", "pieces_after"]

KEPT = 64
"""How many pieces of a job are kept; the oldest go first."""
_KEPT_FOR = timedelta(hours=1)


def keep(ws: Workspace, lease: Lease, pieces: Sequence[Piece]) -> None:
    """Keep what an attempt has put out, while it holds its job."""
    if not pieces:
        return

    def write(change: Change) -> None:
        held = (jobs.c.id == lease.job) & (jobs.c.fence == lease.fence)
        if change.execute(select(jobs.c.id).where(held)).first() is None:
            return
        newest = select(func.max(job_output.c.seq)).where(job_output.c.job == lease.job)
        begin = (change.execute(newest).scalar_one() or 0) + 1
        rows = [
            {"job": lease.job, "seq": seq, "cell": each.cell, "stream": each.stream, "text": each.text}
            for seq, each in enumerate(pieces, begin)
        ]
        change.execute(insert(job_output), [{**row, "written_at": change.now} for row in rows[-KEPT:]])
        old = (job_output.c.job == lease.job) & (job_output.c.seq <= begin + len(pieces) - 1 - KEPT)
        change.execute(delete(job_output).where(old))

    ws.catalog.measure(write)


def pieces_after(connection: Connection, job: str, after: int, limit: int) -> tuple[OutputPiece, ...]:
    """Give the pieces of a job that come after one."""
    later = (job_output.c.job == job) & (job_output.c.seq > after)
    rows = connection.execute(select(job_output).where(later).order_by(job_output.c.seq).limit(limit)).all()
    return tuple(OutputPiece(seq=row.seq, cell=row.cell, stream=row.stream, text=row.text) for row in rows)


def forget(ws: Workspace) -> None:
    """Let go what ended jobs have put out, an hour after it came; their executed notebooks have it."""
    ended = select(jobs.c.id).where(jobs.c.status.in_(ENDED))

    def clear(change: Change) -> None:
        old = job_output.c.written_at < change.now - _KEPT_FOR
        change.execute(delete(job_output).where(old, job_output.c.job.in_(ended)))

    with ws.catalog.read() as connection:
        oldest = connection.execute(select(func.min(job_output.c.written_at))).scalar_one()
    if oldest is not None and oldest < now() - _KEPT_FOR:
        ws.catalog.measure(clear)


class Follower:
    """Gives what a job puts out, each piece once."""

    def __init__(self, ws: Workspace, job: str) -> None:
        self._ws = ws
        self._job = job
        self._after = 0

    def new(self) -> tuple[OutputPiece, ...]:
        """Give the pieces that have come since the last time."""
        with self._ws.catalog.read() as connection:
            found = pieces_after(connection, self._job, self._after, KEPT)
        self._after = found[-1].seq if found else self._after
        return found
