"""The list of conversations: opened, renamed, taken along, deleted, by their owner."""

from __future__ import annotations

import json

import httpx
import pytest

from cauce.records import Citation, Reply
from cauce.serving.storage.database import Database
from cauce.serving.storage.opinions import IMPROVE


@pytest.fixture
def user(client: httpx.Client, database: Database) -> str:
    found = database.user_named("local")
    assert found is not None
    return found.id


@pytest.fixture
def conversation(database: Database, user: str) -> str:
    """One with an answer and a question that was cut off."""
    asked = database.start_question(user, None, "What is <b>it</b> for?")
    cited = Citation(
        source="demo", id="x", version="2", section="use", quote="For pain.\nAnd fever."
    )
    database.finish(asked.id, Reply(text="For pain.", citations=(cited,)))
    database.start_question(user, asked.conversation_id, "And the dose?")
    return asked.conversation_id


def test_the_list_names_what_was_asked(client, conversation) -> None:
    page = client.get("/conversations?lang=en").text
    assert f'href="/conversations/{conversation}?lang=en"' in page
    assert "What is &lt;b&gt;it&lt;/b&gt; for?" in page


def test_one_is_renamed_and_deleted_by_forms(client, database, user, conversation) -> None:
    address = f"/conversations/{conversation}"
    renamed = client.post(f"{address}/rename?lang=ca", data={"title": "El dolor"})
    assert renamed.headers["location"] == "/conversations?lang=ca"
    assert [it.title for it in database.conversations(user)] == ["El dolor"]
    client.post(f"{address}/rename", data={"title": "  "})
    assert [it.title for it in database.conversations(user)] == ["El dolor"]
    assert client.post(f"{address}/delete").status_code == 303
    assert database.conversations(user) == ()
    assert client.post(f"{address}/delete").status_code == 404


def test_one_is_taken_along_with_its_sources(client, conversation) -> None:
    answer = client.get(f"/conversations/{conversation}/export?lang=en")
    assert answer.headers["content-disposition"].startswith('attachment; filename="cauce-')
    assert "(demo/x, 2, use)\n\n> For pain.\n> And fever." in answer.text
    assert answer.text.endswith("### Answer\n\nNo complete answer.")


def test_everything_is_taken_along_and_permission_withdrawn(
    client, database, user, conversation
) -> None:
    everything = json.loads(client.get("/export").text)
    assert everything["user"]["id"] == user
    assert len(everything["conversations"][0]["messages"]) == 2
    assert client.post("/withdraw").headers["location"] == "/conversations?withdrawn=yes"
    assert [(it.purpose, it.given) for it in database.consents(user)] == [(IMPROVE, False)]
    assert "Permiso retirado" in client.get("/conversations?withdrawn=yes").text


def test_a_form_of_another_session_and_another_persons_conversation_are_refused(
    berta, conversation
) -> None:
    headers = {"origin": str(berta.base_url).rstrip("/")}
    form = {"title": "x"}
    address = f"/conversations/{conversation}"
    assert berta.post(f"{address}/rename", data=form, headers=headers).status_code == 403
    token = berta.get("/conversations").text.partition('name="csrf" value="')[2][:64]
    for path in (f"{address}/rename", f"{address}/delete"):
        sent = berta.post(path, data={**form, "csrf": token}, headers=headers)
        assert sent.status_code == 404
    assert berta.get(f"{address}/export").status_code == 404
