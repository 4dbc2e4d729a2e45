"""From the form to the session and out again, and what another site cannot make a browser do."""

from __future__ import annotations

import doctest
import re
from typing import get_args

import httpx
import pytest
from benchmarks.serving.calling import client_of
from fastapi import APIRouter, Depends, Request

from cauce.records import Spoken
from cauce.serving.access import Access, Limit, Limits, change_password, login
from cauce.serving.access.gate import COOKIE
from cauce.serving.access.login import inside
from cauce.serving.access.needs import FORM_BYTES, csrf_of, current_user, require
from cauce.serving.access.wording import LOGIN
from cauce.serving.app import create_app
from cauce.serving.security import HEADERS
from cauce.serving.storage.database import Database
from serving.access.doors import CHAT, HERE, PASSWORD, QUESTION, Door, door, log_in
from serving.live import KnownAnswers

ORIGIN = {"origin": HERE}


@pytest.fixture
def ana(database: Database) -> Door:
    return door(database)


@pytest.fixture
def client(ana: Door) -> httpx.Client:
    return ana.client()


def test_log_in_ask_and_log_out(ana: Door, client: httpx.Client) -> None:
    assert log_in(client, " ANA ") == 303
    assert client.get("/").status_code == 200
    assert client.post(CHAT, json=QUESTION, headers=ORIGIN).status_code == 200
    [session] = ana.database.tokens(ana.database.users()[0].id)
    assert session.kind == "session" and session.expires_at is not None
    secret = client.cookies[COOKIE]
    form = {"csrf": _csrf(ana.access, secret)}
    left = client.post("/logout", data=form, headers=ORIGIN)
    assert (left.status_code, left.headers["location"]) == (303, "/login")
    assert COOKIE not in client.cookies
    client.cookies.set(COOKIE, secret)
    assert client.get("/v1/models").status_code == 401
    kinds = [event.kind for event in ana.database.events()]
    assert kinds == ["logged in", "user added"]


def _csrf(access: Access, secret: str) -> str:
    caller = access.caller(bearer="", cookie=secret)
    assert caller is not None
    return caller.csrf


@pytest.mark.parametrize(
    ("base_url", "is_secure"), [(HERE, False), ("https://salud.example", True)]
)
def test_the_cookie_is_for_this_server_alone(ana: Door, base_url: str, is_secure: bool) -> None:
    named = Door(ana.database, ana.access._replace(names=("salud.example",)))
    client = named.client(base_url)
    form = {"name": "ana", "password": PASSWORD}
    cookie = client.post("/login", data=form, headers={"origin": base_url}).headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie
    assert ("Secure" in cookie) is is_secure
    assert "Domain" not in cookie


def test_a_wrong_password_and_an_unknown_name_look_alike(client: httpx.Client) -> None:
    pages = []
    for name, password in [("ana", "not the password"), ("nobody", PASSWORD), ("", "")]:
        assert log_in(client, name, password) == 401
        form = {"name": name, "password": password}
        page = client.post("/login?lang=en", data=form, headers=ORIGIN).text
        assert LOGIN["en"]["wrong"] in page and 'role="alert"' in page
        pages.append(page)
    assert len(set(pages)) == 1
    assert COOKIE not in client.cookies


def test_guesses_are_slowed_down_by_name_and_by_address(ana: Door) -> None:
    one = Limit(1, 0.02)
    by_name = Limits(guesses_of_a_name=one)
    client = Door(ana.database, ana.access._replace(limits=by_name)).client()
    assert log_in(client, "ana", "wrong wrong wrong") == 401
    assert log_in(client, "nobody") == 401
    late = client.post("/login", data={"name": "ana", "password": PASSWORD}, headers=ORIGIN)
    assert late.status_code == 429
    assert 1 <= int(late.headers["retry-after"]) <= 50
    assert log_in(client, "nobody") == 429
    by_address = Limits(guesses_from_an_address=one)
    client = Door(ana.database, ana.access._replace(limits=by_address)).client()
    assert [log_in(client, name) for name in ("eva", "luz", "ana")][-1] == 429


def test_guessing_fills_no_table(ana: Door) -> None:
    waits = [ana.access.wait_to_guess_s(f"{n}", f"2001:db8::{n:x}") for n in range(30)]
    assert [bool(wait) for wait in waits] == [False] * 20 + [True] * 10
    assert ana.database.counts()["buckets"] == 1 + 20


def test_a_session_is_new_at_each_log_in(client: httpx.Client) -> None:
    client.cookies.set(COOKIE, "planted-by-somebody")
    log_in(client)
    first = client.cookies.get(COOKIE, domain="127.0.0.1")
    log_in(client)
    assert first != client.cookies.get(COOKIE, domain="127.0.0.1") != "planted-by-somebody"


def test_another_password_ends_the_sessions(ana: Door, client: httpx.Client) -> None:
    user = ana.database.users()[0]
    program = ana.token(user)
    log_in(client)
    change_password(ana.database, user, "another four words")
    assert client.get("/v1/models").status_code == 401
    assert client.get("/v1/models", headers=program).status_code == 200
    assert log_in(client) == 401
    assert log_in(client, "ana", "another four words") == 303


def test_the_log_in_leads_to_what_was_asked_and_nowhere_else(client: httpx.Client) -> None:
    places = {
        **{own: own for own in ("/", "/twin/ana?lang=ca", "/section?id=1&lang=en#quote")},
        **dict.fromkeys(("https://evil.example", "//evil.example", "/\\evil.example"), "/"),
        **dict.fromkeys(("javascript:x", "", "/\tx", "/\n"), "/"),
    }
    assert {onward: inside(onward) for onward in places} == places
    for onward in ("/twin/ana?lang=ca", "//evil.example"):
        form = {"name": "ana", "password": PASSWORD, "next": onward}
        answer = client.post("/login", data=form, headers=ORIGIN)
        assert answer.headers["location"] == places[onward]


def _with_form(ana: Door) -> httpx.Client:
    """An application with one form of its own."""
    router = APIRouter(dependencies=[Depends(require("chat"))])

    @router.post("/mine")
    async def change(request: Request) -> dict[str, str]:
        return {"by": current_user(request).name, "csrf": csrf_of(request)}

    app = create_app(KnownAnswers(), model_name="demo", access=ana.access)
    app.include_router(router)
    client = client_of(app, HERE)
    assert log_in(client) == 303
    return client


def test_a_form_of_another_site_does_nothing(ana: Door) -> None:
    client = _with_form(ana)
    token = _csrf(ana.access, client.cookies[COOKIE])
    statuses = {
        "without a token": client.post("/mine", data={"x": "1"}, headers=ORIGIN),
        "with a guess": client.post("/mine", data={"csrf": "ñ" * 64}, headers=ORIGIN),
        "without an origin": client.post("/mine", data={"csrf": token}),
        "another origin": client.post(
            "/mine", data={"csrf": token}, headers={"origin": "https://evil.example"}
        ),
        "another port": client.post(
            "/mine", data={"csrf": token}, headers={"origin": "http://127.0.0.1:9999"}
        ),
        "plain text": client.post(
            "/mine", content="{}", headers={**ORIGIN, "content-type": "text/plain"}
        ),
        "nothing": client.post("/mine", headers=ORIGIN),
        "another session's": client.post("/mine", data={"csrf": "0" * 64}, headers=ORIGIN),
    }
    assert {what: answer.status_code for what, answer in statuses.items()} == dict.fromkeys(
        statuses, 403
    )


def test_our_forms_and_our_scripts_work(ana: Door) -> None:
    client = _with_form(ana)
    token = _csrf(ana.access, client.cookies[COOKIE])
    by_form = client.post("/mine", data={"csrf": token}, headers=ORIGIN)
    assert by_form.json() == {"by": "ana", "csrf": token}
    assert client.post("/mine", headers={**ORIGIN, "x-csrf-token": token}).status_code == 200
    assert client.post("/mine", json={}, headers=ORIGIN).status_code == 200
    client.cookies.clear()
    program = ana.token(ana.database.users()[0])
    assert client.post("/mine", headers=program).json() == {"by": "ana", "csrf": ""}


def test_a_form_that_is_too_long_or_has_too_many_fields_is_refused(client: httpx.Client) -> None:
    long = client.post("/login", data={"name": "x" * FORM_BYTES}, headers=ORIGIN)
    assert long.status_code == 413
    many = {f"field{number}": "" for number in range(101)}
    assert client.post("/login", data=many, headers=ORIGIN).status_code == 400
    assert client.post("/login", data={"name": "ana"}).status_code == 403


def test_the_page_is_in_each_language_and_keeps_the_policy(client: httpx.Client) -> None:
    for language in get_args(Spoken):
        words = LOGIN[language]
        answer = client.get("/login", params={"lang": language, "next": '/"><script>'})
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert f'<html lang="{language}">' in answer.text
        assert f"<h1>{words['title']}</h1>" in answer.text
        assert not re.search(r"<style|<script| style=|\son\w+=|https?:", answer.text)
        for field in ("name", "password"):
            assert f'<label for="{field}">{words[field]}' in answer.text
            assert f'id="{field}"' in answer.text
        assert words.keys() == LOGIN["es"].keys()


def test_sessions_end_by_themselves(
    ana: Door, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "SESSION", login.SESSION * 0)
    log_in(client)
    assert client.get("/v1/models").status_code == 401


def test_examples() -> None:
    assert doctest.testmod(login).failed == 0
