"""The queue for clinicians: only what was given to be read, judged once."""

from __future__ import annotations

import pytest

from cauce.records import Reply
from cauce.serving.storage import StoredMessage
from serving.pages.desk import Desk, desks


@pytest.fixture
def two(database) -> list[Desk]:
    return desks(database, ("ana", "patient"), ("eva", "clinician"))


def _asked(database, desk: Desk, question: str, *, consent: bool) -> StoredMessage:
    message = database.start_question(desk.user.id, None, question)
    database.finish(message.id, Reply(text=f"Answer to {question}"))
    database.add_feedback(desk.user.id, message.id, "down", "why <i>", consent=consent)
    return message


def test_a_clinician_judges_what_was_given_to_be_read(database, two: list[Desk]) -> None:
    ana, eva = two
    hidden = _asked(database, ana, "hidden?", consent=False)
    given = _asked(database, ana, "given?", consent=True)
    page = eva.read("/reviews")
    assert "Answer to given?" in page and "hidden?" not in page
    assert "why &lt;i&gt;" in page and "ana" not in page
    assert eva.send(f"/reviews/{hidden.id}", verdict="wrong").status_code == 404
    assert eva.send(f"/reviews/{given.id}", verdict="perhaps").status_code == 400
    kept = eva.send(f"/reviews/{given.id}", verdict="unsafe", text=" Never. ")
    assert kept.headers["location"] == "/reviews?kept=yes&lang=en"
    [judged] = database.consented()
    assert [(it.verdict, it.text) for it in judged.reviews] == [("unsafe", "Never.")]
    assert "There is none to review." in eva.read("/reviews")


def test_nobody_else_sees_the_queue(two: list[Desk]) -> None:
    assert two[0].client.get("/reviews").status_code == 403
