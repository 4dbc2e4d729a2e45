"""The file is its owner's alone, the tables are those of the models, and mistakes are told."""

from __future__ import annotations

import sqlite3
import stat
import sys
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cauce.errors import DataRefused, MissingExtra, SourceUnavailable, UserError
from cauce.serving.storage import open_database
from cauce.serving.storage.models import Base
from cauce.serving.storage.schema import current, newest


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_migrations_make_the_tables_of_the_models(database):
    options = {"target_metadata": Base.metadata, "compare_type": True}
    with database.connection("read") as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
        assert current(connection) == newest()


def test_the_file_and_its_folder_are_their_owner_s_alone(tmp_path):
    file = tmp_path / "new" / "app.db"
    with open_database(str(file)) as database:
        database.add_user("ana", "patient")
        assert mode(file.parent) == 0o700
        files = sorted(file.parent.iterdir())
        assert [path.name for path in files] == ["app.db", "app.db-shm", "app.db-wal"]
        assert {mode(path) for path in files} == {0o600}


def test_a_file_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "app.db"
    file.touch(mode=0o644)
    with pytest.raises(UserError, match=r"\(mode 0644\)\.\nClose it with: chmod 600"):
        open_database(str(file))


def test_what_is_committed_when_it_matters_is_flushed(tmp_path):
    """Figures of SQLite: 1 is NORMAL, 2 is FULL."""
    with open_database(str(tmp_path / "app.db")) as database:
        for kind, level in (("write", 1), ("durable", 2), ("write", 1)):
            with database.connection(kind) as connection:
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
                assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
                assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
                assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 5000


def test_two_that_write_wait_for_each_other(tmp_path):
    with open_database(str(tmp_path / "app.db")) as database:
        ana = database.add_user("ana", "patient")
        with database.connection("write"):
            waiting = threading.Thread(target=database.start_question, args=(ana.id, None, "?"))
            waiting.start()
            waiting.join(0.1)
            assert waiting.is_alive()
            assert database.conversations(ana.id) == ()
        waiting.join()
        assert len(database.conversations(ana.id)) == 1


def test_a_write_that_fails_leaves_nothing(database):
    with pytest.raises(KeyError), database.connection("write") as connection:
        row = {"key": "a", "level": 1.0, "at": 0.0}
        connection.exec_driver_sql(
            f"INSERT INTO buckets (key, level, at) VALUES ('{row['key']}', 1, 0)"
        )
        raise KeyError
    assert database.counts()["buckets"] == 0


def test_tables_of_a_newer_version_are_refused(tmp_path):
    file = tmp_path / "app.db"
    open_database(str(file)).close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(UserError, match=r"of revision 9999, which .*\n.*newer"):
        open_database(str(file))


def test_tables_of_others_are_refused(tmp_path):
    file = tmp_path / "app.db"
    file.touch(mode=0o600)
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE users (id)")
    connection.close()
    with pytest.raises(UserError, match="not of cauce: users"):
        open_database(str(file))


def test_a_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "app.db"
    file.touch(mode=0o600)
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(DataRefused, match=r"file is not a database\.\n"):
        open_database(str(file))


@pytest.mark.parametrize("url", ["mysql://localhost/x", "nonsense://"])
def test_another_kind_of_database_is_refused(url):
    with pytest.raises(UserError, match=r"named by a URL .*\nName a file"):
        open_database(url)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot be written: .*\n.*--database"):
        open_database(str(tmp_path))


def test_a_server_that_is_not_there_is_unavailable_and_no_password_is_shown(tmp_path):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(SourceUnavailable, match="did not answer") as told:
        open_database(f"postgresql://ana:secret@/x?host={tmp_path}")
    assert "secret" not in str(told.value)


def test_what_people_wrote_stands_in_no_error(database, ana):
    with pytest.raises(Exception, match=r"UNIQUE|duplicate") as told:
        first = database.start_question(ana.id, None, "a secret question")
        with database.connection("write") as connection:
            connection.execute(Base.metadata.tables["messages"].update().values(place=1))
            row = connection.execute(Base.metadata.tables["messages"].select()).mappings().one()
            twice = {**row, "id": f"{first.id}2"}
            connection.execute(Base.metadata.tables["messages"].insert(), twice)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("package", "extra", "url"),
    [("sqlalchemy", "serve", "app.db"), ("psycopg", "postgres", "postgresql://localhost/x")],
)
def test_a_missing_package_is_named(tmp_path, monkeypatch, package, extra, url):
    for name in [name for name in sys.modules if name.startswith("cauce.serving.storage.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingExtra, match=rf"cauce\[{extra}\]"):
        open_database(url)
