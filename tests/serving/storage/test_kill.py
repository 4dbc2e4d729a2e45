"""A server that is killed while it answers loses nothing that it had acknowledged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from benchmarks.serving.kill import Acknowledged, interrupted, killed_under_load, lost
from benchmarks.serving.process import started

from cauce.records import Reply
from cauce.serving.access import open_access
from cauce.serving.storage import open_database

SERVER = """
import sys
sys.path.insert(0, sys.argv[1])
from benchmarks.serving.saying import Saying
from cauce.records import Reply
from cauce.serving.access import open_access
from cauce.serving.app import serve
from cauce.serving.storage import open_database
with open_database("app.db") as database:
    said = Saying(Reply(text="Take one. Wait. Take another."))
    serve(said, "kill", port=0, access=open_access(database))
"""


def test_what_was_acknowledged_before_a_kill_is_there(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    here = str(Path(__file__).parents[3])
    told = killed_under_load(started([sys.executable, "-c", SERVER, here], tmp_path), 0.2)
    assert {"asked", "shown", "finished"} <= {one.step for one in told}
    with open_database(str(tmp_path / "app.db")) as database:
        database.interrupt_open()
        assert lost(database, told) == []
        assert interrupted(database, told) <= 4
        assert database.check() == ()
        assert database.interrupt_open() == 0


def test_what_is_lost_is_noticed(tmp_path: Path) -> None:
    with open_database(str(tmp_path / "app.db")) as database:
        local = open_access(database).local
        assert local is not None
        message = database.start_question(local.id, None, "How much?").id
        database.append(message, "Take ")
        asked, shown = (
            Acknowledged("asked", message, "How much?"),
            Acknowledged("shown", message, "Take "),
        )
        assert lost(database, [asked, shown]) == [asked], "nobody can tell that it was cut off"
        database.interrupt(message)
        assert interrupted(database, [asked, shown]) == 1
        gone = [
            Acknowledged("asked", "another", "And now?"),
            Acknowledged("asked", message, "How many?"),
            Acknowledged("shown", message, "Take five"),
            Acknowledged("finished", message, "Take "),
            Acknowledged("said", message, "no"),
        ]
        assert lost(database, [asked, shown, *gone]) == gone
        deleted = [Acknowledged(step, message) for step in ("delete", "deleted")]
        assert lost(database, [asked, shown, *deleted]) == deleted[1:]
        database.finish(message, Reply(text="Take five."))
        assert lost(database, [asked, shown]) == []
