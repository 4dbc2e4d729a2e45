"""The conversation: what is asked is kept before it is answered, and another's is not there."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import anyio
import httpx
import pytest

from cauce.errors import SourceUnavailable
from cauce.serving.pages.answering import Answering
from cauce.serving.queue import Queue
from cauce.serving.storage import StoredMessage
from cauce.serving.storage.database import Database
from serving.live import QUOTE, KnownAnswers

API = "/api/conversations"
SAID = ["Adults take 500 mg every 6 to 8 hours. ", "Do not exceed 3 g a day.\n"]


def asked(text: str = "dose of paracetamol?", **fields: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": text}]
    message = {"role": "user", "content": content}
    return {"model": "demo", "messages": [message], "stream": True, **fields}


def parts_of(answer: httpx.Response) -> list[dict[str, Any]]:
    lines = [line for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


def facts_of(page: httpx.Response) -> dict[str, Any]:
    _, _, rest = page.text.partition('id="facts">')
    facts: dict[str, Any] = json.loads(rest.partition("</script>")[0])
    return facts


def local(database: Database) -> str:
    user = database.user_named("local")
    assert user is not None
    return user.id


def test_an_answer_comes_by_sentence_behind_the_ids_of_its_question(client, database) -> None:
    first, *chunks = parts_of(client.post(API, json=asked()))
    texts = [it["choices"][0]["delta"].get("content") for it in chunks]
    assert texts[1:3] == SAID
    assert chunks[-1]["choices"][0]["delta"]["cauce"]["citations"][0]["quote"] == QUOTE
    kept = database.conversation(local(database), first["conversation"])
    assert [(it.id, it.state) for it in kept.messages] == [(first["message"], "done")]


def test_the_question_is_stored_before_it_is_answered(client, database, assistant) -> None:
    seen = []
    reply = assistant.reply

    def watched(*arguments: Any, **named: Any) -> Any:
        [conversation] = database.conversations(local(database))
        kept = database.conversation(local(database), conversation.id)
        seen.extend((it.question, it.state) for it in kept.messages)
        return reply(*arguments, **named)

    assistant.reply = watched
    client.post(API, json=asked())
    assert seen == [("dose of paracetamol?", "asked")]


def shown(database: Database, message: StoredMessage, *, sentences: int) -> str:
    """What a reader was shown who left after so many sentences, as it stands in the database."""
    user_id = local(database)

    async def read() -> str:
        answering = Answering(Queue(KnownAnswers()), database, "demo")
        events = answering.events(user_id, message, plain=False)
        for _ in range(2 + sentences):
            await anext(events)
        kept = database.message(user_id, message.id)
        assert kept is not None and kept.state == "streaming"
        await events.aclose()
        return kept.text

    return anyio.run(read)


@pytest.mark.parametrize("sentences", [0, 1, 2])
def test_a_sentence_is_stored_before_it_leaves_and_the_rest_once_its_reader_has_left(
    client, database, sentences
) -> None:
    message = database.start_question(local(database), None, "dose of paracetamol?")
    assert shown(database, message, sentences=sentences) == "".join(SAID[:sentences])
    kept = database.message(local(database), message.id)
    assert (kept.state, kept.text) == ("done", kept.reply.text)
    assert kept.text.startswith("".join(SAID))


def test_the_next_question_comes_with_what_was_said_and_a_retry_with_what_was_said_before(
    client, assistant
) -> None:
    first, *_ = parts_of(client.post(API, json=asked()))
    second, *_ = parts_of(client.post(f"{API}/{first['conversation']}", json=asked("children?")))
    turns = [turn.content for turn in assistant.asked[-1][1]]
    assert turns[0] == "dose of paracetamol?" and turns[1].startswith(QUOTE)
    parts_of(client.post(f"/api/messages/{first['message']}/retry", json={"plain": True}))
    assert assistant.asked[-1] == ("dose of paracetamol?", ()) and assistant.plain
    assert second["conversation"] == first["conversation"]


def test_a_fault_leaves_the_question_to_be_asked_again(client, database) -> None:
    first = client.post(API, json=asked("break")).text.split("\n\n")[0]
    message = database.message(local(database), json.loads(first[6:])["message"])
    assert (message.question, message.state) == ("break", "interrupted")
    page = client.get(f"/conversations/{message.conversation_id}")
    assert facts_of(page)["messages"][0]["state"] == "interrupted"


def test_where_nothing_writes_it_is_said_and_the_question_can_be_asked_again(
    client, database, assistant, monkeypatch
) -> None:
    def silent(*arguments: Any, **named: Any) -> Any:
        raise SourceUnavailable("the server that writes did not answer.\nAsk again later.")

    monkeypatch.setattr(assistant, "reply", silent)
    first, told = parts_of(client.post(API, json=asked()))
    assert told["error"]["code"] == "source_unavailable"
    assert database.message(local(database), first["message"]).state == "interrupted"


def test_a_question_that_was_stopped_is_answered_to_nobody(client, database, assistant) -> None:
    reply = assistant.reply

    def stopped_meanwhile(*arguments: Any, **named: Any) -> Any:
        [conversation] = database.conversations(local(database))
        kept = database.conversation(local(database), conversation.id)
        assert client.post(f"/api/messages/{kept.messages[0].id}/stop", json={}).status_code == 204
        return reply(*arguments, **named)

    assistant.reply = stopped_meanwhile
    [only] = parts_of(client.post(API, json=asked()))
    assert database.message(local(database), only["message"]).state == "stopped"


def test_an_answer_that_is_stopped_while_it_is_read_ends_where_it_is(
    client, database, monkeypatch
) -> None:
    append = Database.append

    def stopped_after_one(self: Database, message_id: str, text: str) -> bool:
        if text == SAID[1]:
            self.stop(local(self), message_id)
        return append(self, message_id, text)

    monkeypatch.setattr(Database, "append", stopped_after_one)
    first, *chunks = parts_of(client.post(API, json=asked()))
    assert [it["choices"][0]["delta"]["content"] for it in chunks] == ["", SAID[0]]
    kept = database.message(local(database), first["message"])
    assert (kept.state, kept.text, kept.reply) == ("stopped", SAID[0], None)


def test_a_stored_conversation_is_shown_with_what_it_rests_on_and_what_was_said_of_it(
    client,
) -> None:
    first, *_ = parts_of(client.post(API, json=asked("</script><b>dose?")))
    address = f"/api/messages/{first['message']}/feedback"
    assert client.post(address, json={"kind": "down"}).status_code == 204
    better = {"kind": "correction", "text": "Say 1 g.", "consent": True}
    assert client.post(address, json=better).status_code == 204
    page = client.get(f"/conversations/{first['conversation']}?lang=ca")
    facts = facts_of(page)
    [message] = facts["messages"]
    assert (facts["keeps"], facts["conversation"]) == (True, first["conversation"])
    assert message["question"] == "</script><b>dose?"
    assert message["cauce"]["citations"][0]["quote"] == QUOTE
    assert [(it["kind"], it["consent"]) for it in message["opinions"]] == [
        ("down", False),
        ("correction", True),
    ]
    assert facts["words"]["you"] == "Vós"


@pytest.mark.parametrize(
    ("body", "said"),
    [({"kind": "love"}, "kind"), ({"kind": "up", "x": 1}, "x"), ({"text": "5" * 5000}, "kind")],
)
def test_an_opinion_that_is_none_is_refused(client, body, said) -> None:
    first, *_ = parts_of(client.post(API, json=asked()))
    answer = client.post(f"/api/messages/{first['message']}/feedback", json=body)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (400, True)


def test_images_are_looked_at_up_to_a_number_in_all(client, assistant) -> None:
    pytest.importorskip("PIL")
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}

    def with_images(count: int) -> dict[str, Any]:
        content = [{"type": "text", "text": "what is it?"}, *[image] * count]
        return asked(messages=[{"role": "user", "content": content}])

    first, *_ = parts_of(client.post(API, json=with_images(3)))
    assert len(assistant.shown) == 3
    more = client.post(f"{API}/{first['conversation']}", json=with_images(2))
    assert (more.status_code, more.json()["error"]["code"]) == (400, "too_many_images")


def test_what_is_another_persons_is_not_there(client, berta) -> None:
    first, *_ = parts_of(client.post(API, json=asked()))
    headers = {"origin": str(berta.base_url).rstrip("/")}
    message, conversation = first["message"], first["conversation"]
    assert berta.get(f"/conversations/{conversation}").status_code == 404
    for path, body in [
        (f"{API}/{conversation}", asked()),
        (f"/api/messages/{message}/retry", {}),
        (f"/api/messages/{message}/stop", {}),
        (f"/api/messages/{message}/feedback", {"kind": "up"}),
    ]:
        assert berta.post(path, json=body, headers=headers).status_code == 404, path
        assert berta.post(path, json=body).status_code == 403, path


def test_where_nothing_is_kept_the_page_asks_without_a_conversation() -> None:
    from benchmarks.serving.calling import client_of

    from cauce.serving.app import create_app

    client = client_of(create_app(KnownAnswers(), model_name="demo"))
    assert facts_of(client.get("/"))["keeps"] is False
    assert client.post(API, json=asked()).status_code == 404
    assert client.get("/conversations").status_code == 404
