"""`/admin`: what was done on this server, what its database holds, and whether its log is whole."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from cauce.report.trust.served import months
from cauce.report.trust.verifying import verify_report
from cauce.serving.pages.shell import Shell
from cauce.serving.storage import Event
from cauce.serving.storage.database import Database
from cauce.serving.wording.admin import ADMIN

EVENTS_SHOWN = 100


class Month(NamedTuple):
    """A file of the log of answers, looked through."""

    file: str
    entries: int
    sha256: str
    faults: tuple[str, ...]


class Done(NamedTuple):
    """An event, and the name of whom it is about where there still is one."""

    event: Event
    name: str


def event_routes(
    shell: Shell, database: Database, log: Path | None, *, has_accounts: bool
) -> APIRouter:
    """The page, and one that looks the database and the log of answers in `log` through."""
    router = APIRouter()

    @router.get("/admin", response_class=HTMLResponse)
    def admin_page(request: Request) -> HTMLResponse:
        names = {user.id: user.name for user in database.users()}
        events = database.events(EVENTS_SHOWN)
        return shell.page(
            request,
            "admin.html.j2",
            ADMIN,
            has_accounts=has_accounts,
            counts=database.counts(),
            events=[Done(event, names.get(event.user_id or "", "")) for event in events],
        )

    @router.get("/admin/checks", response_class=HTMLResponse)
    def checks_page(request: Request) -> HTMLResponse:
        return shell.page(
            request,
            "checks.html.j2",
            ADMIN,
            faults=database.check(),
            months=[_looked_through(path) for path in months(log)] if log else [],
        )

    return router


def _looked_through(path: Path) -> Month:
    found = verify_report(path)
    return Month(path.name, found.entries, found.sha256, found.faults)
