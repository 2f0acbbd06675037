"""The tables of datasets: a name with its last number, one row a version, and what may change of both."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from mlops_ext.store.curation import Line
from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["DATASETS", "dataset_aliases", "dataset_checks", "dataset_tags", "dataset_versions", "datasets"]

datasets = Table(
    "datasets",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("description", Text, nullable=False),
    # The newest active version, 0 when there is none; and the highest number ever given, since none is given twice.
    Column("latest", Integer, nullable=False),
    Column("highest", Integer, server_default="0", nullable=False),
    Column("state", String(10), server_default="active", nullable=False),
    # What its versions are held to, by columns; none when empty.
    Column("expectations", Json, server_default="{}", nullable=False),
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
    Column("state", String(10), server_default="active", nullable=False),
    # When gc took its bytes: the row stays, so that its number is never given again.
    Column("removed_at", Utc),
    # Whether it met the expectations: empty until checked, passed or failed.
    Column("checked", String(10), server_default="", nullable=False),
    Column("primary_key", Json, server_default="[]", nullable=False),
    Column("by_reference", Boolean, server_default=false(), nullable=False),
    Column("origin", Json, server_default="{}", nullable=False),
    Column("run", String(80), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_dataset_versions_name_digest", "name", "digest"),
)

# Version 0 is the dataset itself.
dataset_tags = Table(
    "dataset_tags",
    metadata,
    Column("name", String(250), ForeignKey("datasets.name"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_dataset_tags_key", "key"),
)

dataset_aliases = Table(
    "dataset_aliases",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("alias", String(250), primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["name", "version"], ["dataset_versions.name", "dataset_versions.version"]),
    Index("ix_dataset_aliases_alias", "alias"),
)

# The newest answer of each version's expectations.
dataset_checks = Table(
    "dataset_checks",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("result", Json, nullable=False),
    Column("checked_at", Utc, nullable=False),
    Column("checked_by", Text, nullable=False),
    ForeignKeyConstraint(["name", "version"], ["dataset_versions.name", "dataset_versions.version"]),
)

DATASETS = Line(
    kind="dataset",
    things=datasets,
    versions=dataset_versions,
    tags=dataset_tags,
    aliases=dataset_aliases,
    key="name",
    of="name",
)
