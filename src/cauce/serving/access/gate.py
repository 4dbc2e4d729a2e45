"""The door of the application: who comes in, and how often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from cauce.errors import SourceUnavailable
from cauce.serving.access.callers import Caller
from cauce.serving.access.entrance import Access, Limit
from cauce.serving.access.needs import is_public
from cauce.serving.protocol import error_body, unavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "cauce_session"


class Gate:
    """ASGI middleware: passes on the requests of callers it knows, with `caller` in their state.

    Everything but the public paths is behind it, what a route forgets to say included.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or passes it on."""
        if scope["type"] != "http" or is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        found = await run_in_threadpool(self._admit, request)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = found
        await self._app(scope, receive, send)

    def _admit(self, request: Request) -> Caller | Response:
        """The caller, or the answer to whoever may not come in now."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        try:
            caller = self._access.caller(bearer=bearer, cookie=request.cookies.get(COOKIE, ""))
            if caller is None:
                return _unknown(request)
            wait = self._access.wait_s(caller, request.method)
        except SourceUnavailable as error:
            return JSONResponse(unavailable(error), 503)
        return too_many(wait, self._access.limit_of(request.method)) if wait else caller


def _unknown(request: Request) -> Response:
    """To the log-in page for a reader of pages; 401 for a program."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?{urlencode({'next': asked})}", 303)
    text = "No valid token came. Send one as `Authorization: Bearer TOKEN`, or log in at /login."
    body = error_body(text, kind="authentication_error", code="invalid_api_key")
    return JSONResponse(body, 401, {"WWW-Authenticate": "Bearer"})


def too_many(wait_s: float, limit: Limit) -> Response:
    """429 as OpenAI's clients understand it: they wait for `Retry-After` and ask again."""
    seconds = math.ceil(wait_s)
    text = f"Too many requests: {limit.at_once:g} at once, then {limit.per_s:g} a second. "
    body = error_body(
        f"{text}Wait {seconds} s.", kind="rate_limit_error", code="rate_limit_exceeded"
    )
    headers = {
        "Retry-After": str(seconds),
        "x-ratelimit-limit-requests": f"{limit.at_once:g}",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": f"{seconds}s",
    }
    return JSONResponse(body, 429, headers)
