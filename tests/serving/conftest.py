"""A database for each test, of which the tables are made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cauce.serving.storage import open_database
from cauce.serving.storage.database import Database


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that nobody has used; tests take copies of it."""
    file = tmp_path_factory.mktemp("empty") / "app.db"
    open_database(str(file)).close()
    return file


@pytest.fixture
def database(tmp_path: Path, empty_file: Path) -> Iterator[Database]:
    with open_database(str(shutil.copy(empty_file, tmp_path))) as opened:
        yield opened
