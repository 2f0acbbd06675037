"""The table of sweeps; their runs are jobs whose trigger names the sweep."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["sweeps"]

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("notebook", Text, nullable=False),
    Column("folder", Text, nullable=False),
    # The newest job of each point, in the order of the points.
    Column("jobs", Json, nullable=False),
    Column("request", Json, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
)
