"""Alembic's environment: migrations run on the connection that they are handed."""

from alembic import context

from mlops_ext.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
