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
    op.create_table(
        "pipeline_runs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("pipeline", sa.String(length=250), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("cache", sa.Boolean(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_runs")),
    )
    op.create_index("ix_pipeline_runs_status_id", "pipeline_runs", ["status", "id"], unique=False)
    op.create_table(
        "pipeline_steps",
        sa.Column("pipeline_run", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("reused", sa.String(length=32), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_run"], ["pipeline_runs.id"], name=op.f("fk_pipeline_steps_pipeline_run")),
        sa.PrimaryKeyConstraint("pipeline_run", "name", name=op.f("pk_pipeline_steps")),
    )
    op.create_table(
        "step_results",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("pipeline", sa.String(length=250), nullable=False),
        sa.Column("step", sa.String(length=250), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("outputs", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("key", "run", name=op.f("pk_step_results")),
    )
    op.create_index(
        "ix_step_results_pipeline_step_created_at", "step_results", ["pipeline", "step", "created_at"], unique=False
    )
    op.create_table(
        "job_output",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("stream", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_job_output_job")),
        sa.PrimaryKeyConstraint("job", "seq", name=op.f("pk_job_output")),
    )
    op.create_index("ix_job_output_written_at", "job_output", ["written_at"], unique=False)
    op.create_table(
        "sweeps",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("notebook", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("jobs", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweeps")),
    )
