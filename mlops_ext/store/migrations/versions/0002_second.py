"""The second release: registry, promotion and proofs in depth; what each room needs of tables since the first."""

import sqlalchemy as sa
from alembic import op

from mlops_ext.store.migrations.alerting import extend_alerts
from mlops_ext.store.migrations.curating import extend_datasets
from mlops_ext.store.migrations.lifecycles import extend_tracking
from mlops_ext.store.migrations.measures import move_measures
from mlops_ext.store.migrations.naming import index_references
from mlops_ext.store.migrations.starting import create_starting
from mlops_ext.store.migrations.watching import create_watching

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("ix_blob_owners_owner", "blob_owners", ["owner"], unique=False)
    op.create_table(
        "imported",
        sa.Column("source", sa.String(length=250), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=400), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("imported_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("source", "kind", "source_id", name=op.f("pk_imported")),
    )
    op.create_table(
        "run_datasets",
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("context", "source_type", "source", "columns", "profile")
        ),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_run_datasets_run")),
        sa.PrimaryKeyConstraint("run", "name", "digest", name=op.f("pk_run_datasets")),
    )
    op.create_index("ix_run_datasets_name_digest", "run_datasets", ["name", "digest"], unique=False)
    op.create_table(
        "event_refs",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "ref",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("seq", "ref", "role", name=op.f("pk_event_refs")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_refs_ref_role_seq", "event_refs", ["ref", "role", "seq"], unique=False)
    index_references(op.get_bind())

    op.create_table(
        "model_tags",
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_model_tags_model_id")),
        sa.PrimaryKeyConstraint("model_id", "version", "key", name=op.f("pk_model_tags")),
    )
    with op.batch_alter_table("model_tags", schema=None) as batch_op:
        batch_op.create_index("ix_model_tags_key", ["key"], unique=False)

    op.create_table(
        "model_metrics",
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("value", sa.Float(53), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_id", "version"],
            ["model_versions.model_id", "model_versions.version"],
            name=op.f("fk_model_metrics_model_id_version"),
        ),
        sa.PrimaryKeyConstraint("model_id", "version", "key", name=op.f("pk_model_metrics")),
    )
    with op.batch_alter_table("model_metrics", schema=None) as batch_op:
        batch_op.create_index("ix_model_metrics_key_value", ["key", "value"], unique=False)

    op.create_table(
        "model_parameters",
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id", "version"],
            ["model_versions.model_id", "model_versions.version"],
            name=op.f("fk_model_parameters_model_id_version"),
        ),
        sa.PrimaryKeyConstraint("model_id", "version", "name", name=op.f("pk_model_parameters")),
    )
    op.create_table(
        "promotions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("environment", sa.String(length=250), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("policy_digest", sa.String(length=80), nullable=False),
        sa.Column("champion", sa.Integer(), nullable=True),
        sa.Column("gates", sa.Text(), nullable=False),
        sa.Column("approvals_needed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("broken_glass", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reviewed_at", sa.String(27), nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=False),
        sa.Column("review", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.String(27), nullable=True),
        sa.Column("requested_at", sa.String(27), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("auth", sa.String(length=20), nullable=False),
        sa.Column("evaluator", sa.String(length=32), server_default="", nullable=False),
        sa.Column("lease_until", sa.String(27), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.String(27), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_id", "version"],
            ["model_versions.model_id", "model_versions.version"],
            name=op.f("fk_promotions_model_id_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
    )
    with op.batch_alter_table("promotions", schema=None) as batch_op:
        batch_op.create_index("ix_promotions_model_id_id", ["model_id", "id"], unique=False)
        batch_op.create_index("ix_promotions_state_id", ["state", "id"], unique=False)

    op.create_table(
        "approvals",
        sa.Column("promotion", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=250), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("auth", sa.String(length=20), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("policy_digest", sa.String(length=80), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["promotion"], ["promotions.id"], name=op.f("fk_approvals_promotion")),
        sa.PrimaryKeyConstraint("promotion", "by", name=op.f("pk_approvals")),
    )
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("promotion", sa.String(length=32), server_default="", nullable=False))

    with op.batch_alter_table("model_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(length=10), server_default="active", nullable=False))
        batch_op.create_index(
            "ix_model_versions_created_at_model_id_version", ["created_at", "model_id", "version"], unique=False
        )
        batch_op.create_index(
            "ix_model_versions_model_id_created_at_version", ["model_id", "created_at", "version"], unique=False
        )

    with op.batch_alter_table("models", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(length=10), server_default="active", nullable=False))
        batch_op.add_column(sa.Column("highest", sa.Integer(), server_default="0", nullable=False))
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("options", sa.Text(), nullable=True))
    op.create_table(
        "column_classes",
        sa.Column("dataset", sa.String(length=250), nullable=False),
        sa.Column("column", sa.Text(), nullable=False),
        sa.Column("class", sa.String(length=20), nullable=False),
        sa.Column("set_at", sa.String(27), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["dataset"], ["datasets.name"], name=op.f("fk_column_classes_dataset")),
        sa.PrimaryKeyConstraint("dataset", "column", name=op.f("pk_column_classes")),
    )
    create_starting()
    extend_tracking()
    extend_alerts()
    create_watching()
    with op.batch_alter_table("dataset_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("primary_key", sa.Text(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("by_reference", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("origin", sa.Text(), server_default="{}", nullable=False))
    extend_datasets()
    op.create_table(
        "model_reproductions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("record", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id", "version"],
            ["model_versions.model_id", "model_versions.version"],
            name=op.f("fk_model_reproductions_model_id_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_reproductions")),
    )
    with op.batch_alter_table("model_reproductions", schema=None) as batch_op:
        batch_op.create_index("ix_model_reproductions_model_id_version", ["model_id", "version"], unique=False)
    op.execute("UPDATE models SET highest = latest")
    move_measures(op.get_bind())
