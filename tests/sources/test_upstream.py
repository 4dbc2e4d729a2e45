"""A model behind a real server on loopback that writes for people who wait."""

from __future__ import annotations

import json

import pytest

from cauce.errors import SourceUnavailable, UserError
from cauce.records import Message
from cauce.sources.upstream import Said, UpstreamServer
from sources.chat_server import FakeChat

KEY = "sk-not-a-real-one"
ASKED = [Message(role="system", content="Be brief."), Message(role="user", content="dose?")]


@pytest.fixture
def server(served):
    fake = FakeChat()
    served(fake)
    return fake


def test_a_conversation_is_continued_with_the_likeliest_words(server):
    upstream = UpstreamServer(f"{server.url}/")
    assert upstream.model == "some-model"
    said = upstream.say(ASKED, max_tokens=7, stop=["\n"])
    assert said == Said("DOSE?", is_finished=True)
    assert server.requests == [
        {
            "model": "some-model",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "dose?"},
            ],
            "max_tokens": 7,
            "temperature": 0,
            "stop": ["\n"],
        }
    ]
    upstream.close()


def test_what_reached_its_longest_is_not_finished(server):
    upstream = UpstreamServer(server.url)
    choice = {"message": {"content": "Take"}, "finish_reason": "length"}
    server.failures = [(200, {}, json.dumps({"choices": [choice]}).encode())]
    assert upstream.say(ASKED, max_tokens=1) == Said("Take", is_finished=False)
    upstream.close()


def test_the_key_comes_from_the_environment(server, monkeypatch):
    with pytest.raises(UserError, match=r"variable SOME_KEY.*is empty.\nSet it: export SOME_KEY="):
        UpstreamServer(server.url, key_variable="SOME_KEY")
    monkeypatch.setenv("SOME_KEY", KEY)
    upstream = UpstreamServer(server.url, key_variable="SOME_KEY")
    upstream.say(ASKED, max_tokens=7)
    assert server.keys == {f"Bearer {KEY}"}
    upstream.close()


@pytest.mark.parametrize(
    ("models", "asked", "said"),
    [
        (["a", "b"], "", r"serves 2 models.\nName one of: a, b"),
        (["a", "b"], "c", r"does not serve 'c'.\nName one of: a, b"),
        ([], "", "serves 0 models.\nName one of: none"),
    ],
)
def test_the_model_is_one_that_is_served(server, models, asked, said):
    server.models = models
    with pytest.raises(UserError, match=said):
        UpstreamServer(server.url, asked)
    server.models = ["a", "b"]
    UpstreamServer(server.url, "b").close()


def test_an_address_without_a_server_is_said_to_be_that(server):
    with pytest.raises(UserError, match=r"cannot be used: .*HTTP 404.*\n.*ends in /v1"):
        UpstreamServer(server.url.removesuffix("/v1"))
    with pytest.raises(UserError, match="cannot be used"):
        UpstreamServer("http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ((503, {}, b"busy"), "HTTP 503"),
        ((400, {}, b'{"error": "dose? is too long"}'), "HTTP 400"),
        ((200, {}, b"<html>"), "no chat completion"),
        ((200, {}, b'{"choices": []}'), "no chat completion"),
    ],
)
def test_a_server_that_does_not_answer_is_told_without_the_question(server, failure, said):
    upstream = UpstreamServer(server.url)
    server.failures = [failure]
    with pytest.raises(SourceUnavailable, match=said) as error:
        upstream.say(ASKED, max_tokens=7)
    assert "dose?" not in str(error.value)
    assert upstream.say(ASKED, max_tokens=7).text == "DOSE?"
    upstream.close()
