"""Transactions: one that reads, one that writes, one that is on the disk when it returns.

On SQLite a write takes its lock at once (BEGIN IMMEDIATE), so it waits for the one before it and
never fails halfway. In WAL mode `synchronous=NORMAL` loses nothing when the process dies, and at
most the last moments when the power does; FULL loses nothing then either, at about 70 times the
cost. PostgreSQL flushes every commit.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from cauce.errors import DataRefused, SourceUnavailable

BUSY_TIMEOUT_MS = 5000
"""How long a write waits for the others of an SQLite file."""
CHECKPOINT_TIMEOUT_MS = 200
Mode = Literal["read", "write", "durable", "schema"]
_BEGIN: dict[Mode, tuple[str, ...]] = {
    "read": ("BEGIN",),
    "write": ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE"),
    "durable": ("PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"),
    # A migration may build a table anew; with foreign keys on, dropping the old one would delete
    # what refers to it. They cannot be switched off inside a transaction.
    "schema": ("PRAGMA synchronous = FULL", "PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE"),
}
_ONE_MIGRATION = "SELECT pg_advisory_xact_lock(hashtext('cauce'))"
"""Servers that start together change the tables of PostgreSQL one after the other."""


def make_engine(url: URL) -> Engine:
    """The engine; no statement of it shows its values in an error or a log."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, hide_parameters=True, pool_pre_ping=True)
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "foreign_keys = ON",
        # What a person deletes is overwritten in the file.
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    mode: Mode = connection.get_execution_options().get("mode", "read")
    for statement in _BEGIN[mode]:
        connection.exec_driver_sql(statement)


class Store:
    """An engine and its transactions; what the database is asked is in its subclasses."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.url = engine.url
        """Where it is; its `str` hides the password."""

    @property
    def file(self) -> Path | None:
        """The SQLite file; None on a server."""
        return Path(self.url.database or "") if self._is_sqlite else None

    @property
    def _is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Ends the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    @contextlib.contextmanager
    def connection(self, mode: Mode) -> Iterator[Connection]:
        """A transaction that is committed when the block ends, and undone when it fails.

        Raises SourceUnavailable where the database does not answer in time, DataRefused where a
        file is no database or a damaged one.
        """
        try:
            with self._engine.execution_options(mode=mode).connect() as connection:
                if not self._is_sqlite and mode == "read":
                    connection.execution_options(isolation_level="REPEATABLE READ")
                with connection.begin():
                    if not self._is_sqlite and mode == "schema":
                        connection.execute(text(_ONE_MIGRATION))
                    yield connection
                if self._is_sqlite and mode == "schema":
                    connection.invalidate()
        except (OperationalError, PoolTimeout) as error:
            raise SourceUnavailable(
                f"the database {self.url} did not answer: {_first_line(error)}.\n"
                "Try again; look whether its server runs and its disk has room."
            ) from error
        except DatabaseError as error:
            if type(error) is not DatabaseError:
                raise
            raise DataRefused(
                f"{self.url} cannot be used: {_first_line(error)}.\n"
                "Name another database, or put this one aside and restore a backup."
            ) from error

    @contextlib.contextmanager
    def _session(self, mode: Mode) -> Iterator[Session]:
        with self.connection(mode) as connection, Session(connection) as session:
            yield session
            session.flush()

    def _read(self) -> contextlib.AbstractContextManager[Session]:
        return self._session("read")

    def _write(self) -> contextlib.AbstractContextManager[Session]:
        return self._session("write")

    def _durably(self) -> contextlib.AbstractContextManager[Session]:
        return self._session("durable")

    def forget_log(self) -> None:
        """Empties the write-ahead log of SQLite, so that deleted text stands nowhere in files.

        Where somebody reads at the moment, as a backup does, that is left to the next time: nobody
        can write while it waits.
        """
        if not self._is_sqlite:
            return
        with contextlib.closing(self._engine.raw_connection()) as raw:
            driver: Any = raw.driver_connection
            driver.execute(f"PRAGMA busy_timeout = {CHECKPOINT_TIMEOUT_MS}")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def _first_line(error: Exception) -> str:
    """What the driver says, without the lines in which PostgreSQL shows values."""
    cause = error.orig if isinstance(error, DatabaseError) else error
    return str(cause).strip().partition("\n")[0]
