"""A process that is killed while it writes loses nothing that it had acknowledged."""

from __future__ import annotations

from benchmarks.serving.kill import Acknowledged, killed_after, lost

from cauce.serving.storage import open_database


def test_what_was_acknowledged_before_a_kill_is_there(tmp_path):
    told = killed_after(tmp_path / "app.db", 0.2)
    assert told
    with open_database(str(tmp_path / "app.db")) as database:
        assert lost(database, told) == []
        assert database.check() == ()
        assert database.interrupt_open() > 0
        assert database.interrupt_open() == 0


def test_what_is_lost_is_noticed(tmp_path):
    with open_database(str(tmp_path / "app.db")) as database:
        user = database.add_user("ana", "patient").id
        message = database.start_question(user, None, "How much?").id
        database.append(message, "Take ")
        kept = [
            Acknowledged("asked", user, message, "How much?"),
            Acknowledged("appended", user, message, "Take "),
        ]
        gone = [
            Acknowledged("asked", user, "another", "And now?"),
            Acknowledged("asked", user, message, "How many?"),
            Acknowledged("appended", user, message, "Take five"),
            Acknowledged("finished", user, message, "Take "),
            Acknowledged("said", user, message, "no"),
        ]
        assert lost(database, [*kept, *gone]) == gone
        deleted = [Acknowledged(step, user, message, "") for step in ("delete", "deleted")]
        assert lost(database, [*kept, *deleted]) == deleted[1:]
