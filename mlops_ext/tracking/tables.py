"""The tables of experiments and runs; metric points are many, so the latest of each metric also stands apart."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from mlops_ext.store.schema import Json, Real, Utc, metadata

__all__ = [
    "experiment_tags",
    "experiments",
    "run_artifacts",
    "run_datasets",
    "run_latest_metrics",
    "run_links",
    "run_metrics",
    "run_parameters",
    "run_tags",
    "runs",
]

experiments = Table(
    "experiments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(250), nullable=False, unique=True),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("deleted_at", Utc),
    Index("ix_experiments_updated_at_id", "updated_at", "id"),
)

experiment_tags = Table(
    "experiment_tags",
    metadata,
    Column("experiment", String(32), ForeignKey("experiments.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("experiment", String(32), ForeignKey("experiments.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("error", Text, nullable=False),
    Column("notebook", Text, nullable=False),
    Column("source", String(80)),
    Column("output", String(80)),
    Column("cells", Json, nullable=False),
    Column("git_commit", String(64), nullable=False),
    Column("parent", String(32), nullable=False),
    Column("job", String(80), nullable=False),
    Column("parameters", Integer, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("seen_at", Utc, nullable=False),
    Column("lease_seconds", Float, nullable=False),
    Column("lease_until", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("deleted_at", Utc),
    Index("ix_runs_started_at_id", "started_at", "id"),
    Index("ix_runs_experiment_started_at_id", "experiment", "started_at", "id"),
    Index("ix_runs_status_lease_until", "status", "lease_until"),
    Index("ix_runs_parent", "parent"),
)

run_parameters = Table(
    "run_parameters",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("name", String(250), primary_key=True),
    Column("value", Text, nullable=False),
)

run_metrics = Table(
    "run_metrics",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Utc, primary_key=True),
    Column("rank", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Real),
)
# `rank` sorts as the value does and tells NaN apart, which no database compares: see metrics.rank

run_latest_metrics = Table(
    "run_latest_metrics",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("step", BigInteger, nullable=False),
    Column("at", Utc, nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("value", Real),
)

run_tags = Table(
    "run_tags",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
)

run_links = Table(
    "run_links",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("direction", String(6), primary_key=True),
    Column("ref", String(400), primary_key=True),
    Column("number", Integer, nullable=False),
    Index("ix_run_links_ref", "ref"),
)

# What MLflow calls dataset inputs: data that was described, not kept; our own dataset versions are links.
run_datasets = Table(
    "run_datasets",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("name", String(500), primary_key=True),
    Column("digest", String(80), primary_key=True),
    Column("context", Text, nullable=False),
    Column("source_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("columns", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Index("ix_run_datasets_name_digest", "name", "digest"),
)

run_artifacts = Table(
    "run_artifacts",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("path", String(400), primary_key=True),
    Column("digest", String(80), nullable=False),
    Column("size", BigInteger, nullable=False),
)
