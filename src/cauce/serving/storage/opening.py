"""The database opened: its file made private, its tables brought up to date."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from cauce.errors import MissingExtra, UserError

if TYPE_CHECKING:
    from sqlalchemy import URL

    from cauce.serving.storage.database import Database

_EXTRAS = {"sqlalchemy": "serve", "alembic": "serve", "psycopg": "postgres"}


def open_database(url: str) -> Database:
    """The database at `url`, with the tables of this version: a file, or `postgresql://...`.

    A file that is not there is made, for its owner alone (0600, a new folder 0700).
    Raises UserError for another kind of URL, for a file that others can read, and for tables of a
    newer version; SourceUnavailable where no server answers; MissingExtra.
    """
    try:
        from cauce.serving.storage.connections import make_engine
        from cauce.serving.storage.database import Database
        from cauce.serving.storage.schema import current, newest, upgrade

        engine = make_engine(_parse(url))
    except ModuleNotFoundError as error:
        if error.name not in _EXTRAS:
            raise
        raise MissingExtra("the database of cauce serve", _EXTRAS[error.name]) from error
    database = Database(engine)
    try:
        if database.file is not None:
            _make_private(database.file)
        with database.connection("read") as connection:
            is_current = current(connection) == newest()
        if not is_current:
            with database.connection("schema") as connection:
                upgrade(connection)
    except BaseException:
        database.close()
        raise
    return database


def _parse(url: str) -> URL:
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if "://" not in url:
        return URL.create("sqlite", database=str(Path(url).expanduser().absolute()))
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _refused("a URL that cannot be read") from error
    if parsed.get_backend_name() != "postgresql":
        raise _refused(f"a URL of {parsed.get_backend_name()}")
    return parsed.set(drivername="postgresql+psycopg")


def _refused(what: str) -> UserError:
    return UserError(
        f"the database was named by {what}.\n"
        "Name a file, as cauce-data/app.db, or a server: postgresql://USER:PASSWORD@HOST/NAME"
    )


def _make_private(file: Path) -> None:
    """The file is there and for its owner alone, as its log will be: SQLite copies the mode."""
    if not file.parent.is_dir():
        file.parent.mkdir(parents=True, mode=0o700)
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise UserError(
            f"{file} cannot be written: {error.strerror}.\n"
            "Name a file in a folder of your own with --database FILE."
        ) from error
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise UserError(
            f"{file} holds what people asked, and others on this machine can open it "
            f"(mode {mode:04o}).\nClose it with: chmod 600 {file}"
        )
