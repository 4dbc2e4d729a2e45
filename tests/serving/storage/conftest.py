"""Every test of the database runs on both kinds of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cauce.serving.storage import User, open_database
from cauce.serving.storage.database import Database
from cauce.serving.storage.models import Base
from serving.storage.databases import postgresql


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def on_server(server_url) -> Iterator[Database]:
    with open_database(server_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory) -> Path:
    """An SQLite database without rows, to copy."""
    file = tmp_path_factory.mktemp("empty") / "app.db"
    open_database(str(file)).close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path: Path, empty_file: Path) -> Iterator[Database]:
    """An empty database."""
    if request.param == "sqlite":
        with open_database(str(shutil.copy(empty_file, tmp_path))) as opened:
            yield opened
        return
    opened = request.getfixturevalue("on_server")
    with opened.connection("write") as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    yield opened


@pytest.fixture
def ana(database) -> User:
    return database.add_user("ana", "patient")


@pytest.fixture
def berta(database) -> User:
    return database.add_user("berta", "patient")
