"""A backup holds everything as it stood at one moment, and restores into either database."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import threading
from pathlib import Path

import pytest

from cauce.errors import DataRefused, NotFound, UserError
from cauce.serving.storage import open_database
from cauce.serving.storage.database import Database
from cauce.serving.storage.dump import backup, restore
from serving.storage.test_upkeep import tell_all


@pytest.fixture
def other(tmp_path) -> Database:
    """Another, empty database."""
    with open_database(str(tmp_path / "other.db")) as opened:
        yield opened


@pytest.fixture
def full(database) -> Database:
    """A database of which every table holds something."""
    for name in ("ana", "berta"):
        tell_all(database, name)
    database.start_question(database.users()[0].id, None, "Not answered yet: ¿cuánto?", ("data:,",))
    database.take("ana", capacity=3, per_s=1)
    return database


def lines(file: Path) -> list[bytes]:
    """The rows of a backup in any order, and its first line."""
    return sorted(file.read_bytes().splitlines()[:-1])


def test_a_backup_restores_every_row_into_the_other_kind_of_database(full, other, tmp_path):
    counts = backup(full, tmp_path / "a.jsonl")
    assert counts == full.counts()
    assert stat.S_IMODE((tmp_path / "a.jsonl").stat().st_mode) == 0o600
    assert restore(other, tmp_path / "a.jsonl") == counts
    backup(other, tmp_path / "b.jsonl")
    assert lines(tmp_path / "b.jsonl") == lines(tmp_path / "a.jsonl")
    for user in full.users():
        assert other.export(user.id) == full.export(user.id)
    assert other.check() == ()
    restore(full, tmp_path / "b.jsonl", replace=True)
    backup(full, tmp_path / "c.jsonl")
    assert lines(tmp_path / "c.jsonl") == lines(tmp_path / "a.jsonl")


def test_a_restored_database_goes_on(full, other, tmp_path):
    backup(full, tmp_path / "a.jsonl")
    restore(other, tmp_path / "a.jsonl")
    user = other.users()[0]
    assert other.interrupt_open() == 1
    with pytest.raises(UserError):
        other.add_user(user.name, "admin")
    other.delete_user(user.id)
    assert other.counts()["users"] == 1


def test_rows_are_not_replaced_unasked(full, ana, tmp_path):
    backup(full, tmp_path / "a.jsonl")
    before = full.counts()
    with pytest.raises(UserError, match=r"holds rows.*\n.*--replace"):
        restore(full, tmp_path / "a.jsonl")
    assert full.counts() == before


def test_a_backup_that_was_cut_off_or_changed_changes_nothing(full, tmp_path):
    good = tmp_path / "a.jsonl"
    backup(full, good)
    before = full.counts()
    whole = good.read_bytes()
    rows = whole.splitlines(keepends=True)
    for damaged, reason in (
        (b"", "its last line is missing"),
        (b"".join(rows[:-1]), "its last line is missing"),
        (b"".join([*rows[:2], *rows[3:]]), "does not close"),
        (whole.replace(b"patient", b"admin1").replace(b"clinician", b"admin"), "does not close"),
        (whole[:-20], "is no JSON"),
        (whole + b"{}\n", "does not close"),
        (b"[]\n" + whole, "line 1 is no object"),
    ):
        bad = tmp_path / "bad.jsonl"
        bad.write_bytes(damaged)
        with pytest.raises(DataRefused, match=reason):
            restore(full, bad, replace=True)
    assert full.counts() == before
    with pytest.raises(NotFound, match="no backup"):
        restore(full, tmp_path / "none.jsonl")


def test_a_backup_of_a_newer_version_is_refused_and_changes_nothing(full, tmp_path):
    file = tmp_path / "a.jsonl"
    backup(full, file)
    first, *rest = file.read_bytes().splitlines(keepends=True)
    newer = [json.dumps({**json.loads(first), "revision": "9999"}).encode() + b"\n", *rest[:-1]]
    end = json.dumps({"sha256": hashlib.sha256(b"".join(newer)).hexdigest()}).encode()
    file.write_bytes(b"".join(newer) + end + b"\n")
    before = full.counts()
    with pytest.raises(UserError, match="revision 9999"):
        restore(full, file, replace=True)
    assert full.counts() == before


def test_a_backup_taken_while_the_app_serves_is_of_one_moment(database, ana, other, tmp_path):
    """A conversation counts its questions in the moment in which one is stored."""
    file = tmp_path / "a.jsonl"
    asked = database.start_question(ana.id, None, "0")
    is_over = threading.Event()

    def serve() -> None:
        while not is_over.is_set():
            one = database.start_question(ana.id, asked.conversation_id, "again")
            database.append(one.id, "x")

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        for _ in range(3):
            counts = backup(database, file)
            [turns] = re.findall(r'"turns": (\d+)', file.read_text("utf-8"))
            assert counts["messages"] == int(turns)
    finally:
        is_over.set()
        serving.join()
    restore(other, file)
    assert other.check() == ()
