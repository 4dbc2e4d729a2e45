"""`cauce db`: what the app keeps, backed up, restored, taken along, checked, and cleared of age."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cauce.commands.telling import tell

if TYPE_CHECKING:
    from cauce.serving.storage.database import Database

db_app = typer.Typer(rich_markup_mode=None)

Where = Annotated[
    str,
    typer.Option(
        "--database", envvar="CAUCE_DATABASE", help="A file, or postgresql://USER@HOST/NAME."
    ),
]
DEFAULT = "cauce-data/app.db"


@db_app.command("backup")
def db_backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup that is written.")],
    database: Where = DEFAULT,
) -> None:
    """Write every row to FILE, also while the app serves; both kinds of database can read it."""
    from cauce.serving.storage.dump import backup

    with existing_database(database) as opened:
        _print_counts(backup(opened, file))
    tell(f"Keep {file} as private as the database. Next: cauce db restore {file} --database OTHER")


@db_app.command("restore")
def db_restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `cauce db backup` wrote.")],
    database: Where = DEFAULT,
    replace: Annotated[
        bool, typer.Option("--replace", help="What the database holds may go.")
    ] = False,
) -> None:
    """Put every row of a backup into the database: all of them, or none."""
    from cauce.serving.storage import open_database
    from cauce.serving.storage.dump import restore

    with open_database(database) as opened:
        _print_counts(restore(opened, file, replace=replace))
    tell("Next: cauce db check")


@db_app.command("export")
def db_export(
    user: Annotated[str, typer.Argument(metavar="USER", help="The user's name.")],
    database: Where = DEFAULT,
) -> None:
    """Print all that is kept of a user as JSON, for that person to take along."""
    from cauce.errors import NotFound

    with existing_database(database) as opened:
        found = opened.user_named(user)
        data = opened.export(found.id) if found else None
    if data is None:
        raise NotFound(f"no user {user!r}.\nSee who there is with: cauce users list")
    print(data.model_dump_json(indent=2))


@db_app.command("upgrade")
def db_upgrade(database: Where = DEFAULT) -> None:
    """Bring the tables up to date, as `cauce serve` does at its start; make them where none are."""
    from cauce.serving.storage import open_database
    from cauce.serving.storage.schema import newest

    with open_database(database):
        print(newest())


@db_app.command("check")
def db_check(
    database: Where = DEFAULT,
    json: Annotated[bool, typer.Option("--json", help="JSON.")] = False,
) -> None:
    """Say whether the database is sound, and how many rows it has."""
    from cauce.errors import DataRefused

    with existing_database(database) as opened:
        if faults := opened.check():
            raise DataRefused(
                f"the database {opened.url} is damaged: {'; '.join(faults[:5])}.\n"
                "Put it aside and restore a backup: cauce db restore FILE"
            )
        counts = opened.counts()
    if json:
        print(dumps(counts))
    else:
        _print_counts(counts)


@db_app.command("purge")
def db_purge(
    days: Annotated[float, typer.Option(min=0, help="Kept for so many days after the last use.")],
    database: Where = DEFAULT,
) -> None:
    """Delete conversations, votes and events that nobody has touched for so many days."""
    with existing_database(database) as opened:
        print(opened.purge(days))


def existing_database(url: str) -> Database:
    """The database; NotFound where it is a file that is not there, for none is to be made."""
    from cauce.errors import NotFound
    from cauce.serving.storage import open_database

    if "://" not in url and not Path(url).is_file():
        raise NotFound(f"no database {url}.\nName the one that is served with --database.")
    return open_database(url)


def _print_counts(counts: Mapping[str, int]) -> None:
    for table, rows in counts.items():
        print(f"{table:15} {rows:8}")
