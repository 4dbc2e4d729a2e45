"""One's own account: tokens told once, permission, the end; nothing of it by a token."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from cauce.errors import UserError
from cauce.serving.access import issue_token, passwords
from cauce.serving.access.callers import digest_of
from cauce.serving.pages.forms import whole_number
from cauce.serving.storage.opinions import IMPROVE
from serving.pages.desk import Desk, desks


@pytest.fixture
def two(database) -> list[Desk]:
    return desks(database, ("ana", "clinician"), ("root", "admin"))


def test_a_token_is_told_once_and_lets_a_program_in_until_it_ends(database, two) -> None:
    ana = two[0]
    form = {"label": "my <b>script", "scope_chat": "on", "scope_admin": "on", "days": "5"}
    page = ana.send("/account/tokens", **form).text
    [secret] = re.findall(r"<code>(cauce_[\w-]+)</code>", page)
    assert secret not in ana.read("/account") and "my &lt;b&gt;script" in page
    token = database.token(digest_of(secret))
    assert token is not None and token.scopes == ("chat",)
    assert abs(token.expires_at - datetime.now(UTC) - timedelta(days=5)) < timedelta(minutes=1)
    bearer = {"authorization": f"Bearer {secret}"}
    ana.client.cookies.clear()
    assert ana.client.get("/v1/models", headers=bearer).status_code == 200
    database.delete_token(ana.user.id, token.id)
    assert ana.client.get("/v1/models", headers=bearer).status_code == 401


def test_days_that_are_no_days_make_no_token(database, two) -> None:
    page = two[0].send("/account/tokens", label="x", scope_chat="on", days="0")
    assert "choose between 1 and 3650 days" in page.text
    assert [it.kind for it in database.tokens(two[0].user.id)] == ["session"]


@pytest.mark.parametrize(
    "typed", ["0", "3651", "x", "-1", "\N{ARABIC-INDIC DIGIT ONE}", "", "9" * 30]
)
def test_what_is_no_number_of_days_is_refused(typed: str) -> None:
    assert whole_number("3650", least=1, most=3650) == 3650
    with pytest.raises(UserError, match=r"no number from 1 to 3650\.\nType"):
        whole_number(typed, least=1, most=3650)


def test_only_ones_own_tokens_can_be_ended(database, two) -> None:
    ana, root = two
    theirs = issue_token(database, root.user, ["chat"], name="x").token
    assert ana.send(f"/account/tokens/{theirs.id}/end").status_code == 404
    own = issue_token(database, ana.user, ["chat"], name="x").token
    assert ana.send(f"/account/tokens/{own.id}/end").status_code == 303
    assert [it.id for it in database.tokens(root.user.id) if it.kind == "token"] == [theirs.id]
    assert own.id not in [it.id for it in database.tokens(ana.user.id)]


def test_the_session_that_reads_the_page_is_told_from_the_others(database, two) -> None:
    ana, root = two
    other = database.add_token(ana.user.id, digest_of("another browser"), kind="session")
    page = ana.read("/account")
    assert page.count("Browser session (this one)") == 1 and f"{other.id}/end" in page
    assert "(this one)" not in root.read(f"/admin/users/{ana.user.id}")


def test_permission_is_given_and_withdrawn(database, two) -> None:
    ana = two[0]
    for said, given in (("no", False), ("yes", True)):
        assert ana.send("/account/improve", said=said).status_code == 303
        assert [(it.purpose, it.given) for it in database.consents(ana.user.id)] == [
            (IMPROVE, given)
        ]
    assert ana.send("/account/improve", said="perhaps").status_code == 400
    assert "Learning from opinions" in ana.read("/account")


def test_an_account_ends_when_its_name_is_typed(database, two) -> None:
    ana, root = two
    local = database.add_user("local", "admin")
    assert "Not deleted" in ana.send("/account/delete", name="root").text
    assert "Not deleted" in root.send("/account/delete", name="root").text
    gone = ana.send("/account/delete", name="ana")
    assert gone.headers["location"] == "/login?lang=en"
    assert {it.id for it in database.users()} == {local.id, root.user.id}
    assert ana.client.get("/account").status_code == 401
    assert "user removed" in [it.kind for it in database.events()]


def test_a_password_is_changed_by_whoever_knows_it(database, two, monkeypatch) -> None:
    monkeypatch.setattr(passwords, "LOG2_N", 4)
    ana, now, new = two[0], "four words are easy", "another four words"
    database.set_password(ana.user.id, passwords.hash_password(now))
    for typed in ({"now": "mine", "new": new}, {"now": now, "new": "short"}, {}):
        assert "Not changed" in ana.send("/account/password", **typed).text
    assert passwords.is_password(now, database.password(ana.user.id))
    changed = ana.send("/account/password", now=now, new=new)
    assert changed.headers["location"] == "/login?lang=en"
    assert passwords.is_password(new, database.password(ana.user.id))
    assert ana.client.get("/account").status_code == 401


def test_a_present_password_is_not_guessed_at_without_end(database, two, monkeypatch) -> None:
    monkeypatch.setattr(passwords, "LOG2_N", 4)
    ana, now = two[0], "four words are easy"
    database.set_password(ana.user.id, passwords.hash_password(now))
    for _ in range(10):
        ana.send("/account/password", now="mine", new="another four words")
    assert "Not changed" in ana.send("/account/password", now=now, new="another four words").text
    assert passwords.is_password(now, database.password(ana.user.id))


def test_a_token_manages_no_account(database, two) -> None:
    root = two[1]
    secret = issue_token(database, root.user, ["chat", "admin"], name="x").secret
    root.client.cookies.clear()
    for path in ("/account/tokens", "/account/improve", "/account/password", "/account/delete"):
        answer = root.client.post(
            path, data={"said": "yes"}, headers={"authorization": f"Bearer {secret}"}
        )
        assert answer.status_code == 403
    assert len(database.users()) == 2 and database.consents(root.user.id) == ()


def test_a_form_without_the_sessions_word_changes_nothing(database, two) -> None:
    sent = two[0].send("/account/improve", said="yes", csrf="0" * 64)
    assert sent.status_code == 403 and database.consents(two[0].user.id) == ()


def test_whoever_sits_at_the_machine_has_permission_to_give_and_no_account(
    client: httpx.Client, database
) -> None:
    page = client.get("/account?lang=en").text
    assert "there are no accounts" in page and "/account/tokens" not in page
    assert client.post("/account/delete", data={"name": "local"}).status_code == 404
    assert client.post("/account/improve", data={"said": "no"}).status_code == 303
    assert database.users()[0].name == "local"
