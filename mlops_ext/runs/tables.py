"""The tables of the queue: jobs, their attempts, what these print, and what triggers have fired."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text, false

from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["attempts", "job_output", "jobs", "trigger_cursors", "trigger_firings"]

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("notebook", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("output", Text, nullable=False),
    Column("experiment", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("error", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("timeout_seconds", Float(53)),
    Column("source", String(80), nullable=False),
    Column("trigger", Text, nullable=False),
    Column("options", Json),
    Column("run", String(32), nullable=False),
    Column("cells_done", Integer, nullable=False),
    Column("cells_total", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("started_at", Utc),
    Column("ended_at", Utc),
    Column("created_by", Text, nullable=False),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    # Who holds the job: every write of an attempt carries the fence it was given, and an older one is refused.
    Column("fence", BigInteger, nullable=False),
    Column("host", Text, nullable=False),
    Column("lease_until", Utc),
    Index("ix_jobs_status_priority_created_at", "status", "priority", "created_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("job", String(32), ForeignKey("jobs.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("fence", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
    Column("run", String(32), nullable=False),
    Column("status", String(20), nullable=False),
    Column("error", Text, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
)

# The newest of what a job prints, while it is followed; the executed notebook has it for good.
job_output = Table(
    "job_output",
    metadata,
    Column("job", String(32), ForeignKey("jobs.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("cell", Integer, nullable=False),
    Column("stream", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("written_at", Utc, nullable=False),
    Index("ix_job_output_written_at", "written_at"),
)

trigger_cursors = Table(
    "trigger_cursors",
    metadata,
    Column("trigger", String(80), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

trigger_firings = Table(
    "trigger_firings",
    metadata,
    Column("trigger", String(80), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("job", String(32), nullable=False),
    Column("error", Text, nullable=False),
)
