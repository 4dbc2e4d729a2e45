"""`/research`: which works support what is asked, with the sentences that cite them."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from cauce.records import Citation, Reference, Reply
from cauce.serving.access.needs import current_user, read_form
from cauce.serving.pages.shell import Shell
from cauce.serving.queue import Queue
from cauce.serving.wording.research import RESEARCH

LONGEST_QUESTION_CHARACTERS = 2000


class Support(NamedTuple):
    """A sentence that answers, where it stands, and the works that it cites."""

    text: str
    citation: Citation
    works: tuple[Reference, ...]


def research_routes(shell: Shell, queue: Queue) -> APIRouter:
    """The page and its question."""
    router = APIRouter()

    @router.get("/research", response_class=HTMLResponse)
    def research_page(request: Request) -> HTMLResponse:
        return page(request)

    @router.post("/research", response_class=HTMLResponse)
    async def asked(request: Request) -> Response:
        question = (await read_form(request)).get("question", "").strip()
        question = question[:LONGEST_QUESTION_CHARACTERS]
        if not question:
            return page(request, question)
        user = current_user(request)
        reply = await queue.reply(question, (), request.is_disconnected, user=user.id)
        return page(request, question, reply) if reply else Response(status_code=499)

    def page(request: Request, question: str = "", reply: Reply | None = None) -> HTMLResponse:
        return shell.page(
            request,
            "research.html.j2",
            RESEARCH,
            question=question,
            reply=reply,
            supports=supports(reply) if reply else (),
            longest=LONGEST_QUESTION_CHARACTERS,
        )

    return router


def supports(reply: Reply) -> tuple[Support, ...]:
    """The sentences of a research reply, each with its own works; none where it abstains."""
    found = []
    for statement in reply.statements:
        if statement.citation is None:
            continue
        printed = statement.text.splitlines()
        works = tuple(
            work
            for work in reply.works
            if any(line.endswith(f"https://doi.org/{work.doi}") for line in printed[1:])
        )
        found.append(Support(printed[0], reply.citations[statement.citation], works))
    return tuple(found)
