"""The registry's tables. Nothing is ever updated but pointers: a model's newest number and where an alias points."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, String, Table, Text

from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["aliases", "deployments", "environment_locks", "model_links", "model_versions", "models", "policies"]

models = Table(
    "models",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("latest", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
)

environment_locks = Table(
    "environment_locks",
    metadata,
    Column("digest", String(80), primary_key=True),
    Column("lock", Json, nullable=False),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("model_id", String(32), ForeignKey("models.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(80), nullable=False),
    Column("flavor", String(80), nullable=False),
    Column("run", Text, nullable=False),
    Column("lock_digest", String(80), ForeignKey("environment_locks.digest")),
    Column("details", Json, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_model_versions_model_id_digest", "model_id", "digest"),
)

model_links = Table(
    "model_links",
    metadata,
    Column("model_id", String(32), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("run", String(250), primary_key=True),
    Column("created_at", Utc, nullable=False),
    ForeignKeyConstraint(["model_id", "version"], ["model_versions.model_id", "model_versions.version"]),
)

aliases = Table(
    "aliases",
    metadata,
    Column("model_id", String(32), primary_key=True),
    Column("alias", String(250), primary_key=True),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["model_id", "version"], ["model_versions.model_id", "model_versions.version"]),
    Index("ix_aliases_alias", "alias"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("model_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("environment", String(250), nullable=False),
    Column("version", Integer, nullable=False),
    Column("previous", Integer),
    # The entry that a rollback returns to: the one below this one when promotions are a stack.
    Column("below", Integer),
    Column("action", String(10), nullable=False),
    Column("comment", Text, nullable=False),
    Column("gates", Json, nullable=False),
    Column("policy_digest", String(80), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    ForeignKeyConstraint(["model_id", "version"], ["model_versions.model_id", "model_versions.version"]),
    Index("ix_deployments_model_id_environment_number", "model_id", "environment", "number"),
)

policies = Table(
    "policies",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(80), nullable=False),
    Column("policy", Json, nullable=False),
    Column("applied_at", Utc, nullable=False),
    Column("applied_by", Text, nullable=False),
)
