"""The classes that users gave to columns."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table, Text

from mlops_ext.store.schema import Utc, metadata

__all__ = ["column_classes"]

column_classes = Table(
    "column_classes",
    metadata,
    Column("dataset", String(250), ForeignKey("datasets.name"), primary_key=True),
    Column("column", Text, primary_key=True),
    Column("class", String(20), nullable=False),
    Column("set_at", Utc, nullable=False),
    Column("set_by", Text, nullable=False),
)
