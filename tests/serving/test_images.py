"""Images over HTTP: `data:` URIs are taken, addresses are not, and nothing is ever fetched."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from cauce.serving.protocol import MAX_BODY_BYTES, MAX_BYTES_WITH_IMAGES
from cauce.sources import images
from seeing import file_of, picture
from serving.live import KnownAnswers, running

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def assistant() -> KnownAnswers:
    return KnownAnswers()


@pytest.fixture(scope="module")
def client(assistant: KnownAnswers) -> Iterator[httpx.Client]:
    with running(assistant) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


def uri(side: int = 32, kind: str = "PNG") -> str:
    data = base64.b64encode(file_of(picture("red", side=side), kind)).decode()
    return f"data:image/{kind.lower()};base64,{data}"


def shown(*addresses: str, text: str = "dose of paracetamol?", **fields: Any) -> dict[str, Any]:
    """A request as OpenAI's client sends it."""
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}]
    parts += [{"type": "image_url", "image_url": {"url": it, "detail": "low"}} for it in addresses]
    return {"model": "demo", "messages": [{"role": "user", "content": parts}], **fields}


def error_of(answer: httpx.Response) -> tuple[int, str, str, str]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["code"], error["param"], error["message"]


def test_an_image_reaches_the_assistant_with_its_question(client, assistant):
    address = uri()
    answer = client.post(CHAT, json=shown(address))
    assert answer.status_code == 200
    assert assistant.shown == (address,)
    assert assistant.asked[-1][0] == "dose of paracetamol?"


def test_an_image_alone_is_a_question_and_earlier_ones_come_with_their_turns(client, assistant):
    assert client.post(CHAT, json=shown(uri(), text="")).status_code == 200
    request = shown(uri(40))
    earlier = shown(uri())["messages"]
    request["messages"] = [*earlier, {"role": "assistant", "content": "?"}, *request["messages"]]
    assert client.post(CHAT, json=request).status_code == 200
    assert assistant.asked[-1][1][0].images == (uri(),)
    assert assistant.shown == (uri(40),)


def test_a_stream_is_the_same_with_an_image(client):
    with client.stream("POST", CHAT, json=shown(uri(), stream=True)) as answer:
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert lines[-1] == "[DONE]"
    deltas = [json.loads(line)["choices"][0]["delta"] for line in lines[:-1]]
    assert "".join(it.get("content", "") for it in deltas).startswith("Adults take 500 mg")


class _Watched(BaseHTTPRequestHandler):
    hits: list[str]

    def do_GET(self) -> None:
        self.hits.append(self.path)
        self.send_response(302)
        self.send_header("Location", "/elsewhere.png")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[str, list[str]]]:
    hits: list[str] = []
    handler = type("Watched", (_Watched,), {"hits": hits})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", hits
    server.shutdown()
    server.server_close()


def test_no_address_is_fetched_and_no_redirect_followed(client, assistant, watched):
    base, hits = watched
    before = len(assistant.asked)
    for address in (f"{base}/box.png", f"{base.replace('http', 'HTTP')}/box.png"):
        status, code, param, message = error_of(client.post(CHAT, json=shown(address)))
        assert (status, code, param) == (400, "invalid_image_url", "messages.0.content")
        assert "no address is opened here" in message
        assert base not in message
    assert hits == []
    assert len(assistant.asked) == before


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_no_path_is_opened(client, tmp_path, scheme):
    path = tmp_path / "box.png"
    path.write_bytes(file_of(picture("red")))
    status, code, _, message = error_of(client.post(CHAT, json=shown(f"{scheme}{path}")))
    assert (status, code) == (400, "invalid_image_url")
    assert str(path) not in message


def test_what_is_no_image_is_told_with_its_turn(client):
    request = shown(uri(kind="GIF").replace("gif", "png"))
    request["messages"].insert(0, {"role": "user", "content": "hello"})
    status, code, param, _ = error_of(client.post(CHAT, json=request))
    assert (status, code, param) == (400, "invalid_image_format", "messages.1.content")


def test_images_are_few_and_small(client, monkeypatch):
    assert error_of(client.post(CHAT, json=shown(*[uri()] * 5)))[1] == "too_many_images"
    monkeypatch.setattr(images, "MOST_BYTES", 60)
    assert error_of(client.post(CHAT, json=shown(uri())))[1] == "image_too_large"


def test_only_images_make_a_body_longer(client):
    padded = shown(uri() + "A" * MAX_BODY_BYTES)
    assert error_of(client.post(CHAT, json=padded))[1] in (
        "invalid_image_format",
        "invalid_image_url",
    )
    for text in ("x" * MAX_BODY_BYTES, '{"image_url"' + "x" * MAX_BODY_BYTES):
        found = error_of(client.post(CHAT, json=shown(uri(), text=text)))
        assert found[:2] == (413, "request_too_large")
    whole = shown("data:image/png;base64," + "A" * MAX_BYTES_WITH_IMAGES)
    assert error_of(client.post(CHAT, json=whole))[0] == 413


def test_only_the_person_shows_images(client):
    request = shown("dose of paracetamol?")
    request["messages"].insert(0, {**shown(uri())["messages"][0], "role": "assistant"})
    request["messages"][1]["content"] = "dose of paracetamol?"
    status, code, *_ = error_of(client.post(CHAT, json=request))
    assert (status, code) == (400, "invalid_value")
