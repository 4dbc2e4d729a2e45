"""A server with accounts, and what a browser does there."""

from __future__ import annotations

from typing import NamedTuple

import httpx
from benchmarks.serving.calling import client_of

from cauce.serving.access import SCOPES, Access, add_person, issue_token, open_access
from cauce.serving.app import create_app
from cauce.serving.storage import Role, User
from cauce.serving.storage.database import Database
from serving.live import KnownAnswers

HERE = "http://127.0.0.1:8000"
PASSWORD = "four words are easy"
CHAT = "/v1/chat/completions"
QUESTION = {"model": "demo", "messages": [{"role": "user", "content": "dose of paracetamol?"}]}


class Door(NamedTuple):
    """The database and the access that is built on it."""

    database: Database
    access: Access

    def client(self, base_url: str = HERE) -> httpx.Client:
        """A browser without cookies, which follows nothing by itself."""
        app = create_app(KnownAnswers(), model_name="demo", access=self.access)
        return client_of(app, base_url)

    def token(self, user: User) -> dict[str, str]:
        """The header of the user's program."""
        issued = issue_token(self.database, user, SCOPES[user.role], name="test")
        return {"authorization": f"Bearer {issued.secret}"}


def door(database: Database, role: Role = "patient") -> Door:
    """One where Ana has an account."""
    add_person(database, "ana", role, PASSWORD)
    return Door(database, open_access(database))


def log_in(
    client: httpx.Client, name: str = "ana", password: str = PASSWORD, *, onward: str = "/"
) -> int:
    """The status of the answer to the form; the cookie is in the client then."""
    origin = {"origin": str(client.base_url).rstrip("/")}
    form = {"name": name, "password": password, "next": onward}
    return client.post("/login", data=form, headers=origin).status_code
