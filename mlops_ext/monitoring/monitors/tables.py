"""The tables of monitors: what is watched, window by window, and the batches and parts of streams."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from mlops_ext.store.schema import Json, Utc, metadata

__all__ = ["monitor_windows", "monitors", "observed_batches", "observed_parts"]

monitors = Table(
    "monitors",
    metadata,
    Column("name", String(250), primary_key=True),
    Column("reference", String(400), nullable=False),
    Column("reference_given", String(400), nullable=False),
    Column("data", String(400), nullable=False),
    Column("predictions", Boolean, nullable=False),
    Column("model", String(280), nullable=False),
    Column("model_name", String(250), nullable=False),
    Column("columns", Json, nullable=False),
    Column("options", Json, nullable=False),
    # What has been spent of the chance of a false alarm.
    Column("spending", Json, nullable=False),
    Column("declared_in", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    # The version of the dataset up to which all are dealt with.
    Column("seen", Integer, nullable=False),
    Column("next_at", Utc),
    Column("error", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_monitors_next_at", "next_at"),
)

monitor_windows = Table(
    "monitor_windows",
    metadata,
    Column("monitor", String(250), ForeignKey("monitors.name"), primary_key=True),
    Column("window", String(300), primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("state", String(8), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("late_rows", BigInteger, nullable=False),
    Column("exact", Boolean, nullable=False),
    Column("closes_at", Utc),
    # Who judges it, and until when nobody else may.
    Column("claim", String(32), nullable=False),
    Column("lease_until", Utc),
    Column("level", Float(53)),
    Column("status", Text, nullable=False),
    Column("drifted", Json, nullable=False),
    Column("report", String(32), nullable=False),
    # Empty while an alert is owed.
    Column("alert", String(32), nullable=False),
    Column("alert_due", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Column("judged_at", Utc),
    Index("ix_monitor_windows_monitor_id", "monitor", "id"),
    Index("ix_monitor_windows_state_closes_at", "state", "closes_at"),
)

observed_batches = Table(
    "observed_batches",
    metadata,
    Column("monitor", String(250), ForeignKey("monitors.name"), primary_key=True),
    Column("batch", String(200), primary_key=True),
    Column("window", String(300), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("observed_at", Utc, nullable=False),
    Index("ix_observed_batches_observed_at", "observed_at"),
)

observed_parts = Table(
    "observed_parts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("monitor", String(250), ForeignKey("monitors.name"), nullable=False),
    Column("window", String(300), nullable=False),
    Column("level", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("content", String(80), nullable=False),
    Index("ix_observed_parts_monitor_window_level", "monitor", "window", "level"),
)
