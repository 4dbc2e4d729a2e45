"""`/admin`: users with their roles and tokens, what was done, and what the database holds.

An administrator reads no conversation here. One may take all that is kept of a person along for
them, who may be unable to log in; that leaves an event in what the person takes along later.
"""

from __future__ import annotations

from typing import NamedTuple, get_args

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from cauce.errors import UserError
from cauce.serving.access import add_person, change_password, remove_person, revoke
from cauce.serving.access.needs import current_user, mine, read_form
from cauce.serving.access.passwords import LONGEST, SHORTEST
from cauce.serving.pages.account import is_last_admin
from cauce.serving.pages.consents import consents_of
from cauce.serving.pages.forms import file_of, on_to
from cauce.serving.pages.shell import Shell
from cauce.serving.pages.tokens import issued_by, tokens_of
from cauce.serving.storage import Role
from cauce.serving.storage.database import Database
from cauce.serving.wording.admin import ADMIN

ROLES: tuple[Role, ...] = get_args(Role)


class _People(NamedTuple):
    """The pages that an administrator sees of users."""

    shell: Shell
    database: Database

    def all(self, request: Request, *, problem: str = "") -> HTMLResponse:
        """The list of users."""
        return self.shell.page(
            request,
            "users.html.j2",
            ADMIN,
            people=self.database.users(),
            roles=ROLES,
            shortest=SHORTEST,
            longest=LONGEST,
            problem=problem,
            done=request.query_params.get("done", ""),
        )

    def one(
        self, request: Request, user_id: str, *, secret: str = "", problem: str = ""
    ) -> HTMLResponse:
        """The page of a user; a new token's `secret` is shown this once."""
        person = mine(self.database.user(user_id))
        return self.shell.page(
            request,
            "user.html.j2",
            ADMIN,
            person=person,
            roles=ROLES,
            tokens=tokens_of(request, self.database, person, secret),
            consents=consents_of(request, self.database, person.id),
            is_last=is_last_admin(self.database, person.id),
            shortest=SHORTEST,
            longest=LONGEST,
            problem=problem,
            done=request.query_params.get("done", ""),
        )


def user_routes(shell: Shell, database: Database) -> APIRouter:
    """The list of users, the page of each, and what may be done to them."""
    people, router = _People(shell, database), APIRouter()
    _add_pages(router, people)
    _add_secrets(router, people)
    _add_leaving(router, people)
    return router


def _add_pages(router: APIRouter, people: _People) -> None:
    """Who there is and in which role."""
    database = people.database

    @router.get("/admin/users", response_class=HTMLResponse)
    def users_page(request: Request) -> HTMLResponse:
        return people.all(request)

    @router.get("/admin/users/{user_id}", response_class=HTMLResponse)
    def user_page(request: Request, user_id: str) -> HTMLResponse:
        return people.one(request, user_id)

    @router.post("/admin/users")
    async def add(request: Request) -> Response:
        form = await read_form(request)
        name, role = form.get("name", "").strip().lower(), form.get("role", "")
        try:
            if role not in ROLES:
                raise UserError(f"there is no role {role[:20]!r}.\nChoose one of {ROLES}.")
            user = await run_in_threadpool(
                add_person, database, name, role, form.get("password", "")
            )
        except UserError:
            return await run_in_threadpool(people.all, request, problem="not_added")
        return on_to(request, f"/admin/users/{user.id}", done="added")

    @router.post("/admin/users/{user_id}/role")
    async def change_role(request: Request, user_id: str) -> Response:
        role = (await read_form(request)).get("role", "")
        is_last = await run_in_threadpool(is_last_admin, database, user_id)
        if role not in ROLES or (is_last and role != "admin"):
            return await run_in_threadpool(people.one, request, user_id, problem="not_changed")
        await run_in_threadpool(database.set_role, user_id, role)
        by = current_user(request).id
        await run_in_threadpool(database.add_event, "role changed", user_id, role=role, by=by)
        return on_to(request, f"/admin/users/{user_id}", done="changed")


def _add_secrets(router: APIRouter, people: _People) -> None:
    """Passwords and tokens."""
    database = people.database

    @router.post("/admin/users/{user_id}/password")
    async def new_password(request: Request, user_id: str) -> Response:
        chosen = (await read_form(request)).get("password", "")
        person = mine(await run_in_threadpool(database.user, user_id))
        try:
            await run_in_threadpool(change_password, database, person, chosen)
        except UserError:
            return await run_in_threadpool(people.one, request, user_id, problem="bad_password")
        return on_to(request, f"/admin/users/{user_id}", done="changed")

    @router.post("/admin/users/{user_id}/tokens")
    async def new_token(request: Request, user_id: str) -> Response:
        form = await read_form(request)
        person = mine(await run_in_threadpool(database.user, user_id))
        try:
            issued = await run_in_threadpool(issued_by, form, database, person)
        except UserError:
            return await run_in_threadpool(people.one, request, user_id, problem="not_issued")
        return await run_in_threadpool(people.one, request, user_id, secret=issued.secret)

    @router.post("/admin/users/{user_id}/tokens/{token_id}/end")
    def end_token(request: Request, user_id: str, token_id: str) -> Response:
        revoke(database, mine(database.user(user_id)), token_id)
        return on_to(request, f"/admin/users/{user_id}", done="ended")


def _add_leaving(router: APIRouter, people: _People) -> None:
    """What is taken along, and the end of an account."""
    database = people.database

    @router.post("/admin/users/{user_id}/export")
    def export(request: Request, user_id: str) -> Response:
        mine(database.user(user_id))
        database.add_event("data taken along", user_id, by=current_user(request).id)
        found = mine(database.export(user_id))
        name = f"cauce-{found.user.name}.json"
        return file_of(found.model_dump_json(indent=2), "application/json", name)

    @router.post("/admin/users/{user_id}/delete")
    async def delete(request: Request, user_id: str) -> Response:
        typed = (await read_form(request)).get("name", "").strip()
        person = mine(await run_in_threadpool(database.user, user_id))
        is_last = await run_in_threadpool(is_last_admin, database, user_id)
        if typed != person.name or is_last:
            return await run_in_threadpool(people.one, request, user_id, problem="not_deleted")
        await run_in_threadpool(remove_person, database, person)
        return on_to(request, "/admin/users", done="removed")
