"""Who comes in, with which scopes, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from benchmarks.serving.calling import client_of

from cauce.errors import SourceUnavailable
from cauce.serving.access import Limit, Limits, issue_token, revoke
from cauce.serving.access.callers import digest_of, new_secret
from cauce.serving.access.entrance import Access
from cauce.serving.app import create_app
from cauce.serving.protocol import MAX_BYTES_WITH_IMAGES
from cauce.serving.storage import Role
from cauce.serving.storage.database import Database
from serving.access.doors import CHAT, HERE, QUESTION, Door, door
from serving.live import KnownAnswers


@pytest.fixture
def ana(database: Database) -> Door:
    return door(database)


@pytest.fixture
def client(ana: Door) -> Iterator[httpx.Client]:
    with ana.client() as client:
        yield client


def test_without_accounts_whoever_sits_here_comes_in() -> None:
    app = create_app(KnownAnswers(), model_name="demo")
    client = client_of(app, HERE)
    assert client.post(CHAT, json=QUESTION).status_code == 200
    assert client.get("/login").status_code == 404


def test_with_accounts_nobody_comes_in_without_saying_who(client: httpx.Client) -> None:
    assert client.get("/health").status_code == 200
    assert client.get("/static/chat.css").status_code == 200
    for path in ("/v1/models", "/section", "/twin/ana", "/nowhere", "/static", "/login/x"):
        answer = client.get(path)
        assert (path, answer.status_code) == (path, 401)
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["cache-control"] == "no-store"
    assert client.post(CHAT, json=QUESTION).status_code == 401
    page = client.get("/section?id=1", headers={"accept": "text/html"})
    assert page.status_code == 303
    assert page.headers["location"] == "/login?next=%2Fsection%3Fid%3D1"


def test_a_token_comes_in_until_it_ends(ana: Door, client: httpx.Client) -> None:
    user = ana.database.users()[0]
    headers = ana.token(user)
    assert client.post(CHAT, json=QUESTION, headers=headers).status_code == 200
    [token] = ana.database.tokens(user.id)
    assert token.used_at is not None and token.used_at.date() == datetime.now(UTC).date()
    assert revoke(ana.database, user) == 1
    assert client.post(CHAT, json=QUESTION, headers=headers).status_code == 401
    ended = issue_token(ana.database, user, ["chat"], name="", days=-1)
    late = {"authorization": f"Bearer {ended.secret}"}
    assert client.get("/v1/models", headers=late).status_code == 401


def test_what_is_no_token_does_not_come_in(client: httpx.Client) -> None:
    for sent in ("Bearer ", "Bearer cauce_x", "Basic YTpi", "x" * 9000):
        assert client.get("/v1/models", headers={"authorization": sent}).status_code == 401


def test_the_use_of_a_token_is_noted_once_a_day(ana: Door, client: httpx.Client) -> None:
    user = ana.database.users()[0]
    headers = ana.token(user)
    client.get("/v1/models", headers=headers)
    [first] = ana.database.tokens(user.id)
    client.get("/v1/models", headers=headers)
    assert ana.database.tokens(user.id) == (first,)


def test_the_secret_is_not_in_the_database(ana: Door) -> None:
    user = ana.database.users()[0]
    secret = ana.token(user)["authorization"].removeprefix("Bearer ")
    assert ana.database.file is not None
    files = ana.database.file.parent.iterdir()
    kept = b"".join(file.read_bytes() for file in files)
    assert secret.encode() not in kept
    assert digest_of(secret).encode() in kept


def test_secrets_are_256_random_bits() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(new_secret()) * 6 >= 256


def test_a_session_is_no_token_and_a_token_no_session(ana: Door, client: httpx.Client) -> None:
    user = ana.database.users()[0]
    secret = new_secret()
    soon = datetime.now(UTC) + timedelta(hours=1)
    ana.database.add_token(user.id, digest_of(secret), kind="session", expires_at=soon)
    assert ana.access.caller(bearer="", cookie=secret) is not None
    assert ana.access.caller(bearer=secret, cookie="") is None
    program = ana.token(user)["authorization"].removeprefix("Bearer ")
    assert ana.access.caller(bearer="", cookie=program) is None


def test_a_token_can_do_less_than_its_user_and_never_more(ana: Door, client: httpx.Client) -> None:
    user = ana.database.users()[0]
    narrow = issue_token(ana.database, user, ["twins"], name="").secret
    answer = client.post(CHAT, json=QUESTION, headers={"authorization": f"Bearer {narrow}"})
    assert answer.status_code == 403
    assert "the scope 'chat'" in answer.json()["error"]["message"]
    ana.database.set_role(user.id, "researcher")
    caller = ana.access.caller(bearer=narrow, cookie="")
    assert caller is not None and caller.scopes == frozenset()


@pytest.mark.parametrize(("role", "status"), [("patient", 404), ("researcher", 403)])
def test_scopes_are_those_of_the_role(database: Database, role: Role, status: int) -> None:
    opened = door(database, role)
    headers = opened.token(database.users()[0])
    assert opened.client().get("/twin/nobody", headers=headers).status_code == status


def test_too_many_requests_wait(ana: Door) -> None:
    limits = Limits(reading=Limit(2, 0.01), asking=Limit(1, 0.2))
    slow = Door(ana.database, ana.access._replace(limits=limits))
    client, headers = slow.client(), ana.token(ana.database.users()[0])
    assert client.post(CHAT, json=QUESTION, headers=headers).status_code == 200
    refused = client.post(CHAT, json=QUESTION, headers=headers)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert refused.headers["x-ratelimit-limit-requests"] == "1"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    another = ana.token(ana.database.users()[0])
    assert client.post(CHAT, json=QUESTION, headers=another).status_code == 429
    read = [client.get("/v1/models", headers=headers).status_code for _ in range(3)]
    assert read == [200, 200, 429]
    eva = ana.token(ana.database.add_user("eva", "carer"))
    assert client.post(CHAT, json=QUESTION, headers=eva).status_code == 200


def test_a_database_that_does_not_answer_lets_nobody_in(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(self: Access, *, bearer: str, cookie: str) -> None:
        raise SourceUnavailable("the database did not answer.\nTry again.")

    monkeypatch.setattr(Access, "caller", silent)
    answer = client.get("/v1/models")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "source_unavailable"


def test_what_is_longer_than_any_route_takes_is_refused(client: httpx.Client) -> None:
    body = b'"image_url"' + b" " * MAX_BYTES_WITH_IMAGES
    origin = {"origin": HERE, "content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/login", content=body, headers=origin)
    assert answer.status_code == 413
