"""`/account`: what a person may do with their own account: tokens, permission, data, its end."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from cauce.errors import UserError
from cauce.serving.access import LOCAL, Access, change_password, remove_person, revoke
from cauce.serving.access.gate import COOKIE
from cauce.serving.access.needs import caller_of, current_user, read_form
from cauce.serving.access.passwords import LONGEST, SHORTEST, is_password
from cauce.serving.pages.consents import consents_of
from cauce.serving.pages.forms import on_to
from cauce.serving.pages.shell import Shell
from cauce.serving.pages.tokens import issued_by, tokens_of
from cauce.serving.storage import Consent, User
from cauce.serving.storage.database import Database
from cauce.serving.storage.opinions import IMPROVE
from cauce.serving.wording.account import ACCOUNT


@dataclass(frozen=True)
class InPerson:
    """The dependency of what a program may not do with the token that its user gave it."""

    access: Access

    async def __call__(self, request: Request) -> None:
        """403 for whoever came in with a token: one that leaked could make others, or delete."""
        if self.access.local is None and not caller_of(request).session:
            raise HTTPException(403, "a token does not manage the account that it is of; log in")


def account_routes(shell: Shell, access: Access, database: Database) -> APIRouter:
    """The page and its forms; whoever sits at the machine has no tokens and no account to end."""
    router = APIRouter()
    in_person = [Depends(InPerson(access))]
    has_accounts = access.local is None

    def page(request: Request, *, secret: str = "", problem: str = "") -> HTMLResponse:
        user = current_user(request)
        return shell.page(
            request,
            "account.html.j2",
            ACCOUNT,
            person=user,
            has_accounts=has_accounts,
            improve=_said_of(database.consents(user.id), IMPROVE),
            consents=consents_of(request, database, user.id),
            tokens=tokens_of(request, database, user, secret),
            is_last=is_last_admin(database, user.id),
            shortest=SHORTEST,
            longest=LONGEST,
            problem=problem,
            done=request.query_params.get("done", ""),
        )

    @router.get("/account", response_class=HTMLResponse)
    def account_page(request: Request) -> HTMLResponse:
        return page(request)

    @router.post("/account/improve", dependencies=in_person)
    async def improve(request: Request) -> Response:
        given = {"yes": True, "no": False}.get((await read_form(request)).get("said", ""))
        if given is None:
            raise HTTPException(400, "the form says neither yes nor no")
        user = current_user(request)
        await run_in_threadpool(database.consent, user.id, IMPROVE, given)
        return on_to(request, "/account", done="given" if given else "withdrawn")

    if not has_accounts:
        return router

    @router.post("/account/tokens", dependencies=in_person)
    async def new_token(request: Request) -> Response:
        form = await read_form(request)
        try:
            issued = await run_in_threadpool(issued_by, form, database, current_user(request))
        except UserError:
            return await run_in_threadpool(page, request, problem="not_issued")
        return await run_in_threadpool(page, request, secret=issued.secret)

    @router.post("/account/tokens/{token_id}/end", dependencies=in_person)
    def end_token(request: Request, token_id: str) -> Response:
        revoke(database, current_user(request), token_id)
        return on_to(request, "/account", done="ended")

    @router.post("/account/password", dependencies=in_person)
    async def new_password(request: Request) -> Response:
        form, user = await read_form(request), current_user(request)
        address = request.client.host if request.client else ""
        try:
            await run_in_threadpool(_change_own_password, access, user, address, form)
        except UserError:
            return await run_in_threadpool(page, request, problem="not_changed")
        return on_to(request, "/login")

    @router.post("/account/delete", dependencies=in_person)
    async def delete(request: Request) -> Response:
        user = current_user(request)
        typed = (await read_form(request)).get("name", "").strip()
        is_last = await run_in_threadpool(is_last_admin, database, user.id)
        if typed != user.name or is_last:
            return await run_in_threadpool(page, request, problem="not_deleted")
        await run_in_threadpool(remove_person, database, user)
        gone = on_to(request, "/login")
        gone.delete_cookie(COOKIE, path="/")
        return gone

    return router


def _change_own_password(access: Access, user: User, address: str, form: dict[str, str]) -> None:
    """Every session ends with the old password. Raises UserError unless that was typed too."""
    database = access.accounts
    waits = access.wait_to_guess_s(user.name, address) > 0
    if waits or not is_password(form.get("now", ""), database.password(user.id)):
        raise UserError("the present password was not typed.\nType it again, after a while.")
    change_password(database, user, form.get("new", ""))


def is_last_admin(database: Database, user_id: str) -> bool:
    """Whether nobody but the user could still log in and administer this server."""
    admins = [it.id for it in database.users() if it.role == "admin" and it.name != LOCAL.name]
    return admins == [user_id]


def _said_of(consents: tuple[Consent, ...], purpose: str) -> Consent | None:
    return next((consent for consent in consents if consent.purpose == purpose), None)
