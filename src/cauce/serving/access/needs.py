"""What a route says of who may call it: `Depends(require("chat"))`.

    @router.get("/conversations/{conversation_id}", dependencies=[Depends(require("chat"))])
    def conversation(request: Request, conversation_id: str) -> ...:
        found = mine(database.conversation(current_user(request).id, conversation_id))

A route that says nothing keeps the server from starting.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from cauce.serving.access.callers import Caller
from cauce.serving.access.entrance import SAFE_METHODS, Access
from cauce.serving.access.people import may_see_twin
from cauce.serving.access.roles import Scope
from cauce.serving.storage import User

T = TypeVar("T")
PUBLIC = ("/health", "/login")
STATIC = "/static"
FORM_BYTES = 64 * 1024
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"


def is_public(path: str) -> bool:
    """Whether nobody needs to say who they are there: nothing of a person is behind it."""
    return path in PUBLIC or path.startswith(f"{STATIC}/")


def caller_of(request: Request) -> Caller:
    """Who sent the request, and how they came in."""
    caller: Caller = request.state.caller
    return caller


def current_user(request: Request) -> User:
    """Who sent the request."""
    return caller_of(request).user


def csrf_of(request: Request) -> str:
    """What every form of a page has in its hidden field `csrf`."""
    return caller_of(request).csrf


def mine(found: T | None) -> T:
    """What was found; 404 where nothing was, as the database answers for another user's id."""
    if found is None:
        raise HTTPException(404, "there is none that is yours")
    return found


@dataclass(frozen=True)
class Require:
    """The dependency of a route: the caller has the scope, and meant to send the request."""

    scope: Scope | None

    async def __call__(self, request: Request) -> User:
        """The caller; 403 for one without the scope, or whom another site may have made send it."""
        caller = caller_of(request)
        if self.scope is not None and self.scope not in caller.scopes:
            raise HTTPException(403, f"this needs the scope {self.scope!r}, which you do not have")
        if caller.session and request.method not in SAFE_METHODS:
            await _refuse_forged(request, caller)
        return caller.user


def require(scope: Scope) -> Require:
    """For the routes that only users with the scope may call."""
    return Require(scope)


logged_in = Require(None)
"""For the routes that every user may call."""


@dataclass(frozen=True)
class OwnTwin:
    """The dependency of a route with `{name}`: the twin is the caller's own, or shown to them."""

    access: Access

    async def __call__(self, request: Request, name: str) -> None:
        """404 for anybody else's."""
        if self.access.local is not None:
            return
        user = current_user(request)
        if not await run_in_threadpool(may_see_twin, self.access.accounts, user, name):
            raise HTTPException(404, "there is no twin of yours by that name")


async def _refuse_forged(request: Request, caller: Caller) -> None:
    """403 for a request that a page of another site could have a browser send with our cookie.

    Browsers name the origin with every request that changes something, and the guard has compared
    it with ours. A form can besides send only some kinds of body; those carry the form's token.
    """
    if "origin" not in request.headers:
        raise HTTPException(403, "a browser names the origin of this request, and none came")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "POST" or kind == "application/json":
        return
    token = request.headers.get(CSRF_HEADER) or (await read_form(request)).get(CSRF_FIELD, "")
    if not caller.sent_form(token):
        raise HTTPException(403, "the form is not of this session; load its page again")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form as HTML sends them, the last of each name; empty for another body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    body = await request.body()
    if len(body) > FORM_BYTES:
        raise HTTPException(413, f"the form is longer than {FORM_BYTES} bytes")
    text = body.decode("utf-8", "replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
    except ValueError as error:
        raise HTTPException(400, "the form has more than 100 fields") from error


def needs(routes: Sequence[BaseRoute]) -> Iterator[tuple[RouteContext, Require | None]]:
    """Every route with what it says of its callers; None where it says nothing."""
    for context in iter_route_contexts(routes):
        is_api = isinstance(context.original_route, APIRoute)
        yield context, _requirement(context.dependant) if is_api else None


def unprotected(routes: Sequence[BaseRoute]) -> list[str]:
    """The paths that are neither public nor say who may call them."""
    return [
        str(context.path)
        for context, need in needs(routes)
        if need is None and context.path != STATIC and not is_public(str(context.path))
    ]


def refuse_unprotected(routes: Sequence[BaseRoute]) -> None:
    """Raises RuntimeError for routes that anybody who logs in could call, whoever they are."""
    if paths := unprotected(routes):
        raise RuntimeError(
            f"nothing says who may call {', '.join(paths)}.\n"
            'Give the route or its router dependencies=[Depends(require("chat"))].'
        )


def _requirement(dependant: Dependant) -> Require | None:
    for one in dependant.dependencies:
        if isinstance(one.call, Require):
            return one.call
        if found := _requirement(one):
            return found
    return None
