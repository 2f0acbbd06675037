"""The registry's tables. Content never changes; pointers, tags, descriptions, names and states do."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, String, Table, Text, false

from mlops_ext.store.schema import Json, Real, Utc, metadata

__all__ = [
    "aliases",
    "approvals",
    "deployments",
    "environment_locks",
    "imported",
    "model_links",
    "model_metrics",
    "model_parameters",
    "model_reproductions",
    "model_tags",
    "model_versions",
    "models",
    "policies",
    "promotions",
]

models = Table(
    "models",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    # The newest active version, 0 when there is none; and the highest number ever given, since none is given twice.
    Column("latest", Integer, nullable=False),
    Column("highest", Integer, nullable=False, server_default="0"),
    Column("state", String(10), nullable=False, server_default="active"),
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
    Column("state", String(10), nullable=False, server_default="active"),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_model_versions_created_at_model_id_version", "created_at", "model_id", "version"),
    Index("ix_model_versions_model_id_created_at_version", "model_id", "created_at", "version"),
    Index("ix_model_versions_model_id_digest", "model_id", "digest"),
)

# Metrics, parameters and tags stand in rows of their own, so that a search can use an index.
model_metrics = Table(
    "model_metrics",
    metadata,
    Column("model_id", String(32), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key", String(250), primary_key=True),
    Column("value", Real),
    ForeignKeyConstraint(["model_id", "version"], ["model_versions.model_id", "model_versions.version"]),
    Index("ix_model_metrics_key_value", "key", "value"),
)

model_parameters = Table(
    "model_parameters",
    metadata,
    Column("model_id", String(32), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    ForeignKeyConstraint(["model_id", "version"], ["model_versions.model_id", "model_versions.version"]),
)

# Version 0 is the model itself.
model_tags = Table(
    "model_tags",
    metadata,
    Column("model_id", String(32), ForeignKey("models.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_model_tags_key", "key"),
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

model_reproductions = Table(
    "model_reproductions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("model_id", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("run", String(32), nullable=False),
    Column("record", String(80), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    ForeignKeyConstraint(["model_id", "version"], ["model_versions.model_id", "model_versions.version"]),
    Index("ix_model_reproductions_model_id_version", "model_id", "version"),
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
    # What decided it; a rollback, and what older releases wrote, has none.
    Column("promotion", String(32), nullable=False, server_default=""),
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

promotions = Table(
    "promotions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("model_id", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("environment", String(250), nullable=False),
    Column("state", String(20), nullable=False),
    Column("policy_digest", String(80), nullable=False),
    Column("champion", Integer),
    Column("gates", Json, nullable=False),
    Column("approvals_needed", Integer, nullable=False, server_default="0"),
    Column("comment", Text, nullable=False),
    Column("error", Text, nullable=False),
    # Break-glass: the reason given, and the review that it owes.
    Column("broken_glass", Boolean, nullable=False, server_default=false()),
    Column("reviewed_at", Utc),
    Column("reviewed_by", Text, nullable=False),
    Column("review", Text, nullable=False),
    Column("expires_at", Utc),
    Column("requested_at", Utc, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("auth", String(20), nullable=False),
    # Which process evaluates, until when it must give a sign of life, and how many have tried.
    Column("evaluator", String(32), nullable=False, server_default=""),
    Column("lease_until", Utc),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("ended_at", Utc),
    ForeignKeyConstraint(["model_id", "version"], ["model_versions.model_id", "model_versions.version"]),
    Index("ix_promotions_state_id", "state", "id"),
    Index("ix_promotions_model_id_id", "model_id", "id"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("promotion", String(32), ForeignKey("promotions.id"), primary_key=True),
    Column("by", String(250), primary_key=True),
    Column("decision", String(10), nullable=False),
    Column("auth", String(20), nullable=False),
    Column("comment", Text, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("policy_digest", String(80), nullable=False),
    Column("at", Utc, nullable=False),
)

# What came over from another registry, so that it comes over once.
imported = Table(
    "imported",
    metadata,
    Column("source", String(250), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("source_id", String(400), primary_key=True),
    Column("subject", String(400), nullable=False),
    Column("imported_at", Utc, nullable=False),
)
