"""No endpoint gives one user what is another's, and the measurement sees one that would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.serving.isolation import WORDS, World, build, walk
from fastapi import APIRouter, Depends, Request

from cauce.serving.access import needs, open_access
from cauce.serving.access.needs import current_user, mine, require, unprotected
from cauce.serving.app import create_app
from cauce.serving.storage.database import Database
from serving.live import KnownAnswers

pytest.importorskip("pyarrow")
PATH = "/conversations/{conversation_id}"


@pytest.fixture
def world(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return build(database)


@pytest.fixture
def bare(world: World) -> World:
    """The same without its routes, for those of a test."""
    world.app.router.routes.clear()
    return world


def test_every_endpoint_is_closed_to_others(world: World) -> None:
    walked = walk(world)
    assert walked.failures == ()
    assert walked.endpoints >= 9 and walked.calls > 6 * walked.endpoints
    assert unprotected(world.app.routes) == []


def _careless(database: Database) -> Callable[[str], object]:
    def read(conversation_id: str) -> object:
        owner = database.user_named("ana")
        return database.conversation(owner.id, conversation_id) if owner else None

    return read


def test_a_route_without_protection_is_seen(bare: World) -> None:
    bare.app.get(PATH)(_careless(bare.database))
    found = walk(bare, ["admin"]).failures
    assert len(found) == 1
    assert all("the patient's words are in the answer" in failure for failure in found)
    assert WORDS not in "".join(found)
    assert unprotected(bare.app.routes) == [PATH]


def test_a_route_that_asks_for_a_scope_and_not_whose_it_is_is_seen(bare: World) -> None:
    bare.app.get(PATH, dependencies=[Depends(require("chat"))])(_careless(bare.database))
    assert unprotected(bare.app.routes) == []
    assert len(walk(bare, ["clinician"]).failures) == 1


def test_a_route_that_changes_what_is_anothers_is_seen(bare: World) -> None:
    @bare.app.post("/stop", dependencies=[Depends(require("chat"))])
    def stop(message_id: str) -> None:
        bare.database.retry(bare.database.users()[0].id, message_id)

    [failure] = walk(bare, ["carer"]).failures
    assert failure == "POST /stop as carer: a row was changed"


def test_callers_who_lose_their_account_on_the_way_are_seen(bare: World) -> None:
    @bare.app.delete("/me", dependencies=[Depends(require("chat"))])
    def leave(request: Request) -> None:
        bare.database.delete_user(current_user(request).id)

    assert walk(bare, ["carer"]).failures == ("the carer was let in no more",)


def test_a_route_that_asks_whose_it_is_is_closed(bare: World) -> None:
    @bare.app.get(PATH, dependencies=[Depends(require("chat"))])
    def read(request: Request, conversation_id: str) -> str:
        asked = current_user(request).id
        return mine(bare.database.conversation(asked, conversation_id)).title

    @bare.app.delete(PATH, dependencies=[Depends(require("chat"))])
    def forget(request: Request, conversation_id: str) -> None:
        bare.database.delete_conversation(current_user(request).id, conversation_id)

    assert walk(bare, ["admin"]).failures == ()


def test_the_server_does_not_start_with_a_route_that_says_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = needs.unprotected
    assert real([]) == []
    router = APIRouter()
    router.get("/open")(lambda: None)
    inside = APIRouter()
    inside.include_router(router, prefix="/deep")
    assert real(inside.routes) == ["/deep/open"]
    with pytest.raises(RuntimeError, match=r"nothing says who may call /deep/open\.\nGive the"):
        needs.refuse_unprotected(inside.routes)
    monkeypatch.setattr("cauce.serving.routes.health_routes", lambda model_name: inside)
    with pytest.raises(RuntimeError, match="/deep/open"):
        create_app(KnownAnswers(), model_name="demo", access=open_access(database))
