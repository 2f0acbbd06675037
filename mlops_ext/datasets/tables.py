"""The tables of datasets: a name with its last number, and one row a version."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false

from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["dataset_versions", "datasets"]

datasets = Table(
    "datasets",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("description", Text, nullable=False),
    Column("latest", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("name", String(250), ForeignKey("datasets.name"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(80), nullable=False),
    Column("representation", String(80), nullable=False),
    Column("manifest", String(80), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("columns", Json, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Column("primary_key", Json, server_default="[]", nullable=False),
    Column("by_reference", Boolean, server_default=false(), nullable=False),
    Column("origin", Json, server_default="{}", nullable=False),
    Column("run", String(80), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_dataset_versions_name_digest", "name", "digest"),
)
