"""What schemathesis makes of the app by its OpenAPI: no request may end in a fault.

    CAUCE_SCHEMATHESIS=elsewhere/bin/schemathesis python -m benchmarks.serving --only openapi

schemathesis is an outside client, in an environment of its own: it shares no package with the app.
The app serves its OpenAPI to nobody, so it is written to a file, with the body of a question, which
its route reads by itself, and with ids that there are. The requests come with the token of an
administrator, who gets past every door. Loopback only.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks import report
from benchmarks.serving.filling import fill
from benchmarks.serving.listening import listening
from benchmarks.serving.saying import QUIET
from cauce.knowledge.labels.shelf import open_shelf
from cauce.serving.access import SCOPES, add_person, issue_token, open_access
from cauce.serving.access.entrance import Limit, Limits
from cauce.serving.app import create_app
from cauce.serving.protocol import ChatRequest
from cauce.serving.storage import open_database

PROGRAM = "CAUCE_SCHEMATHESIS"
MODEL = "openapi"
PASSWORD = "four words are easy"
ENDLESS = Limit(1e9, 1e9)
ASKED = ("/v1/chat/completions", "/api/conversations", "/api/conversations/{conversation_id}")
ANSWER_S = 20
"""Without an answer for so long, the app hangs."""
RUN_S = 45
SEED = 12


class Counted:
    """An application of which the statuses of all answers are counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.statuses = Counter[int]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the application does."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses[message["status"]] += 1
            await send(message)

        await self._app(scope, receive, counted)


class World(NamedTuple):
    """An application with something on every page, and a token that opens all of them."""

    app: FastAPI
    token: str
    ids: dict[str, str]
    """What is there, by the parameter that names it."""


def measure() -> None:
    """Prints how many of the requests ended in a fault, and whether each was answered in time."""
    program = os.environ.get(PROGRAM)
    if program is None:
        print(f"openapi: not measured; {PROGRAM} names the program", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as name, _world(Path(name)) as world:
        schema = Path(name) / "openapi.json"
        schema.write_text(json.dumps(openapi(world)))
        counted = Counted(world.app)
        with listening(counted) as url:
            ended = subprocess.run(_command(program, schema, url, world.token), cwd=name)
    statuses = counted.statuses
    print(json.dumps({"statuses": {str(key): statuses[key] for key in sorted(statuses)}}))
    faults = sum(count for status, count in statuses.items() if status >= 500)
    report("openapi/requests", statuses.total(), None, "higher")
    report("openapi/requests answered with a fault (5xx)", faults, 0)
    report("openapi/exit status of schemathesis", ended.returncode, 0)


def openapi(world: World) -> dict[str, Any]:
    """The app's OpenAPI, and in it the body of a question and what there is to name."""
    found: dict[str, Any] = world.app.openapi()
    schema = ChatRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    found["components"]["schemas"] |= schema.pop("$defs")
    schema["properties"]["model"] = {"const": MODEL}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    for path in ASKED:
        found["paths"][path]["post"]["requestBody"] = body
    for path, methods in found["paths"].items():
        for parameter in (it for one in methods.values() for it in one.get("parameters", ())):
            if parameter["name"] in world.ids and not path.endswith("/delete"):
                parameter["schema"]["enum"] = [world.ids[parameter["name"]]]
    return found


@contextlib.contextmanager
def _world(folder: Path) -> Iterator[World]:
    with (
        open_database(f"{folder}/app.db") as database,
        open_shelf(None, lambda text: None, folder) as shelf,
    ):
        person = add_person(database, "ana", "admin", PASSWORD)
        access = open_access(database)._replace(limits=Limits(ENDLESS, ENDLESS))
        features = fill(database, person, folder)._replace(shelf=shelf)
        token = issue_token(database, person, SCOPES["admin"], name="openapi").secret
        asked = database.start_question(person.id, None, "¿Para qué sirve?")
        ids = {"message_id": asked.id, "conversation_id": asked.conversation_id}
        app = create_app(QUIET, model_name=MODEL, access=access, features=features)
        yield World(app, token, {**ids, "user_id": person.id, "run": "demo"})


def _command(program: str, schema: Path, url: str, token: str) -> list[str]:
    return [
        *(program, "run", str(schema), "--url", url, "--seed", str(SEED), "--no-color"),
        *("--checks", "not_a_server_error", "--continue-on-failure"),
        *("--max-time", str(RUN_S), "--request-timeout", str(ANSWER_S)),
        *("--header", f"Authorization: Bearer {token}"),
    ]
