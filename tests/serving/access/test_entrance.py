"""With accounts or without; where the server may listen; whose twin is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.serving.calling import client_of

from cauce.errors import UserError
from cauce.serving.access import (
    LOCAL,
    Access,
    add_person,
    has_accounts,
    may_see_twin,
    open_access,
    remove_person,
    shown_to,
)
from cauce.serving.app import create_app, listen
from cauce.serving.security import is_served
from cauce.serving.storage.database import Database
from cauce.twin.store import add_twin
from serving.access.doors import PASSWORD, door
from serving.live import KnownAnswers
from twin.people import NAME, consent, record


def test_without_accounts_there_is_one_user_whose_questions_are_kept(database: Database) -> None:
    access = open_access(database)
    assert access.local is not None and access.local.name == LOCAL.name
    assert open_access(database).local == access.local
    assert not has_accounts(database)
    message = database.start_question(access.local.id, None, "What is it for?")
    assert database.conversation(access.local.id, message.conversation_id) is not None


def test_the_first_account_ends_the_local_user(database: Database) -> None:
    open_access(database)
    access = door(database).access
    assert access.local is None and has_accounts(database)
    assert access.caller(bearer="", cookie="") is None


def test_a_name_that_will_not_do_is_refused(database: Database) -> None:
    for name in ("local", "Ana", "a b", "../x", "", "x" * 65):
        with pytest.raises(UserError, match="cannot be a user's name"):
            add_person(database, name, "patient", PASSWORD)
    add_person(database, "ana", "patient", PASSWORD)
    with pytest.raises(UserError, match="there is a user 'ana' already"):
        add_person(database, "ana", "admin", PASSWORD)


def test_whoever_has_the_name_of_a_removed_user_later_sees_nothing_of_theirs(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ana = add_person(database, "ana", "patient", PASSWORD)
    eva = add_person(database, "eva", "carer", PASSWORD)
    database.consent(ana.id, shown_to("eva"), True)
    remove_person(database, eva)
    other = add_person(database, "eva", "carer", PASSWORD)
    assert not may_see_twin(database, other, "ana")
    (tmp_path / "twins" / "ana").mkdir(parents=True)
    remove_person(database, ana)
    with pytest.raises(
        UserError, match=r"'ana' cannot be.*a twin.*\n.*cauce twin forget ana\n.*move"
    ):
        add_person(database, "ana", "patient", PASSWORD)
    assert database.user_named("ana") is None
    (tmp_path / "twins" / "ana").rmdir()
    add_person(database, "ana", "patient", PASSWORD)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "salud.example"])
def test_other_addresses_are_for_accounts(host: str) -> None:
    with pytest.raises(UserError, match=r"Nobody has an account.*\n.*cauce users add"):
        listen(host, 0)


def test_other_addresses_need_a_name(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    access = door(database).access
    with pytest.raises(UserError, match="give it with --public-name"):
        listen("0.0.0.0", 0, access)
    listen("0.0.0.0", 0, access._replace(names=("salud.example",))).close()
    assert "TLS" in capsys.readouterr().err
    listen("127.0.0.1", 0, access).close()
    assert capsys.readouterr().err == ""


def test_the_server_goes_by_its_public_name_and_by_no_other(database: Database) -> None:
    add_person(database, "ana", "patient", PASSWORD)
    access = open_access(database, ["Salud.Example"])
    client = client_of(create_app(KnownAnswers(), model_name="demo", access=access))
    for host, status in [
        ("salud.example", 200),
        ("SALUD.example:8443", 200),
        ("evil.example", 421),
    ]:
        assert client.get("/health", headers={"host": host}).status_code == status
    own = {"host": "salud.example", "origin": "https://salud.example"}
    assert client.get("/health", headers=own).status_code == 200
    other = {**own, "origin": "https://evil.example"}
    assert client.get("/health", headers=other).status_code == 403
    assert not is_served("[", ("salud.example",))


def test_with_accounts_no_record_is_in_mind_of_all(database: Database) -> None:
    with pytest.raises(UserError, match="Leave --twin out"):
        create_app(KnownAnswers(), model_name="demo", twin="ana", access=door(database).access)


def test_a_twin_is_its_persons_and_of_whom_they_show_it_to(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    opened = door(database)
    add_twin("ana", [record(tmp_path)], consent())
    ana = database.users()[0]
    eva = add_person(database, "eva", "carer", PASSWORD)
    client = opened.client()
    hers, others = opened.token(ana), opened.token(eva)
    assert NAME in client.get("/twin/ana", headers=hers).text
    assert client.get("/twin/ana", headers=others).status_code == 404
    database.consent(ana.id, shown_to("eva"), True)
    assert NAME in client.get("/twin/ana", headers=others).text
    database.consent(ana.id, shown_to("eva"), False)
    assert client.get("/twin/ana", headers=others).status_code == 404
    assert client.get("/twin/eva", headers=others).status_code == 404
    assert not may_see_twin(database, eva, "nobody")


def test_a_server_with_accounts_has_a_database() -> None:
    with pytest.raises(ValueError, match="give one to Access"):
        Access(None, None).caller(bearer="x", cookie="")
