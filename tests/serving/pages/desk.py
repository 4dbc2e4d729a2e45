"""A browser where somebody logged in, and the forms that they send."""

from __future__ import annotations

from typing import NamedTuple

import httpx
from benchmarks.serving.calling import client_of

from cauce.serving.access import open_access
from cauce.serving.access.callers import Caller, digest_of, new_secret
from cauce.serving.access.gate import COOKIE
from cauce.serving.app import create_app
from cauce.serving.features import NO_FEATURES, Features
from cauce.serving.queue import Answerer
from cauce.serving.storage import Role, User
from cauce.serving.storage.database import Database
from serving.live import KnownAnswers


class Desk(NamedTuple):
    """The browser of a user."""

    user: User
    client: httpx.Client
    csrf: str

    def read(self, path: str) -> str:
        """The page at `path`, in English."""
        answer = self.client.get(path, params={"lang": "en"}, headers={"accept": "text/html"})
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def send(self, path: str, **form: str) -> httpx.Response:
        """The answer to a form of a page of this session."""
        origin = {"origin": str(self.client.base_url), "accept": "text/html"}
        sent = {"csrf": self.csrf, **form}
        return self.client.post(path, params={"lang": "en"}, data=sent, headers=origin)


def desks(
    database: Database,
    *people: tuple[str, Role],
    features: Features = NO_FEATURES,
    assistant: Answerer | None = None,
) -> list[Desk]:
    """A desk for each of the people, at one server."""
    users = [database.add_user(name, role) for name, role in people]
    app = create_app(
        assistant or KnownAnswers(),
        model_name="demo",
        access=open_access(database),
        features=features,
    )
    return [_logged_in(database, user, client_of(app)) for user in users]


def _logged_in(database: Database, user: User, client: httpx.Client) -> Desk:
    secret = new_secret()
    database.add_token(user.id, digest_of(secret), kind="session")
    client.cookies.set(COOKIE, secret)
    return Desk(user, client, Caller(user, frozenset(), secret).csrf)
