"""The tables brought up to date, in one transaction: all migrations that are missing, or none."""

from __future__ import annotations

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from cauce.errors import UserError

VERSION_TABLE = "alembic_version"
MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Makes the tables those of the revision. Raises UserError for one that is not known here.

    The connection is in a transaction of the mode `schema`.
    """
    found = current(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    for asked in {found, revision} - {None, "head"} - known:
        raise UserError(
            f"the tables are of revision {asked}, which this version of cauce does not know.\n"
            "They were made by a newer one: install that, or name another database."
        )
    if found == newest():
        return
    if found is None and (others := inspect(connection).get_table_names()):
        raise UserError(
            f"the database holds tables that are not of cauce: {', '.join(others[:5])}.\n"
            "Name an empty database, or a file that is not there yet."
        )
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def current(connection: Connection) -> str | None:
    """The revision that the tables are of; None where there are none."""
    return MigrationContext.configure(connection).get_current_revision()


@functools.cache
def newest() -> str | None:
    """The revision that the models are of."""
    return _scripts().get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))
