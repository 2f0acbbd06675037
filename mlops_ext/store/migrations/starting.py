"""Schema 2: the tables of what starts by itself: schedules, their instants, heartbeats, webhooks' messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["create_starting"]


def create_starting() -> None:
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("notebook", sa.Text(), nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("tz", sa.String(length=80), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("declared_in", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("since", sa.String(27), nullable=False),
        sa.Column("next_at", sa.String(27), nullable=True),
        sa.Column("last", sa.String(27), nullable=True),
        sa.Column("last_job", sa.String(length=32), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedules")),
    )
    op.create_index("ix_schedules_next_at", "schedules", ["next_at"], unique=False)
    op.create_table(
        "schedule_firings",
        sa.Column("schedule", sa.String(length=250), nullable=False),
        sa.Column("instant", sa.String(27), nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("schedule", "instant", name=op.f("pk_schedule_firings")),
    )
    op.create_table(
        "scheduler_beats",
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("before", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_scheduler_beats")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("webhook", sa.String(length=250), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("webhook", "id", name=op.f("pk_webhook_deliveries")),
    )
