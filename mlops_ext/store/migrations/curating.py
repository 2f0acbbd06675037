"""Schema 2: datasets get states, aliases and checks, and the tags of their versions rows of their own."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

__all__ = ["extend_datasets"]

_VERSIONS = sa.table("dataset_versions", *(sa.column(name) for name in ("name", "version", "tags")))
_TAGS = sa.table("dataset_tags", *(sa.column(name) for name in ("name", "version", "key", "value")))


def extend_datasets() -> None:
    op.create_table(
        "dataset_tags",
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["datasets.name"], name=op.f("fk_dataset_tags_name")),
        sa.PrimaryKeyConstraint("name", "version", "key", name=op.f("pk_dataset_tags")),
    )
    op.create_index("ix_dataset_tags_key", "dataset_tags", ["key"], unique=False)
    op.create_table(
        "dataset_aliases",
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("alias", sa.String(length=250), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name", "version"],
            ["dataset_versions.name", "dataset_versions.version"],
            name=op.f("fk_dataset_aliases_name_version"),
        ),
        sa.PrimaryKeyConstraint("name", "alias", name=op.f("pk_dataset_aliases")),
    )
    op.create_index("ix_dataset_aliases_alias", "dataset_aliases", ["alias"], unique=False)
    op.create_table(
        "dataset_checks",
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.String(27), nullable=False),
        sa.Column("checked_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name", "version"],
            ["dataset_versions.name", "dataset_versions.version"],
            name=op.f("fk_dataset_checks_name_version"),
        ),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_dataset_checks")),
    )
    _move_tags(op.get_bind())
    with op.batch_alter_table("datasets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("highest", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("state", sa.String(length=10), server_default="active", nullable=False))
        batch_op.add_column(sa.Column("expectations", sa.Text(), server_default="{}", nullable=False))
    with op.batch_alter_table("dataset_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(length=10), server_default="active", nullable=False))
        batch_op.add_column(sa.Column("removed_at", sa.String(27), nullable=True))
        batch_op.add_column(sa.Column("checked", sa.String(length=10), server_default="", nullable=False))
        batch_op.drop_column("tags")
    op.execute("UPDATE datasets SET highest = latest")


def _move_tags(connection: sa.Connection) -> None:
    """Give the tags of each version rows; keys and values that no row can hold are cut as those of models are."""
    for row in connection.execute(sa.select(_VERSIONS)).all():
        pairs = {_stored(key)[:250]: _stored(value) for key, value in json.loads(row.tags).items()}
        made = [{"name": row.name, "version": row.version, "key": key, "value": pairs[key]} for key in pairs]
        if made:
            connection.execute(sa.insert(_TAGS), made)


def _stored(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
