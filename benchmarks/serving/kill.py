"""kill -9 of the server under load: nothing it acknowledged is lost, and its database is sound.

`cauce serve` runs as a process of its own. Four people ask, read the answers as they come, say what
they think of them and delete conversations, all over HTTP, and note what the server acknowledged:
the ids of a question, a sentence, the end of an answer, an opinion, a deletion. It is killed at a
random moment, 20 times over one database, and started again; then what is there is compared.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report
from benchmarks.serving.process import Served, prepared, started
from cauce.serving.storage import open_database
from cauce.serving.storage.database import Database

RUN = "kill"
KILLS = 20
PEOPLE = 4
LONGEST_S = 3.0
"""The server is killed at any moment of this time after its first acknowledgement."""
ANSWER_S = 60
SEED = 12
QUESTION = "¿Qué dosis de paracetamol puedo tomar? ({number})"
GONE = (ConnectionError, http.client.HTTPException)


class Acknowledged(NamedTuple):
    """A step that the server told somebody is done; `delete` was only asked of it."""

    step: str
    message: str
    text: str = ""


def measure() -> None:
    """Prints what was acknowledged and how much of it is missing after each new start."""
    moments = random.Random(SEED)
    told: list[Acknowledged] = []
    missing: set[Acknowledged] = set()
    faults = still_open = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = prepared(folder, RUN)
        served = started(command, folder)
        for number in range(KILLS):
            told += killed_under_load(served, moments.uniform(0, LONGEST_S))
            served = started(command, folder)
            with open_database(str(folder / "cauce-data" / "app.db")) as database:
                still_open += database.interrupt_open()
                faults += len(database.check())
                missing |= {*lost(database, told)}
                cut_off = interrupted(database, told)
            print(f"kill {number + 1}: {cut_off} cut off so far", file=sys.stderr, flush=True)
        served.process.terminate()
        served.process.wait(ANSWER_S)
    report("kill/kills", KILLS, 20, "higher")
    report("kill/acknowledged steps", len(told), None, "higher")
    report("kill/acknowledged steps lost", len(missing), 0)
    report("kill/faults of the database", faults, 0)
    report("kill/answers cut off and marked so", cut_off, None, "higher")
    report("kill/answers still open after the start", still_open, 0)


def killed_under_load(served: Served, seconds: float) -> list[Acknowledged]:
    """What a server that was killed so long after its first acknowledgement had told people."""
    told: list[Acknowledged] = []
    with ThreadPoolExecutor(PEOPLE) as people:
        talks = [people.submit(_converse, served.port, told) for _ in range(PEOPLE)]
        deadline = time.monotonic() + ANSWER_S
        while not told and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds)
        served.process.kill()
        served.process.wait()
        for talk in talks:
            talk.result()
    return told


def lost(database: Database, told: Iterable[Acknowledged]) -> list[Acknowledged]:
    """The acknowledged steps of which the database does not know."""
    told = list(told)
    going = {one.message for one in told if one.step == "delete"}
    user = local(database)
    return [
        one for one in told if one.message not in going and not _is_kept(database, user, one)
    ] + [one for one in told if one.step == "deleted" and database.message(user, one.message)]


def interrupted(database: Database, told: Iterable[Acknowledged]) -> int:
    """How many of the questions stand there with an answer that was cut off."""
    asked = {one.message for one in told}
    found = [database.message(local(database), message) for message in asked]
    return sum(message is not None and message.state == "interrupted" for message in found)


def local(database: Database) -> str:
    """The id of whoever sits at the machine, as whom all of them ask."""
    user = database.user_named("local")
    if user is None:
        raise RuntimeError("the server made no local user")
    return user.id


def _is_kept(database: Database, user: str, told: Acknowledged) -> bool:
    found = database.message(user, told.message)
    if found is None:
        return False
    match told.step:
        case "asked":
            return found.question == told.text and found.state in ("interrupted", "done")
        case "shown":
            return found.text.startswith(told.text)
        case "finished":
            return found.state == "done" and found.text == told.text
    return told.text in [one.text for one in database.feedback(user, told.message)]


def _converse(port: int, told: list[Acknowledged]) -> None:
    """Asks on and on until the server is gone."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    kept = ""
    with contextlib.closing(connection), contextlib.suppress(*GONE):
        for turn in itertools.count():
            is_passing = turn % 7 == 0
            message, conversation = _ask(connection, "" if is_passing else kept, turn, told)
            if turn % 5 == 0:
                opinion = {"kind": "down", "text": f"no {turn}", "consent": True}
                _post(connection, f"/api/messages/{message}/feedback", opinion, 204).read()
                told.append(Acknowledged("said", message, f"no {turn}"))
            if is_passing and turn:
                told.append(Acknowledged("delete", message))
                _post(connection, f"/conversations/{conversation}/delete", {}, 303).read()
                told.append(Acknowledged("deleted", message))
            kept = kept or conversation


def _ask(
    connection: http.client.HTTPConnection, kept: str, turn: int, told: list[Acknowledged]
) -> tuple[str, str]:
    """The ids of the question and of its conversation, once the answer was read."""
    question = QUESTION.format(number=turn)
    body = {"model": RUN, "messages": [{"role": "user", "content": question}], "stream": True}
    path = f"/api/conversations/{kept}" if kept else "/api/conversations"
    parts = _parts(_post(connection, path, body, 200))
    first = next(parts)
    told.append(Acknowledged("asked", first["message"], question))
    text = ""
    for part in parts:
        delta = part["choices"][0]["delta"]
        text += delta.get("content", "")
        step = "finished" if "cauce" in delta else "shown"
        told.append(Acknowledged(step, first["message"], text))
    return first["message"], first["conversation"]


def _post(
    connection: http.client.HTTPConnection, path: str, body: dict[str, Any], status: int
) -> http.client.HTTPResponse:
    headers = {"Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    if answer.status != status:
        raise RuntimeError(f"POST {path} was answered with {answer.status}: {answer.read()!r}")
    return answer


def _parts(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The events of the stream up to its end; ConnectionError where the server died before."""
    while line := answer.readline():
        if line == b"data: [DONE]\n":
            answer.read()
            return
        if line.startswith(b"data: ") and line.endswith(b"\n"):
            yield json.loads(line.removeprefix(b"data: "))
    raise ConnectionError("the stream broke off")
