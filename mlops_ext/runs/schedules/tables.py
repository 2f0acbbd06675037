"""The tables of what starts by itself: schedules, the instants they fired for, heartbeats, webhooks' messages."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, String, Table, Text

from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["schedule_firings", "scheduler_beats", "schedules", "webhook_deliveries"]

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("notebook", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("tz", String(80), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("options", Json, nullable=False),
    Column("declared_in", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    # What is before this moment has been dealt with.
    Column("since", Utc, nullable=False),
    Column("next_at", Utc),
    Column("last", Utc),
    Column("last_job", String(32), nullable=False),
    Column("error", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_schedules_next_at", "next_at"),
)

schedule_firings = Table(
    "schedule_firings",
    metadata,
    Column("schedule", String(250), primary_key=True),
    Column("instant", Utc, primary_key=True),
    Column("job", String(32), nullable=False),
    Column("error", Text, nullable=False),
)

scheduler_beats = Table(
    "scheduler_beats",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("before", Utc),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("webhook", String(250), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("received_at", Utc, nullable=False),
)
