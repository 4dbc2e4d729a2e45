"""kill -9 under load: what was acknowledged is there, the database is sound, questions are kept.

A process with four threads asks, streams, finishes, deletes and says what it thinks of answers
through the same `Database` that the routes use, and acknowledges each step over a pipe after the
call has returned. It is killed at a random moment, 20 times, on one SQLite file.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from cauce.records import Reply
from cauce.serving.storage import open_database
from cauce.serving.storage.database import Database

KILLS = 20
THREADS = 4
LONGEST_S = 2.0
"""A process is killed at any moment of this time after its first acknowledgement."""
PIECES = 4
SEED = 12


class Acknowledged(NamedTuple):
    """A step that the caller was told is done."""

    step: str
    user: str
    message: str
    text: str


def measure() -> None:
    moments = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "app.db"
        told: list[Acknowledged] = []
        faults = still_open = 0
        for number in range(KILLS):
            told += killed_after(file, moments.uniform(0, LONGEST_S))
            with open_database(str(file)) as database:
                interrupted = database.interrupt_open()
                still_open += database.interrupt_open()
                faults += len(database.check())
            print(f"kill {number + 1}: {interrupted} cut off", file=sys.stderr, flush=True)
        with open_database(str(file)) as database:
            missing = lost(database, told)
    report("kill/kills", KILLS, 20, "higher")
    report("kill/acknowledged steps", len(told), None, "higher")
    report("kill/acknowledged steps lost", len(missing), 0)
    report("kill/faults of the database", faults, 0)
    report("kill/answers still open after the start", still_open, 0)


def killed_after(file: Path, seconds: float) -> list[Acknowledged]:
    """What a process that was killed so long after its first acknowledgement had told."""
    command = [sys.executable, "-m", "benchmarks.serving.kill", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        killer = threading.Timer(seconds, process.kill)
        killer.start()
        lines = [first, *process.stdout]
        killer.join()
    # A line that the kill cut off was not told.
    whole = [line.decode()[:-1] for line in lines if line.endswith(b"\n")]
    return [Acknowledged(*line.split("\t")) for line in whole]


def lost(database: Database, told: Iterable[Acknowledged]) -> list[Acknowledged]:
    """The acknowledged steps of which the database does not know."""
    told = list(told)
    going = {one.message for one in told if one.step == "delete"}
    return [one for one in told if one.message not in going and not _is_kept(database, one)] + [
        one for one in told if one.step == "deleted" and database.message(one.user, one.message)
    ]


def _is_kept(database: Database, told: Acknowledged) -> bool:
    found = database.message(told.user, told.message)
    if found is None:
        return False
    match told.step:
        case "asked":
            return found.question == told.text
        case "appended":
            return found.text.startswith(told.text)
        case "finished":
            return found.state == "done" and found.text == told.text
    said = database.feedback(told.user, told.message)
    return [one.text for one in said] == [told.text]


def serve(file: str) -> None:
    """Uses the database from all threads until it is killed."""
    database = open_database(file)
    database.interrupt_open()
    for number in range(THREADS):
        name = f"{number} of {os.getpid()} at {time.time_ns()}"
        user = database.add_user(name, "patient").id
        threading.Thread(target=_converse, args=(database, user)).start()


def _converse(database: Database, user: str) -> None:
    kept = database.start_question(user, None, "the first question").conversation_id
    for turn in itertools.count():
        is_passing = turn % 7 == 0
        asked = database.start_question(user, None if is_passing else kept, f"question {turn}")
        _tell("asked", user, asked.id, asked.question)
        _answer(database, user, asked.id)
        if turn % 5 == 0:
            database.add_feedback(user, asked.id, "down", f"no {turn}", consent=True)
            _tell("said", user, asked.id, f"no {turn}")
        if is_passing:
            _tell("delete", user, asked.id)
            database.delete_conversation(user, asked.conversation_id)
            _tell("deleted", user, asked.id)


def _answer(database: Database, user: str, message: str) -> None:
    text = ""
    for piece in range(PIECES):
        text += f"Sentence {piece}. "
        database.append(message, f"Sentence {piece}. ")
        _tell("appended", user, message, text)
    database.finish(message, Reply(text=text))
    _tell("finished", user, message, text)


def _tell(step: str, user: str, message: str, text: str = "") -> None:
    """One line, written at once: lines of different threads do not mix."""
    os.write(1, f"{step}\t{user}\t{message}\t{text}\n".encode())


if __name__ == "__main__":
    serve(sys.argv[1])
