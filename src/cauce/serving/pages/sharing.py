"""`/twins`: the twins whose pages one may open, and to whom one's own is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from cauce.serving.access import Access, shown_to
from cauce.serving.access.needs import current_user, read_form
from cauce.serving.pages.forms import on_to
from cauce.serving.pages.shell import Shell
from cauce.serving.storage import User
from cauce.serving.storage.database import Database
from cauce.serving.wording.twins import TWIN_PAGES
from cauce.twin.store import TWINS, list_twins

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Openable(NamedTuple):
    """A twin whose page the reader may ask for."""

    name: str
    is_own: bool
    is_agreed: bool
    """Whether its person agreed to the page being shown today."""


def twin_list_routes(
    shell: Shell, access: Access, only: str = "", *, twins: Path = TWINS
) -> APIRouter:
    """The list; with accounts also the forms that show one's twin to somebody and end that."""
    router = APIRouter()

    @router.get("/twins", response_class=HTMLResponse)
    def twins_page(request: Request) -> HTMLResponse:
        user = current_user(request)
        has_accounts = access.local is None
        names = _names(access.accounts, user) if has_accounts else {only}
        return shell.page(
            request,
            "twins.html.j2",
            TWIN_PAGES,
            twins=sorted(_openable(names, user.name, twins), key=lambda twin: not twin.is_own),
            has_accounts=has_accounts,
            shown=_readers(access.accounts, user) if has_accounts else (),
            done=request.query_params.get("done", ""),
        )

    async def said(request: Request, *, given: bool) -> Response:
        name = (await read_form(request)).get("name", "").strip().lower()
        user = current_user(request)
        if not _NAME.fullmatch(name) or name == user.name:
            raise HTTPException(400, "the form names no other user")
        await run_in_threadpool(access.accounts.consent, user.id, shown_to(name), given)
        return on_to(request, "/twins", done="shown" if given else "hidden")

    if access.local is None:

        @router.post("/twins/show")
        async def show(request: Request) -> Response:
            return await said(request, given=True)

        @router.post("/twins/hide")
        async def hide(request: Request) -> Response:
            return await said(request, given=False)

    return router


def _names(database: Database, user: User) -> set[str]:
    """The user's own, and those of whoever shows theirs to the user."""
    return {user.name, *(owner.name for owner in database.agreed_to(shown_to(user.name)))}


def _openable(names: set[str], own: str, twins: Path) -> Iterator[Openable]:
    for twin in list_twins(twins):
        if twin.name in names:
            is_agreed = "display" in twin.consent.purposes and not twin.is_expired
            yield Openable(twin.name, twin.name == own, is_agreed)


def _readers(database: Database, user: User) -> tuple[tuple[str, datetime], ...]:
    """To whom the user shows their twin, and since when."""
    start = shown_to("")
    return tuple(
        (consent.purpose.removeprefix(start), consent.at.astimezone(UTC))
        for consent in database.consents(user.id)
        if consent.given and consent.purpose.startswith(start)
    )
