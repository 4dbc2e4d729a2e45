"""`cauce db`: results on stdout, advice on stderr, nothing made or replaced unasked."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from cauce.commands.db import DEFAULT, db_app
from cauce.errors import DataRefused, NotFound, UserError
from cauce.serving.storage import open_database
from shared import CHECKOUT


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder with a database in which a question stands."""
    monkeypatch.chdir(tmp_path)
    with open_database(DEFAULT) as database:
        ana = database.add_user("ana", "patient")
        database.start_question(ana.id, None, "¿Cuánto paracetamol?")
    return tmp_path / DEFAULT


def run(*arguments: str):
    ended = CliRunner().invoke(db_app, list(arguments))
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended


def test_a_backup_is_restored_into_another_database(served):
    saved = run("backup", "saved.jsonl")
    assert "users                  1\n" in saved.stdout
    assert "Next: cauce db restore saved.jsonl" in saved.stderr
    run("restore", "saved.jsonl", "--database", "other/app.db")
    with open_database("other/app.db") as database:
        [ana] = database.users()
        [talk] = database.conversations(ana.id)
        assert talk.title == "¿Cuánto paracetamol?"
    with pytest.raises(UserError, match="--replace"):
        run("restore", "saved.jsonl", "--database", "other/app.db")
    run("restore", "saved.jsonl", "--database", "other/app.db", "--replace")


def test_a_backup_is_written_over_no_file_but_another_backup(served, tmp_path):
    run("backup", "saved.jsonl")
    run("backup", "saved.jsonl")
    (tmp_path / "folder").mkdir()
    for name in (DEFAULT, "folder"):
        with pytest.raises(UserError, match=r"no backup, so it is not written over\.\nName"):
            run("backup", name)
    assert json.loads(run("check", "--json").stdout)["messages"] == 1


def test_export_prints_what_is_kept_of_a_user(served):
    exported = json.loads(run("export", "ana").stdout)
    assert exported["user"]["name"] == "ana"
    assert exported["conversations"][0]["messages"][0]["question"] == "¿Cuánto paracetamol?"
    with pytest.raises(NotFound, match="no user 'berta'"):
        run("export", "berta")


def test_check_tells_rows_or_damage(served):
    assert "messages               1\n" in run("check").stdout
    with open_database(DEFAULT) as database, database.connection("schema") as connection:
        connection.exec_driver_sql("DELETE FROM users")
    with pytest.raises(DataRefused, match=r"is damaged: 1 rows of conversations .*\n.*restore"):
        run("check")


def test_upgrade_makes_the_tables_and_tells_their_revision(tmp_path):
    assert run("upgrade", "--database", str(tmp_path / "new.db")).stdout == "0001\n"
    assert (tmp_path / "new.db").is_file()


def test_purge_says_how_much_went(served):
    assert run("purge", "--days", "1").stdout == "0\n"
    assert run("purge", "--days", "0").stdout == "1\n"


@pytest.mark.parametrize("verb", [("backup", "x"), ("export", "ana"), ("check",)])
def test_no_database_is_made_to_look_at_it(tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match=r"no database cauce-data/app\.db\.\n"):
        run(*verb)
    assert list(tmp_path.iterdir()) == []


def test_the_database_can_be_named_by_the_environment(served, tmp_path, monkeypatch):
    monkeypatch.setenv("CAUCE_DATABASE", str(served))
    monkeypatch.chdir(tmp_path.parent)
    assert "users" in run("check").stdout


def test_the_how_to_has_every_verb_and_no_other():
    page = (CHECKOUT / "docs" / "how-to" / "database.md").read_text("utf-8")
    verbs = {command.name for command in db_app.registered_commands}
    assert set(re.findall(r"^cauce db (\w+)", page, flags=re.MULTILINE)) == verbs
