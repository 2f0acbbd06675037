"""Alerts of the second release: windows that join, severities, resolution, mutes, and notices to be told."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

__all__ = ["extend_alerts"]


def extend_alerts() -> None:
    """Give earlier alerts what later ones have, and make the tables around them."""
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("windows", sa.Text(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("channels", sa.Text(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("severity", sa.String(length=8), server_default="warning", nullable=False))
        batch_op.add_column(sa.Column("seen_at", sa.String(27), server_default="", nullable=False))
        batch_op.add_column(sa.Column("resolved_at", sa.String(27), nullable=True))
        batch_op.add_column(sa.Column("resolved_by", sa.Text(), server_default="", nullable=False))
        batch_op.create_index("ix_alerts_created_at", ["created_at"], unique=False)
    alerts = sa.table("alerts", sa.column("id"), sa.column("window"), sa.column("windows"), sa.column("seen_at"))
    bind = op.get_bind()
    op.execute("UPDATE alerts SET seen_at = created_at")
    for row in bind.execute(sa.select(alerts.c.id, alerts.c.window)).all():
        bind.execute(alerts.update().where(alerts.c.id == row.id).values(windows=_json([row.window])))
    _create_mutes()
    _create_notices()


def _create_mutes() -> None:
    op.create_table(
        "alert_mutes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("model_name", sa.String(length=250), nullable=False),
        sa.Column("monitor", sa.Text(), nullable=False),
        sa.Column("until", sa.String(27), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_mutes")),
    )
    with op.batch_alter_table("alert_mutes", schema=None) as batch_op:
        batch_op.create_index("ix_alert_mutes_model_name_until", ["model_name", "until"], unique=False)


def _create_notices() -> None:
    op.create_table(
        "alert_notices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("alert", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(53), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_notices")),
    )
    with op.batch_alter_table("alert_notices", schema=None) as batch_op:
        batch_op.create_index("ix_alert_notices_state_due_at", ["state", "due_at"], unique=False)
        batch_op.create_index("ix_alert_notices_alert", ["alert"], unique=False)


def _json(value: list[str]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
