"""The one MetaData of all tables, the column types that both databases share, and the ground's own tables."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from pydantic_core import from_json
from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

__all__ = ["MIN_READER", "MIN_WRITER", "SCHEMA", "Json", "Real", "Utc", "finite_json", "metadata"]

SCHEMA = 2
"""The schema that this release reads and writes; the newest migration carries the same number."""

MIN_READER = MIN_WRITER = 2
"""The oldest schema numbers whose releases may still read and write a store of this one."""

UTC_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


_written = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class Utc(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond, as text that sorts by time."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else utc_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return datetime.fromisoformat(value.removesuffix("Z") + "+00:00")


class Json(TypeDecorator[Any]):
    """JSON as text, with non-finite numbers as strings, alike in both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None:
            return None
        return _written(finite_json(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else from_json(value)


class Real(TypeDecorator[float]):
    """A float that may be NaN or infinite; SQLite would lose NaN, so NaN is stored as NULL."""

    impl = Float(53)
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:  # noqa: ARG002
        return None if value is None or math.isnan(value) else float(value)

    def process_result_value(self, value: float | None, dialect: Dialect) -> float:  # noqa: ARG002
        return math.nan if value is None else value


@lru_cache(maxsize=1024)
def utc_text(moment: datetime) -> str:
    """Write a moment as `2013-01-31T06:00:00.000000Z`."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {moment.isoformat()}")
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def finite_json(value: Any) -> Any:
    """Put non-finite numbers into JSON as the strings NaN, Infinity and -Infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(key): finite_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite_json(each) for each in value]
    return value


store_info = Table(
    "store_info",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("workspace", String(32), nullable=False),
    Column("hash", String(8), nullable=False),
    Column("schema_number", Integer, nullable=False),
    Column("min_reader", Integer, nullable=False),
    Column("min_writer", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
)

chain_head = Table(
    "chain_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(80), nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("format", Integer, nullable=False),
    Column("time", Utc, nullable=False),
    Column("actor", Text, nullable=False),
    Column("auth", String(20), nullable=False),
    Column("action", String(80), nullable=False),
    Column("subject", Text, nullable=False),
    Column("data_digest", String(80), nullable=False),
    Column("previous", String(80), nullable=False),
    Column("hash", String(80), nullable=False),
    Index("ix_events_subject_seq", "subject", "seq"),
    Index("ix_events_action_seq", "action", "seq"),
)

event_data = Table(
    "event_data",
    metadata,
    Column("seq", BigInteger, ForeignKey("events.seq"), primary_key=True, autoincrement=False),
    Column("data", Text, nullable=False),
)

# What each event names: its subject, inputs and outputs; an index of the data, from which lineage is drawn.
event_refs = Table(
    "event_refs",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    # By code point in both databases, so that the index finds what begins alike.
    Column("ref", String(400).with_variant(String(400, collation="C"), "postgresql"), primary_key=True),
    Column("role", String(8), primary_key=True),
    Index("ix_event_refs_ref_role_seq", "ref", "role", "seq"),
    sqlite_with_rowid=False,
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", String(80), primary_key=True),
    Column("location", String(160), nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("created_at", Utc, nullable=False),
)

blob_owners = Table(
    "blob_owners",
    metadata,
    Column("digest", String(80), ForeignKey("blobs.digest"), primary_key=True),
    Column("owner", String(400), primary_key=True),
    Index("ix_blob_owners_owner", "owner"),
)

blob_intents = Table(
    "blob_intents",
    metadata,
    Column("digest", String(80), ForeignKey("blobs.digest", ondelete="CASCADE"), primary_key=True),
    Column("until", Utc, nullable=False),
)

doomed_blobs = Table(
    "doomed_blobs",
    metadata,
    Column("location", String(160), primary_key=True),
    Column("doomed_at", Utc, nullable=False),
)
