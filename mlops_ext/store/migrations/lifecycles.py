"""Schema 2: experiments get tags, and experiments and runs the moment at which they were deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["extend_tracking"]


def extend_tracking() -> None:
    op.create_table(
        "experiment_tags",
        sa.Column("experiment", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["experiment"], ["experiments.id"], name=op.f("fk_experiment_tags_experiment")),
        sa.PrimaryKeyConstraint("experiment", "key", name=op.f("pk_experiment_tags")),
    )
    for table in ("experiments", "runs"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("deleted_at", sa.String(27), nullable=True))
