"""The tables of pipelines: their runs, the steps of these, and what steps gave, for whoever asks for the same again."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["pipeline_runs", "pipeline_steps", "step_results"]

pipeline_runs = Table(
    "pipeline_runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("pipeline", String(250), nullable=False),
    Column("status", String(20), nullable=False),
    Column("error", Text, nullable=False),
    Column("cache", Boolean, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("ended_at", Utc),
    Index("ix_pipeline_runs_status_id", "status", "id"),
)

pipeline_steps = Table(
    "pipeline_steps",
    metadata,
    Column("pipeline_run", String(32), ForeignKey("pipeline_runs.id"), primary_key=True),
    Column("name", String(250), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("plan", Json, nullable=False),
    Column("after", Json, nullable=False),
    Column("key", String(80), nullable=False),
    Column("job", String(32), nullable=False),
    # The run whose results serve again; empty for a step that is run.
    Column("reused", String(32), nullable=False),
    Column("error", Text, nullable=False),
)

step_results = Table(
    "step_results",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("run", String(32), primary_key=True),
    Column("pipeline", String(250), nullable=False),
    Column("step", String(250), nullable=False),
    Column("inputs", Json, nullable=False),
    Column("outputs", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    Index("ix_step_results_pipeline_step_created_at", "pipeline", "step", "created_at"),
)
