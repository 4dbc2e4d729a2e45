import builtins
import doctest
import functools
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from types import ModuleType

import httpx
import pytest

from cauce.errors import MissingExtra, UserError
from cauce.models.asking import ASKING, AskerLeft
from cauce.records import Message, Reply
from cauce.serving import security
from cauce.serving.app import create_app, listen
from cauce.serving.protocol import MAX_BODY_BYTES
from cauce.serving.queue import Queue
from cauce.serving.security import HEADERS, is_loopback
from serving.live import QUOTE, KnownAnswers, running

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        running(KnownAnswers(), notice="Trained on <invented> data.") as url,
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        yield client


def ask(content: str = "dose of paracetamol?", **fields: object) -> dict[str, object]:
    return {"model": "demo", "messages": [{"role": "user", "content": content}], **fields}


def test_health_and_models(client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok", "model": "demo"}
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["demo"]


def test_answer_carries_what_it_rests_on(client: httpx.Client) -> None:
    choice = client.post(CHAT, json=ask()).json()["choices"][0]
    message = choice["message"]
    assert message["content"].startswith(QUOTE)
    assert choice["finish_reason"] == "stop"
    assert message["cauce"]["citations"][0]["quote"] == QUOTE
    assert message["cauce"]["checks"][0]["passed"] is True


def test_plain_language_is_asked_for_and_reaches_the_assistant() -> None:
    assistant = KnownAnswers()
    with running(assistant) as url:
        httpx.post(f"{url}{CHAT}", json=ask(plain=True))
        assert assistant.plain is True
        httpx.post(f"{url}{CHAT}", json=ask())
        assert assistant.plain is False


def test_look_alikes_are_offered_as_choices(client: httpx.Client) -> None:
    beside = client.post(CHAT, json=ask("Losec?")).json()["choices"][0]["message"]["cauce"]
    assert beside["abstained"] is True
    assert beside["choices"] == ["Losec", "Losartan"]


def test_stream_is_ordered_and_ends_with_done(client: httpx.Client) -> None:
    with client.stream("POST", CHAT, json=ask(stream=True)) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    choices = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines[:-1]]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    assert [choice["delta"]["content"] for choice in choices[1:-1]] == [
        "Adults take 500 mg every 6 to 8 hours. ",
        "Do not exceed 3 g a day.\n",
        "Ask <b>before</b> giving it to a child.",
    ]
    assert choices[-1]["finish_reason"] == "stop"
    assert choices[-1]["delta"]["cauce"]["citations"][0]["section"] == "dose"


@pytest.mark.parametrize("stop", ["Do not", ["nowhere", "Do not", "3 g"]])
def test_stop_cuts_exactly(client: httpx.Client, stop: object) -> None:
    message = client.post(CHAT, json=ask(stop=stop)).json()["choices"][0]["message"]
    assert message["content"] == "Adults take 500 mg every 6 to 8 hours. "


def test_max_tokens_is_respected_and_said(client: httpx.Client) -> None:
    answer = client.post(CHAT, json=ask(max_tokens=4)).json()
    assert answer["choices"][0]["message"]["content"] == "Adults take 500 mg"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 4


def test_n_gives_as_many_choices(client: httpx.Client) -> None:
    choices = client.post(CHAT, json=ask(n=4)).json()["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2, 3]


def error_of(response: httpx.Response) -> dict[str, object]:
    error: dict[str, object] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def test_errors_have_openai_shape(client: httpx.Client) -> None:
    json_type = {"content-type": "application/json"}
    cases = [
        (client.post(CHAT, content=b"{", headers=json_type), 400, "invalid_json"),
        (client.post(CHAT, json={**ask(), "messages": []}), 400, "invalid_value"),
        (client.post(CHAT, json={**ask(), "model": "gpt"}), 404, "model_not_found"),
        (client.post(CHAT, json={"model": "demo"}), 400, "missing_required_parameter"),
        (client.post(CHAT, data={"model": "demo"}), 415, "unsupported_media_type"),
        (client.post(CHAT, json=ask("x" * MAX_BODY_BYTES)), 413, "request_too_large"),
        (client.get(CHAT), 405, None),
        (client.get("/nowhere"), 404, None),
    ]
    for response, status, code in cases:
        assert (response.status_code, error_of(response)["code"]) == (status, code)


@pytest.mark.parametrize("stream", [False, True])
def test_a_fault_is_an_error_and_the_server_goes_on(client: httpx.Client, stream: bool) -> None:
    response = client.post(CHAT, json=ask("break", stream=stream))
    assert response.status_code == 500
    assert error_of(response)["type"] == "server_error"
    assert "the model broke" not in response.text
    assert response.headers["connection"] == "close"
    assert client.post(CHAT, json=ask()).status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/static/chat.js", "/nowhere"])
def test_every_response_has_the_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/static/../app.py"])
def test_nothing_else_is_served(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8000", ""])
def test_other_host_names_are_refused(client: httpx.Client, host: str) -> None:
    response = client.get("/health", headers={"host": host})
    assert response.status_code == 421
    assert "127.0.0.1" in str(error_of(response)["message"])


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_other_origins_are_refused(client: httpx.Client, origin: str) -> None:
    assert client.post(CHAT, json=ask(), headers={"origin": origin}).status_code == 403


def test_own_names_and_origin_are_served(client: httpx.Client) -> None:
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        headers = {"host": host, "origin": f"http://{host}"}
        assert client.get("/health", headers=headers).status_code == 200
    assert is_loopback("127.8.9.1") and not is_loopback("[::1") and not is_loopback("0.0.0.0")


class WaitsForLeaving(KnownAnswers):
    """Works on a question until whoever asked has left."""

    def __init__(self) -> None:
        super().__init__()
        self.has_left = threading.Event()

    def _reply(self, question: str) -> Reply:
        asking = ASKING.get()
        assert asking is not None
        if asking.has_left.wait(20):
            self.has_left.set()
        raise AskerLeft("gone")


def test_questions_are_worked_on_together_and_history_reaches_the_assistant() -> None:
    assistant = KnownAnswers(pause_s=0.4)
    before = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    body = {"model": "demo", "messages": [*before, {"role": "user", "content": "dose?"}]}
    with running(assistant) as url:
        threads = [
            threading.Thread(target=httpx.post, args=(url + CHAT,), kwargs={"json": body})
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        assert httpx.get(url + "/health").status_code == 200
        for thread in threads:
            thread.join()
    assert assistant.most_at_work > 1
    history = (Message(role="user", content="hi"), Message(role="assistant", content="hello"))
    assert assistant.asked == [("dose?", history)] * 4


def test_who_leaves_takes_the_question_along() -> None:
    assistant = WaitsForLeaving()
    with running(assistant) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url + CHAT, json=ask("first", stream=True), timeout=0.3)
        assert assistant.has_left.wait(20)
        assert httpx.get(url + "/health").status_code == 200


def test_who_finds_a_full_line_is_told_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "cauce.serving.routes.Queue", functools.partial(Queue, at_work=1, in_line_each=1)
    )
    assistant = KnownAnswers(pause_s=1.0)
    statuses: list[int] = []
    with running(assistant) as url:
        threads = [
            threading.Thread(
                target=lambda: statuses.append(
                    httpx.post(url + CHAT, json=ask("dose?"), timeout=20).status_code
                )
            )
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
            time.sleep(0.1)
        refused = httpx.post(url + CHAT, json=ask("dose?"), timeout=20)
        for thread in threads:
            thread.join()
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert sorted(statuses) == [200, 200, 429]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.org", "::"])
def test_only_loopback_is_listened_on(host: str) -> None:
    with pytest.raises(UserError, match=re.escape(host)):
        listen(host, 0)


def test_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port}.*\n.*--port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("module", [security])
def test_doc_examples(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_routes(name: str, *args: object, **kwargs: object) -> object:
        if name == "cauce.serving.routes":
            raise ModuleNotFoundError("No module named 'fastapi'", name="fastapi")
        return real_import(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_routes)
    with pytest.raises(MissingExtra, match=r"cauce\[serve\]"):
        create_app(KnownAnswers(), model_name="demo")
