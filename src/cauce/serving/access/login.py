"""`/login` and `/logout`: from a name and a password to a session in a cookie, and its end."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from cauce.serving.access.callers import digest_of, new_secret
from cauce.serving.access.entrance import Access
from cauce.serving.access.gate import COOKIE
from cauce.serving.access.needs import caller_of, logged_in, read_form
from cauce.serving.access.passwords import is_password
from cauce.serving.access.wording import LOGIN
from cauce.serving.pages.shell import Shell, spoken_in
from cauce.serving.security import is_loopback
from cauce.serving.storage import User

SESSION = timedelta(hours=12)
AT_ONCE = 2
"""Passwords that are looked at together: each fills 32 MiB and a processor for a while."""
_OURS = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def login_routes(access: Access) -> APIRouter:
    """The page with its form, and the two changes it brings."""
    router = APIRouter()
    hashing = anyio.CapacityLimiter(AT_ONCE)

    @router.get("/login")
    async def login_page(request: Request) -> Response:
        return _page(request, request.query_params.get("next", "/"))

    @router.post("/login")
    async def log_in(request: Request) -> Response:
        if "origin" not in request.headers:
            raise HTTPException(403, "a browser names the origin of this request, and none came")
        form = await read_form(request)
        name, onward = form.get("name", "").strip().lower(), form.get("next", "/")
        address = request.client.host if request.client else ""
        if wait := await run_in_threadpool(access.wait_to_guess_s, name, address):
            return _page(request, onward, wait_s=math.ceil(wait))
        user = await anyio.to_thread.run_sync(
            _known, access, name, form.get("password", ""), limiter=hashing
        )
        if user is None:
            return _page(request, onward, is_wrong=True)
        secret = await run_in_threadpool(_start_session, access, user)
        return _with_cookie(RedirectResponse(inside(onward), 303), request, secret)

    @router.post("/logout", dependencies=[Depends(logged_in)])
    def log_out(request: Request) -> Response:
        token = access.accounts.token(digest_of(caller_of(request).session))
        if token is not None:
            access.accounts.delete_token(token.user_id, token.id)
        return _with_cookie(RedirectResponse("/login", 303), request, "")

    return router


def inside(onward: str) -> str:
    """Where to go after the log-in: a page of this server, else the first one.

    >>> inside("/twin/ana?lang=ca"), inside("//elsewhere.example"), inside("https://elsewhere")
    ('/twin/ana?lang=ca', '/', '/')
    """
    return onward if _OURS.fullmatch(onward) else "/"


def _known(access: Access, name: str, password: str) -> User | None:
    """The user, when the password is theirs; a name that nobody has takes as long."""
    user = access.accounts.user_named(name)
    stored = access.accounts.password(user.id if user else "")
    if not is_password(password, stored):
        access.accounts.add_event("log-in refused", user.id if user else None)
        return None
    return user


def _start_session(access: Access, user: User) -> str:
    """The secret of a new session, never one that came with the request."""
    secret = new_secret()
    ends = datetime.now(UTC) + SESSION
    access.accounts.add_token(user.id, digest_of(secret), kind="session", expires_at=ends)
    access.accounts.add_event("logged in", user.id)
    return secret


def _with_cookie(response: Response, request: Request, secret: str) -> Response:
    """The answer with the cookie, which scripts cannot read and other sites cannot have sent."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION.total_seconds()) if secret else 0,
        path="/",
        secure=not is_loopback(request.headers["host"]),
        httponly=True,
        samesite="strict",
    )
    return response


def _page(
    request: Request, onward: str, *, is_wrong: bool = False, wait_s: int = 0
) -> HTMLResponse:
    """200 for the empty form, 401 for a wrong password, 429 for too many of them."""
    words = LOGIN[spoken_in(request)]
    problem = words["wait"].format(seconds=wait_s) if wait_s else words["wrong"]
    page = Shell().page(
        request,
        "login.html.j2",
        LOGIN,
        status=429 if wait_s else 401 if is_wrong else 200,
        onward=inside(onward),
        problem=problem if wait_s or is_wrong else "",
    )
    if wait_s:
        page.headers["Retry-After"] = str(wait_s)
    return page
