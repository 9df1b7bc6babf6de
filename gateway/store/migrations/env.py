"""What Alembic runs: the migrations on the connection it is given, each in a transaction of its own."""

from __future__ import annotations

from alembic import context

from gateway.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
    transactional_ddl=True,  # SQLite rolls schema changes back like any other
)
with context.begin_transaction():
    context.run_migrations()
