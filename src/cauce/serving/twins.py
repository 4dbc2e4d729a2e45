"""The page of the twin that is served: `/twin/NAME`, each look by consent and in its log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from cauce.errors import ConsentRefused
from cauce.records import Spoken
from cauce.report.twin.guess import Guess
from cauce.report.twin.page import render, style
from cauce.report.twin.wording import LANGUAGES
from cauce.serving.access import NO_ACCOUNTS, Access
from cauce.serving.access.needs import OwnTwin
from cauce.twin.store import TWINS, Twin, open_twin

STYLE = "/twin.css"


def twin_routes(
    only: str = "",
    access: Access = NO_ACCOUNTS,
    guess: Callable[[Twin], Guess] | None = None,
    *,
    twins: Path = TWINS,
) -> APIRouter:
    """`/twin/NAME` in the language of `?lang=` or else of the browser, and its style.

    Where `only` names one, no other twin can be asked for; where users log in, each finds their own
    and those shown to them. What `guess` tells stands on the page. Without consent today the answer
    is 403, with what to do.
    """
    router = APIRouter()

    own = Depends(OwnTwin(access))

    @router.get("/twin/{name}", response_class=HTMLResponse, dependencies=[own])
    def twin_page(request: Request, name: str) -> HTMLResponse:
        if only not in ("", name):
            raise HTTPException(404, f"the twin {only!r} is served, and no other")
        try:
            twin = open_twin(name, "display", twins=twins)
        except ConsentRefused as error:
            raise HTTPException(403, str(error)) from error
        spoken = spoken_by(
            request.query_params.get("lang", ""), request.headers.get("accept-language", "")
        )
        page = render(twin, spoken, guess(twin) if guess else None, style_at=STYLE)
        return HTMLResponse(page, headers={"Vary": "Accept-Language"})

    @router.get(STYLE)
    def twin_style() -> Response:
        return Response(style(), media_type="text/css")

    return router


def spoken_by(asked: str, accepted: str) -> Spoken:
    """The language asked for, else the first of the browser's that there is, else Spanish.

    >>> spoken_by("", "fr,ca;q=0.8,en;q=0.5")
    'ca'
    """
    for tag in (asked, *accepted.split(",")):
        code = tag.partition(";")[0].partition("-")[0].strip().lower()
        for spoken in LANGUAGES:
            if code == spoken:
                return spoken
    return "es"
