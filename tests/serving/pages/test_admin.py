"""What an administrator does with users, what they see, and what nobody else may."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from cauce import audit, serving
from cauce.records import Reply
from cauce.serving.access import passwords
from cauce.serving.access.passwords import is_password
from cauce.serving.features import Features
from cauce.serving.storage import User
from cauce.serving.wording.admin import ADMIN
from serving.pages.desk import Desk, desks

WORDS = "kumquat 7319"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "LOG2_N", 4)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log" / "audit-2026-01.jsonl"
    for number in range(3):
        audit.append(path, "replied", {"characters": number})
    return path


@pytest.fixture
def two(database, log: Path) -> list[Desk]:
    features = Features(log=log.parent)
    return desks(database, ("ana", "patient"), ("root", "admin"), features=features)


def _page_of(user: User) -> str:
    return f"/admin/users/{user.id}"


def test_what_was_done_is_told_in_every_language(two: list[Desk]) -> None:
    sources = Path(serving.__file__).parent.rglob("*.py")
    told = (re.findall(r'add_event[(,]\s*"([\w -]+)"', it.read_text("utf-8")) for it in sources)
    kinds = {kind for found in told for kind in found} | {"role changed", "data taken along"}
    assert len(kinds) > 5 and kinds <= ADMIN["ca"].keys()
    two[1].send(f"{_page_of(two[0].user)}/role", role="carer")
    assert "<td>role changed</td>" in two[1].read("/admin")
    assert "<td>papel cambiado</td>" in two[1].client.get("/admin?lang=es").text


def test_a_user_is_added_and_can_log_in(
    database, two: list[Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "twins" / "rosa").mkdir(parents=True)
    root = two[1]
    form = {"name": " Eva ", "role": "carer", "password": "four easy words"}
    added = root.send("/admin/users", **form)
    eva = database.user_named("eva")
    assert eva is not None and added.headers["location"].startswith(_page_of(eva))
    assert is_password("four easy words", database.password(eva.id))
    for wrong in (
        {"name": "eva"},
        {"role": "king"},
        {"password": "short"},
        {"name": "a b"},
        {"name": "rosa"},
    ):
        assert "Not added" in root.send("/admin/users", **{**form, "name": "leo", **wrong}).text
    assert len(database.users()) == 3


def test_roles_and_passwords_change_and_somebody_always_administers(database, two) -> None:
    ana, root = two
    assert root.send(f"{_page_of(ana.user)}/role", role="clinician").status_code == 303
    assert database.user(ana.user.id).role == "clinician"
    assert "/reviews" in ana.read("/account")
    for page, role in ((root, "patient"), (ana, "king")):
        assert "Not changed" in root.send(f"{_page_of(page.user)}/role", role=role).text
    assert database.user(root.user.id).role == "admin"
    assert "Not changed" in root.send(f"{_page_of(ana.user)}/password", password="short").text
    root.send(f"{_page_of(ana.user)}/password", password="five other easy words")
    assert is_password("five other easy words", database.password(ana.user.id))
    assert ana.client.get("/account").status_code == 401


def test_tokens_of_a_user_are_made_and_ended(database, two) -> None:
    ana, root = two
    path = f"{_page_of(ana.user)}/tokens"
    page = root.send(path, label="pump", scope_twins="on", scope_admin="on", days="9").text
    assert re.search(r"<code>cauce_[\w-]+</code>", page)
    [token] = [it for it in database.tokens(ana.user.id) if it.kind == "token"]
    assert token.scopes == ("twins",)
    assert "No token was made" in root.send(path, label="pump", days="0").text
    assert root.send(f"{path}/{token.id}/end").status_code == 303
    assert root.send(f"{path}/{token.id}/end").status_code == 404


def test_what_a_person_asked_leaves_only_as_a_file_and_that_is_noted(database, two) -> None:
    ana, root = two
    message = database.start_question(ana.user.id, None, WORDS)
    database.finish(message.id, Reply(text=WORDS))
    for path in ("/admin", "/admin/users", _page_of(ana.user), "/admin/checks"):
        assert WORDS not in root.read(path)
    taken = root.send(f"{_page_of(ana.user)}/export")
    assert taken.headers["content-disposition"] == 'attachment; filename="cauce-ana.json"'
    data = json.loads(taken.text)
    assert data["conversations"][0]["messages"][0]["question"] == WORDS
    [event] = [it for it in data["events"] if it["kind"] == "data taken along"]
    assert event["details"] == {"by": root.user.id}


def test_a_user_is_deleted_when_the_name_is_typed(database, two) -> None:
    ana, root = two
    path = f"{_page_of(ana.user)}/delete"
    assert "Not deleted" in root.send(path, name="anna").text
    assert "Not deleted" in root.send(f"{_page_of(root.user)}/delete", name="root").text
    assert root.send(path, name="ana").headers["location"] == "/admin/users?done=removed&lang=en"
    assert [it.name for it in database.users()] == ["root"]
    assert root.send(path, name="ana").status_code == 404


def test_events_and_counts_are_shown_and_a_broken_chain_is_seen(two, log: Path) -> None:
    root = two[1]
    root.send(f"{_page_of(two[0].user)}/role", role="carer")
    page = root.read("/admin")
    assert "role: carer; by: " in page and re.search(
        r">users</th><td class=\"number\">2</td>", page
    )
    page = root.read("/admin/checks")
    assert "It is sound." in page and 'class="good">whole' in page
    log.write_text(log.read_text().replace('"characters":1', '"characters":9'))
    page = root.read("/admin/checks")
    assert 'class="bad">broken' in page and "line 3: it does not follow line 2" in page


def test_nobody_else_administers(database, two) -> None:
    ana = two[0]
    for path in ("/admin", "/admin/checks", "/admin/users", _page_of(ana.user)):
        assert ana.client.get(path).status_code == 403
    assert ana.send(f"{_page_of(ana.user)}/role", role="admin").status_code == 403
    assert database.user(ana.user.id).role == "patient"


def test_without_accounts_there_are_no_users_to_manage(client: httpx.Client) -> None:
    assert "There are no accounts" in client.get("/admin?lang=en").text
    assert client.get("/admin/users").status_code == 404
    assert "There is no log yet." in client.get("/admin/checks?lang=en").text
