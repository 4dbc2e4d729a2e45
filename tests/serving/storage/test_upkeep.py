"""Deletion leaves nothing, age is cleared, damage is found."""

from __future__ import annotations

import pytest

from cauce.errors import NotFound
from cauce.records import Reply
from cauce.serving.storage import Shown, open_database
from cauce.serving.storage.database import Database
from cauce.serving.storage.models import Base

SECRET = "zarzaparrilla"
SHOWN = Shown(system="demo", text=f"{SECRET}, twice a day")


def tell_all(database: Database, name: str) -> str:
    """The id of a user of whom every table holds something."""
    user = database.add_user(f"{name} {SECRET}", "clinician", password="hash")
    database.add_token(user.id, f"digest {name}", name=SECRET)
    database.consent(user.id, "improve", True)
    asked = database.start_question(user.id, None, f"Is {SECRET} safe?" * 50)
    database.append(asked.id, SECRET)
    database.finish(asked.id, Reply(text=f"{SECRET} is a plant."))
    database.add_feedback(user.id, asked.id, "correction", SECRET, consent=True)
    database.add_vote(user.id, SECRET, SHOWN, SHOWN, "tie", consent=True)
    database.add_review(user.id, asked.id, "right", SECRET)
    database.add_event("login", user.id)
    return user.id


def in_files(database: Database, text: str) -> bool:
    assert database.file is not None
    files = database.file.parent.glob(f"{database.file.name}*")
    return any(text.encode() in path.read_bytes() for path in files)


def test_a_deleted_user_stands_nowhere_any_more(database, ana):
    user_id = tell_all(database, "berta")
    assert all(count for table, count in database.counts().items() if table != "buckets")
    database.delete_user(user_id)
    counts = database.counts()
    assert {table: n for table, n in counts.items() if n} == {"users": 1, "events": 1}
    assert database.events()[0].user_id is None
    if database.file:
        assert not in_files(database, SECRET)
    with pytest.raises(NotFound):
        database.delete_user(user_id)


def test_a_deleted_conversation_leaves_no_text(database, ana):
    asked = database.start_question(ana.id, None, f"Is {SECRET} safe?")
    database.append(asked.id, f"{SECRET} is a plant")
    if database.file:
        assert in_files(database, SECRET)
    database.delete_conversation(ana.id, asked.conversation_id)
    assert database.counts()["messages"] == 0
    if database.file:
        assert not in_files(database, SECRET)


def test_a_person_s_export_holds_all_that_is_theirs_and_nothing_of_others(database, ana):
    theirs, others = tell_all(database, "berta"), tell_all(database, "carla")
    data = database.export(theirs)
    assert all(data.model_dump().values())
    text = data.model_dump_json()
    assert others not in text
    assert "hash" not in text
    assert "digest" not in text
    assert data.conversations[0].messages[0].reply.text == f"{SECRET} is a plant."
    assert database.export("nobody") is None


def test_what_is_older_than_the_days_goes(database, ana):
    old = database.start_question(ana.id, None, "old")
    new = database.start_question(ana.id, None, "new")
    database.add_feedback(ana.id, old.id, "up", consent=True)
    database.add_event("login", ana.id)
    with database.connection("write") as connection:
        for table, column in (("conversations", "changed_at"), ("events", "at")):
            connection.exec_driver_sql(
                f"UPDATE {table} SET {column} = {column} - 86400 * 31"
                + (f" WHERE id = '{old.conversation_id}'" if table == "conversations" else "")
            )
    assert database.purge(32) == 0
    assert database.purge(30) == 2
    assert [one.id for one in database.conversations(ana.id)] == [new.conversation_id]
    assert database.counts()["feedback"] == database.counts()["events"] == 0
    assert database.check() == ()


def test_a_sound_database_has_no_faults(database):
    tell_all(database, "berta")
    assert database.check() == ()


def test_damage_is_told(tmp_path):
    """On SQLite, which lets rows refer to nothing where it is told not to look."""
    with open_database(str(tmp_path / "app.db")) as database:
        ana = database.add_user("ana", "patient")
        database.start_question(ana.id, None, "How much?")
        with database.connection("schema") as connection:
            connection.execute(Base.metadata.tables["conversations"].delete())
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        assert database.check() == (
            "1 rows of messages refer to no row of conversations",
            "its tables are of revision 0000, not 0001",
        )


def test_broken_pages_are_told(tmp_path):
    file = tmp_path / "app.db"
    with open_database(str(file)) as database:
        database.add_user("marisol", "patient")
    # In the table or in its index, whichever comes first.
    file.write_bytes(file.read_bytes().replace(b"marisol", b"girasol", 1))
    with open_database(str(file)) as database:
        assert "missing from index" in " ".join(database.check())
