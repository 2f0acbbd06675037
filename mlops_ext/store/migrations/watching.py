"""Monitors of the second release: what is watched, its windows, and the batches and parts of streams."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["create_watching"]


def create_watching() -> None:
    """Make the tables of monitors."""
    _create_monitors()
    _create_windows()
    _create_observed()


def _create_monitors() -> None:
    op.create_table(
        "monitors",
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("reference", sa.String(length=400), nullable=False),
        sa.Column("reference_given", sa.String(length=400), nullable=False),
        sa.Column("data", sa.String(length=400), nullable=False),
        sa.Column("predictions", sa.Boolean(), nullable=False),
        sa.Column("model", sa.String(length=280), nullable=False),
        sa.Column("model_name", sa.String(length=250), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("spending", sa.Text(), nullable=False),
        sa.Column("declared_in", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(27), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_monitors")),
    )
    op.create_index("ix_monitors_next_at", "monitors", ["next_at"], unique=False)


def _create_windows() -> None:
    op.create_table(
        "monitor_windows",
        sa.Column("monitor", sa.String(length=250), nullable=False),
        sa.Column("window", sa.String(length=300), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("late_rows", sa.BigInteger(), nullable=False),
        sa.Column("exact", sa.Boolean(), nullable=False),
        sa.Column("closes_at", sa.String(27), nullable=True),
        sa.Column("claim", sa.String(length=32), nullable=False),
        sa.Column("lease_until", sa.String(27), nullable=True),
        sa.Column("level", sa.Float(53), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("drifted", sa.Text(), nullable=False),
        sa.Column("report", sa.String(length=32), nullable=False),
        sa.Column("alert", sa.String(length=32), nullable=False),
        sa.Column("alert_due", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(["monitor"], ["monitors.name"], name=op.f("fk_monitor_windows_monitor")),
        sa.PrimaryKeyConstraint("monitor", "window", name=op.f("pk_monitor_windows")),
        sa.UniqueConstraint("id", name=op.f("uq_monitor_windows_id")),
    )
    op.create_index("ix_monitor_windows_monitor_id", "monitor_windows", ["monitor", "id"], unique=False)
    op.create_index("ix_monitor_windows_state_closes_at", "monitor_windows", ["state", "closes_at"], unique=False)


def _create_observed() -> None:
    op.create_table(
        "observed_batches",
        sa.Column("monitor", sa.String(length=250), nullable=False),
        sa.Column("batch", sa.String(length=200), nullable=False),
        sa.Column("window", sa.String(length=300), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("observed_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["monitor"], ["monitors.name"], name=op.f("fk_observed_batches_monitor")),
        sa.PrimaryKeyConstraint("monitor", "batch", name=op.f("pk_observed_batches")),
    )
    op.create_index("ix_observed_batches_observed_at", "observed_batches", ["observed_at"], unique=False)
    op.create_table(
        "observed_parts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("monitor", sa.String(length=250), nullable=False),
        sa.Column("window", sa.String(length=300), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["monitor"], ["monitors.name"], name=op.f("fk_observed_parts_monitor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observed_parts")),
    )
    op.create_index(
        "ix_observed_parts_monitor_window_level", "observed_parts", ["monitor", "window", "level"], unique=False
    )
