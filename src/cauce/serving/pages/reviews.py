"""`/reviews`: answers found bad, with consent to be read, for a clinician to judge."""

from __future__ import annotations

from typing import get_args

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from cauce.serving.access.needs import current_user, read_form
from cauce.serving.pages.chat import LONGEST_OPINION_CHARACTERS
from cauce.serving.pages.forms import on_to
from cauce.serving.pages.shell import Shell
from cauce.serving.storage import Verdict
from cauce.serving.storage.database import Database
from cauce.serving.wording.reviews import REVIEWS

AT_ONCE = 10
"""Answers on the page; the rest come as these are judged."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def review_routes(shell: Shell, database: Database) -> APIRouter:
    """The queue, the oldest first, and a form for each answer in it."""
    router = APIRouter()

    @router.get("/reviews", response_class=HTMLResponse)
    def reviews_page(request: Request) -> HTMLResponse:
        waiting = database.reviews_open()
        return shell.page(
            request,
            "reviews.html.j2",
            REVIEWS,
            waiting=waiting[:AT_ONCE],
            count=len(waiting),
            verdicts=VERDICTS,
            longest=LONGEST_OPINION_CHARACTERS,
            is_kept="kept" in request.query_params,
        )

    @router.post("/reviews/{message_id}")
    async def judge(request: Request, message_id: str) -> Response:
        form = await read_form(request)
        verdict = form.get("verdict", "")
        if verdict not in VERDICTS:
            raise HTTPException(400, "the form gives no verdict")
        text = form.get("text", "").strip()[:LONGEST_OPINION_CHARACTERS]
        user = current_user(request)
        await run_in_threadpool(database.add_review, user.id, message_id, verdict, text)
        return on_to(request, "/reviews", kept="yes")

    return router
