"""What clients of OpenAI's API send, as they send it: plain HTTP, and the package `openai`."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from serving.live import QUOTE, KnownAnswers, running

CHAT = "/v1/chat/completions"
QUESTION = "What is the dose of paracetamol?"


@pytest.fixture(scope="module")
def assistant() -> KnownAnswers:
    return KnownAnswers()


@pytest.fixture(scope="module")
def url(assistant: KnownAnswers) -> Iterator[str]:
    with running(assistant) as address:
        yield address


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    """As a server of chats keeps a connection: any key, and headers of its own."""
    headers = {
        "authorization": "Bearer sk-none",
        "x-openwebui-user-name": "Ana",
        "x-stainless-lang": "python",
    }
    with httpx.Client(base_url=url, headers=headers, timeout=20) as client:
        yield client


def web_ui(**fields: Any) -> dict[str, Any]:
    """A request as chat servers make it: settings, nulls and names of their own among OpenAI's."""
    return {
        "model": "demo",
        "messages": [
            {"role": "system", "content": "You are helpful."},
            {"role": "user", "content": "hi", "name": "ana"},
            {"role": "assistant", "content": "hello", "refusal": None, "annotations": []},
            {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
        ],
        "temperature": 0.7,
        "top_p": 0.9,
        "presence_penalty": 0,
        "frequency_penalty": 0.0,
        "seed": 1,
        "user": "ana",
        "stop": None,
        "max_tokens": None,
        "logit_bias": {},
        "tools": [],
        "response_format": {"type": "text"},
        "reasoning_effort": "low",
        "metadata": {"chat_id": "1"},
        "session_id": "abc",
        "features": {"web_search": False},
        **fields,
    }


def parts_of(response: httpx.Response) -> list[dict[str, Any]]:
    lines = [line for line in response.text.splitlines() if line]
    assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_models_are_listed_and_looked_up_by_name(http: httpx.Client) -> None:
    listed = http.get("/v1/models").json()
    assert listed["object"] == "list"
    [model] = listed["data"]
    assert model.keys() == {"id", "object", "created", "owned_by"}
    assert http.get("/v1/models/demo").json() == model
    missing = http.get("/v1/models/other")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")
    assert "'other' is not served here. Use 'demo'" in missing.json()["error"]["message"]
    assert http.get("/v1/models/", follow_redirects=True).json() == listed


def test_what_is_not_known_is_ignored_and_the_turns_arrive(
    http: httpx.Client, assistant: KnownAnswers
) -> None:
    answer = http.post(CHAT, json=web_ui()).json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"].startswith(QUOTE)
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    question, history = assistant.asked[-1]
    assert question == QUESTION
    assert [turn.role for turn in history] == ["system", "user", "assistant"]


def test_a_stream_ends_with_the_usage_that_was_asked_for(http: httpx.Client) -> None:
    options = {"include_usage": True, "include_obfuscation": False}
    response = http.post(CHAT, json=web_ui(stream=True, stream_options=options))
    *parts, last = parts_of(response)
    assert last["choices"] == []
    whole = http.post(CHAT, json=web_ui()).json()
    assert last["usage"] == whole["usage"]
    text = "".join(part["choices"][0]["delta"].get("content", "") for part in parts)
    assert text == whole["choices"][0]["message"]["content"]
    assert {(part["object"], part["id"]) for part in parts} == {
        ("chat.completion.chunk", last["id"])
    }
    assert [part["choices"][0]["finish_reason"] for part in parts][-1] == "stop"


@pytest.mark.parametrize("options", [None, {"include_usage": False}, {}])
def test_no_usage_comes_in_a_stream_unasked(http: httpx.Client, options: Any) -> None:
    parts = parts_of(http.post(CHAT, json=web_ui(stream=True, stream_options=options)))
    assert all(part["choices"] for part in parts)


def test_a_title_is_asked_for_as_any_other_question(http: httpx.Client) -> None:
    body = {
        "model": "demo",
        "messages": [{"role": "user", "content": "### Task:\nWrite a title of 3 words."}],
        "stream": False,
        "max_completion_tokens": 1000,
    }
    assert http.post(CHAT, json=body).json()["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "path", ["/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/audio/speech"]
)
def test_what_is_not_offered_is_told_in_the_shape_of_errors(http: httpx.Client, path: str) -> None:
    response = http.post(path, json={"model": "demo", "input": "x"})
    assert response.status_code == 404
    assert response.json()["error"].keys() == {"message", "type", "param", "code"}


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    """The package's own client; typed loosely, for where it is not installed."""
    pytest.importorskip("openai", reason="needs the package openai, of the extra `inspect`")
    openai = importlib.import_module("openai")
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_the_openai_package_lists_asks_and_streams(client: Any) -> None:
    assert [model.id for model in client.models.list()] == ["demo"]
    assert client.models.retrieve("demo").owned_by == "cauce"
    turns = [{"role": "user", "content": QUESTION}]
    answer = client.chat.completions.create(model="demo", messages=turns, temperature=0)
    message = answer.choices[0].message
    assert message.content.startswith(QUOTE)
    assert message.cauce["citations"][0]["quote"] == QUOTE
    options = {"include_usage": True}
    parts = [
        *client.chat.completions.create(
            model="demo", messages=turns, stream=True, stream_options=options
        )
    ]
    said = [part.choices[0].delta.content or "" for part in parts if part.choices]
    assert "".join(said) == message.content
    assert parts[-1].usage == answer.usage


def test_the_openai_package_streams_by_events(client: Any) -> None:
    turns = [{"role": "user", "content": QUESTION}]
    with client.chat.completions.stream(model="demo", messages=turns) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content.startswith(QUOTE)


def test_the_openai_package_raises_its_own_errors(client: Any) -> None:
    openai = importlib.import_module("openai")
    with pytest.raises(openai.NotFoundError, match="Use 'demo'"):
        client.models.retrieve("other")
    with pytest.raises(openai.BadRequestError, match="the last message is empty"):
        client.chat.completions.create(model="demo", messages=[{"role": "user", "content": " "}])
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": "break"}]
        )
