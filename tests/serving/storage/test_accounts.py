"""Users, tokens, consents, rate limits and events."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from cauce.errors import NotFound, UserError
from cauce.serving.storage import accounts, models


@pytest.fixture
def clock(monkeypatch):
    """Moves what the database takes for now: `clock(seconds)`."""
    shift = [timedelta(0)]
    real = models.now
    monkeypatch.setattr(accounts, "now", lambda: real() + shift[0])
    return lambda seconds: shift.append(shift.pop() + timedelta(seconds=seconds))


def test_users_are_found_by_id_and_name(database, ana, berta):
    assert database.users() == (ana, berta)
    assert database.user(ana.id) == database.user_named("ana") == ana
    assert database.user("nobody") is None
    assert database.user_named("Ana") is None
    database.set_role(ana.id, "carer")
    assert database.user(ana.id).role == "carer"


def test_a_name_is_taken_once(database, ana):
    with pytest.raises(UserError, match="a user 'ana' already"):
        database.add_user("ana", "admin")
    assert database.users() == (ana,)


def test_a_password_is_kept_apart_from_the_user(database, ana):
    assert database.password(ana.id) is None
    database.set_password(ana.id, "scrypt$1")
    assert database.password(ana.id) == "scrypt$1"
    assert "scrypt" not in repr(database.user(ana.id))
    with pytest.raises(NotFound):
        database.set_password("nobody", "x")


def test_a_token_is_found_by_its_digest_until_it_ends(database, ana, clock):
    ends = models.now() + timedelta(hours=1)
    token = database.add_token(ana.id, "digest 1", name="laptop", scopes=("chat",), expires_at=ends)
    session = database.add_token(ana.id, "digest 2", kind="session")
    assert database.token("digest 1") == token
    assert token.scopes == ("chat",)
    assert token.expires_at == ends
    assert database.tokens(ana.id) == (token, session)
    database.token_used(token.id)
    assert database.token("digest 1").used_at is not None
    clock(3601)
    assert database.token("digest 1") is None
    assert database.token("digest 2") == session
    assert "digest 1" not in repr(database.tokens(ana.id))


def test_only_its_owner_deletes_a_token(database, ana, berta):
    token = database.add_token(ana.id, "digest 1")
    with pytest.raises(NotFound, match="no token"):
        database.delete_token(berta.id, token.id)
    database.delete_token(ana.id, token.id)
    assert database.token("digest 1") is None


def test_the_last_word_on_a_purpose_counts_and_all_are_kept(database, ana):
    database.consent(ana.id, "research", True)
    database.consent(ana.id, "improve", True)
    last = database.consent(ana.id, "research", False)
    found = database.consents(ana.id)
    assert [(one.purpose, one.given) for one in found] == [("improve", True), ("research", False)]
    assert found[1] == last
    assert len(database.export(ana.id).consents) == 3


def test_a_bucket_runs_dry_and_fills_again(database, clock):
    def take():
        return database.take("ana", capacity=3, per_s=0.5)

    assert [take() for _ in range(3)] == [0, 0, 0]
    assert take() == pytest.approx(2, abs=0.5)
    clock(2.1)
    assert take() == 0
    assert take() > 0
    clock(1000)
    assert [take() for _ in range(3)] == [0, 0, 0]
    assert take() > 0
    assert database.take("berta", capacity=3, per_s=0.5) == 0


def test_a_bucket_gives_no_token_twice(database):
    taken = []

    def take() -> None:
        taken.extend(database.take("ana", capacity=5, per_s=1e-6) for _ in range(4))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(0) == 5
    assert len(taken) == 16


def test_events_come_newest_first(database, ana):
    database.add_event("login", ana.id, by="password")
    database.add_event("backup")
    last, first = database.events()
    assert (last.kind, last.user_id, last.details) == ("backup", None, {})
    assert (first.kind, first.user_id, first.details) == ("login", ana.id, {"by": "password"})
    assert database.events(limit=1) == (last,)
