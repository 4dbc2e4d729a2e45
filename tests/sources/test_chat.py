"""Texts from a real server on loopback: asked once, kept, paced, and refused with a way out."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cauce.errors import DataRefused, SourceUnavailable, UserError
from cauce.sources import chat, polite
from cauce.sources.chat import ChatServer
from cauce.sources.pace import Pace
from serving.live import QUOTE, KnownAnswers, running
from sources.chat_server import FakeChat

KEY = "sk-not-a-real-one"


@pytest.fixture
def server(served):
    fake = FakeChat()
    served(fake)
    return fake


def writer(server: FakeChat, folder: Path, **more: object) -> ChatServer:
    return ChatServer(server.url, "some-model", folder=folder, **more)  # type: ignore[arg-type]


def test_each_prompt_has_its_text_in_order(server, tmp_path):
    prompts = [f"prompt {number % 12}" for number in range(30)]
    assert writer(server, tmp_path)(prompts) == [prompt.upper() for prompt in prompts]
    assert sorted(server.prompts) == sorted(set(prompts))
    assert server.keys == {None}


def test_a_request_holds_the_model_the_prompt_and_the_options(server, tmp_path):
    writer(server, tmp_path, options={"temperature": 0, "max_completion_tokens": 9})(["hello"])
    assert server.requests == [
        {
            "model": "some-model",
            "messages": [{"role": "user", "content": "hello"}],
            "temperature": 0,
            "max_completion_tokens": 9,
        }
    ]


def test_the_key_comes_from_the_environment_and_is_kept_nowhere(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    writer(server, tmp_path, key_variable="SOME_KEY")(["hello"])
    assert server.keys == {f"Bearer {KEY}"}
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(UserError, match=r"variable SOME_KEY.*is empty.\nSet it: export SOME_KEY="):
        writer(server, tmp_path, key_variable="SOME_KEY")
    assert writer(server, tmp_path)(["hello"]) == ["HELLO"]
    assert len(server.requests) == 1


def test_what_was_written_is_not_asked_again_unless_the_request_changes(server, tmp_path):
    writer(server, tmp_path)(["one", "two"])
    assert writer(server, tmp_path)(["two", "three"]) == ["TWO", "THREE"]
    assert sorted(server.prompts) == ["one", "three", "two"]
    writer(server, tmp_path, options={"temperature": 1})(["one"])
    assert server.prompts[-1] == "one"


def test_a_run_that_was_stopped_asks_for_the_rest_alone(server, tmp_path):
    server.say = lambda prompt: {}[prompt] if prompt == "9" else prompt.upper()  # type: ignore[misc]
    server.handle_error = lambda request, address: None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polite, "ATTEMPTS", 1)
        with pytest.raises(SourceUnavailable, match="already received is kept"):
            writer(server, tmp_path)([str(number) for number in range(10)])
    asked = set(server.prompts)
    server.say, server.requests = str.upper, []
    everything = [str(number) for number in range(12)]
    assert writer(server, tmp_path)(everything) == everything
    assert sorted(server.prompts) == sorted({*everything} - asked | {"9"})


def test_a_server_that_is_busy_is_asked_again_when_it_says(server, tmp_path, waits, monkeypatch):
    held: list[float] = []
    monkeypatch.setattr(Pace, "hold", lambda pace, seconds: held.append(seconds))
    server.failures = [(429, {"Retry-After": "7"}, b"slow down"), (503, {}, b"starting")]
    assert writer(server, tmp_path)(["hello"]) == ["HELLO"]
    assert waits == held == [7.0, 14.0]
    assert server.prompts == ["hello"] * 3


def test_a_server_that_is_down_is_said_to_be(tmp_path, waits):
    fake = FakeChat()
    fake.server_close()
    with pytest.raises(SourceUnavailable, match="did not answer after 6 attempts"):
        writer(fake, tmp_path)(["hello"])
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(served, tmp_path, monkeypatch):
    over = threading.Event()
    fake = FakeChat(lambda prompt: str(over.wait(5)))
    served(fake)
    monkeypatch.setattr(chat, "ANSWER_TIMEOUT_S", 0.1)
    monkeypatch.setattr(polite, "ATTEMPTS", 1)
    try:
        with pytest.raises(SourceUnavailable, match="timed out"):
            writer(fake, tmp_path)(["hello"])
    finally:
        over.set()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, r"HTTP 401\): wrong key \*\*\*.*\nCheck the key in the .* variable SOME_KEY"),
        (404, r"'some-model' write \(HTTP 404\).*\nCheck corpus.writer.url.*corpus.writer.model"),
        (301, r"HTTP 301\).*\nCheck corpus.writer.url"),
        (400, r"HTTP 400\).*\nCheck corpus.writer.options"),
    ],
)
def test_a_refusal_is_told_with_its_way_out(server, tmp_path, monkeypatch, status, said):
    monkeypatch.setenv("SOME_KEY", KEY)
    server.failures = [(status, {}, f"wrong key {KEY}".encode())]
    with pytest.raises(UserError, match=said) as caught:
        writer(server, tmp_path, key_variable="SOME_KEY")(["hello"])
    assert KEY not in str(caught.value)
    assert server.prompts == ["hello"]
    assert not [*tmp_path.iterdir()]


def test_a_server_that_wants_a_key_says_how_to_name_it(server, tmp_path):
    server.failures = [(401, {}, b"no key")]
    with pytest.raises(UserError, match=r"\nName the variable that holds its key: corpus.writer"):
        writer(server, tmp_path)(["hello"])


@pytest.mark.parametrize(
    "content", [b"<html>", b"{}", b'{"choices": []}', b"[1]", b'{"choices": [{"message": 1}]}']
)
def test_an_answer_that_is_no_chat_is_refused_and_not_kept(server, tmp_path, content):
    server.failures = [(200, {}, content)]
    with pytest.raises(DataRefused, match="answered what is no chat completion"):
        writer(server, tmp_path)(["hello"])
    assert writer(server, tmp_path)(["hello"]) == ["HELLO"]


def test_a_model_that_says_nothing_gives_an_empty_text(server, tmp_path):
    server.say = lambda prompt: None
    assert writer(server, tmp_path)(["hello"]) == [""]
    assert writer(server, tmp_path)(["hello"]) == [""]
    assert len(server.requests) == 1


def test_what_cauce_serves_is_such_a_server(tmp_path):
    with running(KnownAnswers()) as url:
        [text] = ChatServer(f"{url}/v1", "demo", folder=tmp_path)(["How much paracetamol?"])
        assert text.startswith(QUOTE)
        with pytest.raises(UserError, match=r"model 'other' is not served.*\nCheck corpus.writer"):
            ChatServer(f"{url}/v1", "other", folder=tmp_path)(["How much paracetamol?"])
