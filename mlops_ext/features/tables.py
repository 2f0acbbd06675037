"""The tables of feature views: a name with its last number, and one row a definition."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text

from mlops_ext.store.schema import Json, Real, Utc, metadata

__all__ = ["feature_view_versions", "feature_views"]

feature_views = Table(
    "feature_views",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("latest", Integer, nullable=False),
)

feature_view_versions = Table(
    "feature_view_versions",
    metadata,
    Column("name", String(250), ForeignKey("feature_views.name"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("dataset", String(400), nullable=False),
    Column("entity", Json, nullable=False),
    Column("time", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("ttl_seconds", Real, nullable=True),
    Column("features", Json, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
)
