"""A backup: every row as a line of JSON, taken while the app serves, for SQLite and PostgreSQL.

The first line says of which revision the tables are, the last one the SHA-256 of all lines before
it, so that a backup that was cut off or changed is refused. It restores into either kind of
database, and into later versions of cauce: the tables are made as they were, filled, and brought
up to date.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from sqlalchemy import JSON, Connection, MetaData, Table, insert, select

import cauce
from cauce.errors import DataRefused, NotFound, UserError
from cauce.runs import atomic_write
from cauce.serving.storage.database import Database, orphans
from cauce.serving.storage.schema import VERSION_TABLE, current, upgrade

BATCH = 200
"""Rows held at once."""
BEGINS = b'{"cauce": '
"""How every backup does."""


def backup(database: Database, file: Path) -> Mapping[str, int]:
    """How many rows of each table are in `file` now, all as they stood at one moment.

    The file is its owner's alone: it holds what people asked, and digests of passwords and tokens.
    Raises UserError where one stands there that is no backup, as the database itself.
    """
    if file.exists() and not _is_backup(file):
        raise UserError(
            f"{file} is there and is no backup, so it is not written over.\nName another file."
        )
    counts: Counter[str] = Counter()
    digest = hashlib.sha256()
    with atomic_write(file, private=True) as stream, database.connection("read") as connection:

        def write(value: Mapping[str, Any]) -> None:
            line = json.dumps(value, ensure_ascii=False).encode() + b"\n"
            digest.update(line)
            stream.write(line)

        write({"cauce": cauce.__version__, "revision": current(connection)})
        for table in _tables(connection):
            rows = connection.execute(select(table), execution_options={"yield_per": BATCH})
            for row in rows.mappings():
                write({"table": table.name, "row": dict(row)})
                counts[table.name] += 1
        write({"sha256": digest.hexdigest()})
    return counts


def restore(database: Database, file: Path, *, replace: bool = False) -> Mapping[str, int]:
    """How many rows of each table the backup put into the database: all of them, or none.

    Raises UserError where the database holds rows and `replace` does not say that they may go, and
    DataRefused, with the line, for a backup that is not whole.
    """
    if not file.is_file():
        raise NotFound(f"no backup {file}.\nName a file that `cauce db backup` wrote.")
    revision = _verify(file)
    with file.open("rb") as stream, database.connection("schema") as connection:
        if not replace and _holds_rows(connection):
            raise UserError(
                f"the database {database.url} holds rows, which a backup would replace.\n"
                "Restore into a new one, or say that they may go with --replace."
            )
        _reflected(connection).drop_all(connection)
        upgrade(connection, revision)
        counts = _fill(connection, _lines(file, stream))
        upgrade(connection)
        if faults := orphans(connection):
            raise _refused(file, "; ".join(faults))
    database.forget_log()
    return counts


def _is_backup(file: Path) -> bool:
    """Whether it begins as one, however it ends."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(len(BEGINS)) == BEGINS


def _verify(file: Path) -> str:
    """The revision of the tables; DataRefused unless the backup is whole and unchanged."""
    with file.open("rb") as stream:
        lines = _lines(file, stream)
        first = next(lines)
        for _ in lines:
            pass
    if not isinstance(revision := first.get("revision"), str):
        raise _refused(file, "line 1 names no revision")
    return revision


def _lines(file: Path, stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Every line but the last, against which they are checked."""
    digest = hashlib.sha256()
    for number, line in enumerate(stream, 1):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise _refused(file, f"line {number} is no JSON") from error
        if not isinstance(value, dict):
            raise _refused(file, f"line {number} is no object")
        if "sha256" in value:
            if value["sha256"] != digest.hexdigest() or stream.read(1):
                raise _refused(file, f"line {number} does not close what stands there")
            return
        digest.update(line)
        yield value
    raise _refused(file, "its last line is missing")


def _refused(file: Path, reason: str) -> DataRefused:
    return DataRefused(
        f"{file} is not a whole backup: {reason}.\n"
        "The database is as it was. Take another backup, or copy this one again."
    )


def _reflected(connection: Connection) -> MetaData:
    metadata = MetaData()
    metadata.reflect(connection)
    return metadata


def _tables(connection: Connection) -> list[Table]:
    """The tables with rows, as the database has them, what is referred to first."""
    tables = _reflected(connection).sorted_tables
    for column in itertools.chain(*(table.columns for table in tables)):
        if isinstance(column.type, JSON):
            column.type.none_as_null = True
    return [table for table in tables if table.name != VERSION_TABLE]


def _holds_rows(connection: Connection) -> bool:
    return any(connection.execute(select(it).limit(1)).first() for it in _tables(connection))


def _fill(connection: Connection, lines: Iterator[dict[str, Any]]) -> Mapping[str, int]:
    """How many rows each table has been given; the first line is not a row."""
    next(lines)
    tables = {table.name: table for table in _tables(connection)}
    counts: Counter[str] = Counter()
    while batch := list(itertools.islice(lines, BATCH)):
        for name, group in itertools.groupby(batch, key=lambda line: str(line["table"])):
            rows = [line["row"] for line in group]
            connection.execute(insert(tables[name]), rows)
            counts[name] += len(rows)
    return counts
