"""Does any endpoint give one user what is another's?

    python -m benchmarks.serving.isolation

Every endpoint of the real application is called with the ids of a patient's conversation, message,
feedback, vote, token, account and twin: by a user of each role, and without a token. An endpoint
with an id in its path must answer 401, 403 or 404, and no answer may hold the patient's words, nor
may a row of the patient's change. Routes for administrators are let off the status for an
administrator's reading, not off the words.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, get_args

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext

from benchmarks import report
from benchmarks.serving.calling import client_of
from benchmarks.serving.saying import QUIET
from cauce.records import Reply
from cauce.serving.access import SCOPES, Limit, Limits, issue_token, open_access
from cauce.serving.access.needs import STATIC, Require, is_public, needs, unprotected
from cauce.serving.access.passwords import hash_password, is_password
from cauce.serving.app import create_app
from cauce.serving.features import Features, Opponent
from cauce.serving.storage import Role, Shown, open_database
from cauce.serving.storage.database import Database
from cauce.serving.storage.models import Base
from cauce.twin.consent import Consent
from cauce.twin.store import add_twin

WORDS = "kumquat 7319"
"""Stand in everything that the patient asked, was answered and said, and nowhere else."""
OWNER = "ana"
CLOSED = (401, 403, 404)
UNREAD = (303, 400, 415, 422)
"""Answers to a body of the wrong kind, or without the field that is needed: one of the kinds must
come to CLOSED, and no row may change."""
MANY = Limit(1e9, 1e9)
ROLES: tuple[Role, ...] = get_args(Role)
PASSWORD = "four words are easy"


class World(NamedTuple):
    """The application with a patient in it, and the tokens of the others."""

    app: FastAPI
    database: Database
    ids: dict[str, str]
    """The patient's, by what they are of."""
    tokens: dict[Role, str]


class Endpoint(NamedTuple):
    """A route in one of its methods, and what it says of its callers."""

    method: str
    path: str
    need: Require | None
    fields: frozenset[str]
    """Of the body that it declares; empty where it reads the body itself, or has none."""


class Walked(NamedTuple):
    """What the calls came to."""

    endpoints: int
    calls: int
    failures: tuple[str, ...]


def measure() -> None:
    """Failures over all roles, and how long a password takes."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder), open_database("app.db") as opened:
        world = build(opened)
        walked = walk(world)
        left_open = unprotected(world.app.routes)
    for failure in walked.failures:
        print(failure, file=sys.stderr)
    report("isolation_endpoints", walked.endpoints, None)
    report("isolation_calls", walked.calls, None)
    report("isolation_failures", len(walked.failures), 0)
    report("isolation_routes_without_protection", len(left_open), 0)
    _measure_passwords()


def _measure_passwords() -> None:
    """Hashing must be slow to guess at, and no faster for a name that nobody has."""
    stored = hash_password(PASSWORD)
    known, unknown = (min(_seconds(kept) for _ in range(5)) for kept in (stored, None))
    report("password_cpu_s", known, None)
    report("password_unknown_over_known", unknown / known, None)


def _seconds(stored: str | None) -> float:
    start = time.process_time()
    is_password(PASSWORD, stored)
    return time.process_time() - start


def build(database: Database) -> World:
    """The application over `database`, with a twin in the folder where one is."""
    ids = _patient(database)
    tokens = {}
    for role in ROLES:
        user = database.add_user(f"another-{role}", role)
        database.start_question(user.id, None, "What is it for?")
        tokens[role] = issue_token(database, user, SCOPES[role], name=role).secret
    access = open_access(database)._replace(limits=Limits(MANY, MANY, MANY, MANY))
    features = Features(runs=Path("runs"), against=Opponent("other", QUIET), log=Path("log"))
    app = create_app(QUIET, model_name="demo", access=access, features=features)
    return World(app, database, ids, tokens)


def _patient(database: Database) -> dict[str, str]:
    owner = database.add_user(OWNER, "patient")
    asked = database.start_question(owner.id, None, f"What of {WORDS}?")
    database.finish(asked.id, Reply(text=f"Of {WORDS}, nothing.", abstained=True, reason="none"))
    shown = Shown(system="one", text=WORDS), Shown(system="two", text=WORDS)
    _add_twin()
    return {
        "user": owner.id,
        "conversation": asked.conversation_id,
        "message": asked.id,
        "feedback": database.add_feedback(owner.id, asked.id, "down", WORDS, consent=False).id,
        "vote": database.add_vote(owner.id, WORDS, *shown, "tie").id,
        "token": issue_token(database, owner, ["chat"], name="mine").token.id,
        "twin": OWNER,
    }


def _add_twin() -> None:
    until = date(2999, 1, 1)
    agreed = Consent(by=WORDS, quality="self", purposes=("display",), given=until, until=until)
    person = {"resourceType": "Patient", "id": "p1", "name": [{"text": WORDS}], "gender": "female"}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": person}]}
    Path("ana.json").write_text(json.dumps(bundle))
    add_twin(OWNER, [Path("ana.json")], agreed)


def walk(world: World, roles: Sequence[Role] = ROLES) -> Walked:
    """Every endpoint called as each of the roles, and as nobody."""
    endpoints = list(_endpoints(world.app))
    calls, failures = 0, []
    callers: list[Role | None] = [None, *roles]
    client = client_of(world.app)
    kept = _rows(world)
    for endpoint, role in itertools.product(endpoints, callers):
        if role == "admin" and endpoint.need == Require("admin") and endpoint.method != "GET":
            continue
        for filling in _fillings(endpoint.path, world.ids):
            calls += 1
            if fault := _call(client, world, endpoint, role, filling):
                failures.append(f"{endpoint.method} {filling} as {role or 'nobody'}: {fault}")
        if (now := _rows(world)) != kept:
            failures.append(f"{endpoint.method} {endpoint.path} as {role}: a row was changed")
            kept = now
    failures += [f"the {role} was let in no more" for role in roles if not _is_in(world, role)]
    return Walked(len(endpoints), calls, tuple(failures))


def _is_in(world: World, role: Role) -> bool:
    """An endpoint that ended the caller's own account would make all later ones look closed."""
    caller = open_access(world.database).caller(bearer=world.tokens[role], cookie="")
    return caller is not None


def _endpoints(app: FastAPI) -> Iterator[Endpoint]:
    for context, need in needs(app.routes):
        if context.path == STATIC:
            continue
        declared = (
            context.dependant.body_params if isinstance(context.original_route, APIRoute) else []
        )
        models = [field.field_info.annotation for field in declared]
        fields = frozenset(name for model in models for name in model.model_fields)
        for method in sorted(_methods(context)):
            yield Endpoint(method, str(context.path), need, fields)


def _methods(context: RouteContext) -> set[str]:
    return (context.methods or {"GET"}) - {"HEAD", "OPTIONS"}


def _fillings(path: str, ids: dict[str, str]) -> Iterator[str]:
    """The path with the patient's ids in it; where a name does not tell of what, each of them."""
    parameters = re.findall(r"\{(\w+)(?::\w+)?\}", path)
    bare = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
    choices = [
        [ids[kind] for kind in ids if name.startswith(kind)] or ids.values() for name in parameters
    ]
    for chosen in itertools.product(*choices):
        yield bare.format(**dict(zip(parameters, chosen, strict=True)))


def _call(
    client: httpx.Client, world: World, endpoint: Endpoint, role: Role | None, path: str
) -> str:
    """What is wrong with the answers to both kinds of body, or nothing."""
    headers = {"authorization": f"Bearer {world.tokens[role]}"} if role else {}
    asked: dict[str, Any] = {"headers": headers, "params": _fields(world.ids)}
    body = _body(world.ids)
    body = {name: body[name] for name in body if name in endpoint.fields} or body
    kinds: list[dict[str, Any]] = (
        [{}] if endpoint.method == "GET" else [{"json": body}, {"data": body}]
    )
    answers = [client.request(endpoint.method, path, **{**asked, **kind}) for kind in kinds]
    if any(WORDS in answer.text for answer in answers):
        return "the patient's words are in the answer"
    found = {answer.status_code for answer in answers}
    wrong = f"status {', '.join(map(str, sorted(found)))}"
    if max(found) >= 500:
        return wrong
    reads_all = role == "admin" and endpoint.need == Require("admin")
    must_be_closed = role is None or ("{" in endpoint.path and not reads_all)
    if is_public(endpoint.path) or not must_be_closed:
        return ""
    is_closed = found.intersection(CLOSED) and found.issubset({*CLOSED, *UNREAD})
    return "" if is_closed else wrong


def _fields(ids: dict[str, str]) -> dict[str, str]:
    """The ids under the names by which an address or a body may take them."""
    return {**ids, **{f"{kind}_id": value for kind, value in ids.items()}}


def _body(ids: dict[str, str]) -> dict[str, Any]:
    return {
        **_fields(ids),
        "model": "demo",
        "messages": [{"role": "user", "content": "What is it for?"}],
        "question": "What is it for?",
        "title": "another title",
        "text": "another text",
        "kind": "up",
        "choice": "left",
        "verdict": "wrong",
        "purpose": "improve",
        "plain": False,
        "consent": True,
        "given": True,
        "name": "zoe",
        "label": "another label",
        "role": "carer",
        "said": "no",
        "scope_chat": "on",
        "days": "1",
    }


def _rows(world: World) -> list[str]:
    """The rows of every table that name one of the patient's ids."""
    mine = {*world.ids.values()}
    with world.database.connection("read") as connection:
        return sorted(
            f"{table.name} {tuple(row)}"
            for table in Base.metadata.sorted_tables
            for row in connection.execute(table.select())
            if mine.intersection(value for value in row if isinstance(value, str))
        )


if __name__ == "__main__":
    measure()
