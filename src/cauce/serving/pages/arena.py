"""`/arena`: one question, two answers without names, a vote, then the names."""

from __future__ import annotations

from typing import get_args

import anyio
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from cauce.serving.access.needs import current_user, mine, read_form
from cauce.serving.pages.arena_votes import Answered, Contender, Pairings, standings
from cauce.serving.pages.forms import SWITCHED_ON, on_to
from cauce.serving.pages.shell import Shell
from cauce.serving.storage import Choice, Shown
from cauce.serving.storage.database import Database
from cauce.serving.wording.arena import ARENA

LONGEST_QUESTION_CHARACTERS = 2000
CHOICES: tuple[Choice, ...] = get_args(Choice)


def arena_routes(
    shell: Shell, database: Database, contenders: tuple[Contender, Contender]
) -> APIRouter:
    """The question, the pair that it gave, and the vote on it, by forms that need no script."""
    router = APIRouter()
    pairings = Pairings()

    @router.get("/arena", response_class=HTMLResponse)
    def arena_page(request: Request) -> HTMLResponse:
        return shell.page(
            request,
            "arena.html.j2",
            ARENA,
            pairing=None,
            longest=LONGEST_QUESTION_CHARACTERS,
            standings=standings(database.tallies()),
        )

    @router.post("/arena")
    async def ask(request: Request) -> Response:
        question = (await read_form(request)).get("question", "").strip()
        question = question[:LONGEST_QUESTION_CHARACTERS]
        if not question:
            raise HTTPException(400, "the form asks nothing")
        user = current_user(request)
        answers = await answered(contenders, question, request, user.id)
        if answers is None:
            return Response(status_code=499)
        pairing = pairings.new(user.id, question, answers)
        return on_to(request, f"/arena/{pairing.id}")

    @router.get("/arena/{pairing_id}", response_class=HTMLResponse)
    async def pairing_page(request: Request, pairing_id: str) -> HTMLResponse:
        pairing = mine(pairings.of(current_user(request).id, pairing_id))
        tallies = await run_in_threadpool(database.tallies) if pairing.choice else ()
        return shell.page(
            request, "arena.html.j2", ARENA, pairing=pairing, standings=standings(tallies)
        )

    @router.post("/arena/{pairing_id}/vote")
    async def vote(request: Request, pairing_id: str) -> Response:
        user = current_user(request)
        pairing = mine(pairings.of(user.id, pairing_id))
        form = await read_form(request)
        choice = form.get("choice", "")
        if choice not in CHOICES or pairing.is_same:
            raise HTTPException(400, "the form chooses none of the answers")
        if pairing.choice is None:
            pairings.vote(pairing, choice)
            await run_in_threadpool(
                database.add_vote,
                user.id,
                pairing.question,
                _shown(pairing.left),
                _shown(pairing.right),
                choice,
                consent=form.get("consent") == SWITCHED_ON,
            )
        return on_to(request, f"/arena/{pairing.id}")

    return router


async def answered(
    contenders: tuple[Contender, Contender], question: str, request: Request, user_id: str
) -> tuple[Answered, Answered] | None:
    """Both answers, made at the same time; None where whoever asked has left."""
    answers: dict[int, Answered] = {}

    async def ask(place: int, contender: Contender) -> None:
        reply = await contender.queue.reply(
            question, (), request.is_disconnected, user=user_id, plain=contender.plain
        )
        if reply is not None:
            answers[place] = Answered(contender.name, reply)

    try:
        async with anyio.create_task_group() as group:
            for place, contender in enumerate(contenders):
                group.start_soon(ask, place, contender)
    except* HTTPException as refused:
        raise refused.exceptions[0] from refused
    return (answers[0], answers[1]) if len(answers) == len(contenders) else None


def _shown(answered: Answered) -> Shown:
    return Shown(system=answered.system, text=answered.reply.text)
