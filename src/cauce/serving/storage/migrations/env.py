"""Runs migrations on the connection that `cauce.serving.storage.schema` hands over."""

from __future__ import annotations

from alembic import context

from cauce.serving.storage.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite can change little of a table: a migration copies it.
    render_as_batch=True,
)
context.run_migrations()
