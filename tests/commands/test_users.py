"""`cauce users`: accounts and tokens from the command line; no password in an argument."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner, Result

from cauce.commands import users
from cauce.errors import NotFound, UserError
from cauce.serving import access, storage
from cauce.serving.access import open_access, passwords
from cauce.serving.access.passwords import is_password
from cauce.serving.storage import open_database

PASSWORD = "four words are easy"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAUCE_DATABASE", raising=False)
    monkeypatch.setattr(passwords, "LOG2_N", 4)


def cauce(*arguments: str, typed: str = "", **environment: str) -> Result:
    return CliRunner().invoke(users.users_app, list(arguments), typed, environment)


def refused(*arguments: str, **environment: str) -> BaseException:
    error = cauce(*arguments, **environment).exception
    assert error is not None
    return error


def add(name: str = "ana", role: str = "patient") -> Result:
    return cauce("add", name, "--role", role, CAUCE_PASSWORD=PASSWORD)


def is_kept(password: str) -> bool:
    with open_database(users.DEFAULT) as opened:
        user = opened.user_named("ana")
        assert user is not None
        return is_password(password, opened.password(user.id))


def test_the_password_is_asked_for_or_read_from_the_environment() -> None:
    asked = cauce("add", "ana", "--role", "patient", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert asked.exit_code == 0 and asked.stdout.startswith("ana ")
    assert PASSWORD not in asked.output
    assert is_kept(PASSWORD)
    assert cauce("password", "ana", CAUCE_PASSWORD="another four words").exit_code == 0
    assert is_kept("another four words")
    assert cauce("add", "eva", "--role", "carer", "--password", PASSWORD).exit_code == 2


def test_users_are_listed_without_what_lets_them_in() -> None:
    add()
    listed = json.loads(cauce("list", "--json").stdout)
    assert (listed["name"], listed["role"]) == ("ana", "patient")
    assert set(listed) == {"id", "name", "role", "created_at"}
    assert cauce("list").stdout.startswith("ana ")


def test_a_token_is_printed_once_and_comes_in_until_it_is_revoked() -> None:
    add()
    issued = cauce("token", "ana", "--scope", "chat", "--label", "Open WebUI", "--days", "2")
    secret = issued.stdout.strip()
    assert secret.startswith("cauce_") and "Shown this once" in issued.stderr
    listed = cauce("list", "ana")
    assert secret not in listed.output and "Open WebUI" in listed.stdout
    with open_database(users.DEFAULT) as opened:
        caller = open_access(opened).caller(bearer=secret, cookie="")
        assert caller is not None and caller.scopes == {"chat"}
        assert cauce("revoke", "ana").stdout == "1\n"
        assert open_access(opened).caller(bearer=secret, cookie="") is None
    assert isinstance(refused("revoke", "ana", "no-such"), NotFound)
    error = refused("token", "ana", "--scope", "admin")
    assert isinstance(error, UserError) and "a patient has no scope admin" in str(error)


def test_a_user_is_removed_after_a_question() -> None:
    add()
    assert cauce("remove", "ana", typed="n\n").exit_code == 1
    assert cauce("list").stdout != ""
    assert cauce("remove", "ana", "--yes").exit_code == 0
    assert cauce("list").stdout == ""
    assert "cauce users list" in str(refused("remove", "ana", "--yes"))


def test_a_twin_is_shared_and_no_longer() -> None:
    add()
    add("eva", "carer")
    with open_database(users.DEFAULT) as opened:
        eva = opened.user_named("eva")
        assert eva is not None
        cauce("share", "ana", "eva")
        assert access.may_see_twin(opened, eva, "ana")
        cauce("share", "ana", "eva", "--stop")
        assert not access.may_see_twin(opened, eva, "ana")
        add("rita", "researcher")
        for name in ("rita", "ana"):
            assert "whose role sees twins" in str(refused("share", "ana", name))
            assert cauce("share", "ana", name, "--stop").exit_code == 0


def test_the_choices_are_those_of_the_app() -> None:
    assert get_args(users.Role) == get_args(storage.Role)
    offered = cauce("token", "--help").stdout
    assert all(scope in offered for scope in get_args(access.Scope))
