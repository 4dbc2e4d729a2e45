"""An OpenAI-compatible server on loopback, whose model says what the test wants."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeChat(ThreadingHTTPServer):
    """`say` answers each prompt; `failures` are answered first, then the server stays up."""

    def __init__(self, say: Callable[[str], str | None] = str.upper) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.say = say
        self.failures: list[tuple[int, dict[str, str], bytes]] = []
        self.models = ["some-model"]
        self.requests: list[dict[str, Any]] = []
        """Bodies of the requests, refused ones included."""
        self.keys: set[str | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def prompts(self) -> list[str]:
        return [request["messages"][-1]["content"] for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    server: FakeChat

    def do_GET(self) -> None:
        found = {"object": "list", "data": [{"id": model} for model in self.server.models]}
        is_there = self.path == "/v1/models"
        self._send(200 if is_there else 404, {}, json.dumps(found if is_there else {}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.add(self.headers["Authorization"])
        if self.server.failures:
            self._send(*self.server.failures.pop(0))
        elif self.path != "/v1/chat/completions":
            self._send(404, {}, b'{"error": {"message": "no such path"}}')
        else:
            said = self.server.say(body["messages"][-1]["content"])
            message = {"role": "assistant", "content": said}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            content = {"object": "chat.completion", "model": body["model"], "choices": choices}
            self._send(200, {}, json.dumps(content).encode())

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        # Who asked may have lost patience.
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
