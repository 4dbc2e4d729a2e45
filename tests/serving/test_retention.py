"""Old conversations leave by themselves while the app is served, and only where that was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from cauce.errors import SourceUnavailable
from cauce.serving.access import open_access
from cauce.serving.app import serve
from cauce.serving.retention import purged_daily
from cauce.serving.storage import open_database
from cauce.serving.storage.database import Database
from serving.live import KnownAnswers

WAIT_S = 10


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(str(tmp_path / "app.db")) as opened:
        yield opened


def ask(database: Database, user_id: str, *, days_ago: int) -> str:
    """The id of a question that nobody has touched since."""
    asked = database.start_question(user_id, None, "How much?")
    with database.connection("write") as connection:
        connection.exec_driver_sql(
            f"UPDATE conversations SET changed_at = changed_at - 86400 * {days_ago} "
            f"WHERE id = '{asked.conversation_id}'"
        )
    return asked.id


def is_soon(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_S
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


def test_what_is_old_goes_at_once_and_again_every_day(database: Database) -> None:
    user = database.add_user("ana", "patient").id
    old, new = ask(database, user, days_ago=31), ask(database, user, days_ago=29)
    with purged_daily(database, 30, every_s=0.02):
        assert database.message(user, old) is None
        later = ask(database, user, days_ago=31)
        assert is_soon(lambda: database.message(user, later) is None)
    assert database.message(user, new) is not None
    kinds = [(event.kind, event.details) for event in database.events()]
    assert kinds == [("purged", {"rows": 1, "keep_days": 30})] * 2


def test_a_database_that_does_not_answer_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    days: list[float] = []

    def purge(self: Database, older_than_days: float) -> int:
        days.append(older_than_days)
        if len(days) == 2:
            raise SourceUnavailable("it is away.\nTry again.")
        return 0

    monkeypatch.setattr(Database, "purge", purge)
    with purged_daily(database, 30, every_s=0.01):
        assert is_soon(lambda: len(days) > 3)
    assert set(days) == {30}
    assert capsys.readouterr().err == "nothing was purged: it is away.\nTry again.\n"
    assert database.events() == ()


@pytest.mark.parametrize(("keep_days", "is_kept"), [(30.0, False), (None, True)])
def test_a_server_clears_what_is_old_only_where_it_is_told_to(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    keep_days: float | None,
    is_kept: bool,
) -> None:
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)
    access = open_access(database)
    assert access.local is not None
    user = access.local.id
    old, new = ask(database, user, days_ago=31), ask(database, user, days_ago=0)
    serve(KnownAnswers(), "demo", port=0, access=access, keep_days=keep_days)
    assert (database.message(user, old) is not None) is is_kept
    cut_off = database.message(user, new)
    assert cut_off is not None and cut_off.state == "interrupted"
