"""The tables of monitoring: reports and logged batches of predictions and labels."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, String, Table, Text

from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["logged_batches", "reports"]

reports = Table(
    "reports",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("model", String(280), nullable=False),
    Column("model_name", String(250), nullable=False),
    Column("reference", String(280), nullable=False),
    Column("current", String(280), nullable=False),
    Column("window", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("rows", Json, nullable=False),
    Column("verdict", Json),
    Column("metrics", Json, nullable=False),
    Column("label_coverage", Float(53)),
    Column("details", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_reports_model_name_id", "model_name", "id"),
    Index("ix_reports_kind_id", "kind", "id"),
)

logged_batches = Table(
    "logged_batches",
    metadata,
    Column("model", String(280), primary_key=True),
    Column("kind", String(12), primary_key=True),
    Column("batch", String(80), primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("model_name", String(250), nullable=False),
    Column("window", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("logged_at", Utc, nullable=False),
    Column("logged_by", Text, nullable=False),
    Index("ix_logged_batches_model_name_kind_id", "model_name", "kind", "id"),
)
