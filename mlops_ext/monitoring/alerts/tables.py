"""The tables of alerts: what was raised, what is muted, and what must still be told."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["alerts", "mutes", "notices"]

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("monitor", Text, nullable=False),
    Column("model", String(280), nullable=False),
    Column("model_name", String(250), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("window", Text, nullable=False),
    Column("windows", Json, nullable=False),
    Column("severity", String(8), nullable=False),
    Column("message", Text, nullable=False),
    Column("report", String(32), nullable=False),
    Column("details", Json, nullable=False),
    Column("channels", Json, nullable=False),
    Column("state", String(12), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("acknowledged_at", Utc),
    Column("acknowledged_by", Text, nullable=False),
    Column("resolved_at", Utc),
    Column("resolved_by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Index("ix_alerts_model_name_id", "model_name", "id"),
    Index("ix_alerts_state_id", "state", "id"),
    Index("ix_alerts_created_at", "created_at"),
)

mutes = Table(
    "alert_mutes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("model_name", String(250), nullable=False),
    Column("monitor", Text, nullable=False),
    Column("until", Utc, nullable=False),
    Column("comment", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_alert_mutes_model_name_until", "model_name", "until"),
)

notices = Table(
    "alert_notices",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("alert", String(32), nullable=False),
    Column("reason", String(12), nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float(53), nullable=False),
    Column("told", Json, nullable=False),
    Column("error", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Index("ix_alert_notices_state_due_at", "state", "due_at"),
    Index("ix_alert_notices_alert", "alert"),
)
