"""What 10,000 malformed and hostile requests do to a server: `cauce serve` as a process of its own.

    python -m benchmarks.serving.hostile

Every route of the app, with ids, queries, headers and bodies that no client would send, drawn with
a seed; and, at the same time, clients that begin a request and never end it. Loopback only.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from benchmarks import report
from benchmarks.serving.process import START_S, Served, prepared, started
from benchmarks.serving.saying import QUIET
from cauce.serving.access import open_access
from cauce.serving.access.needs import needs
from cauce.serving.app import create_app
from cauce.serving.storage import open_database

REQUESTS = 10_000
WARM_UP = 1_000
"""Requests before the memory is first read."""
SLOW_CLIENTS = 40
ANSWER_S = 20
"""Without an answer for so long, the server hangs."""
JUNK = (
    "", "0", "-1", "1e999", "NaN", "../../etc/passwd", "%00", "\x00", "' OR 1=1 --", "<script>",
    "\ud83d\ude00" * 50, "ñ" * 3_000, "{{7*7}}", "null", "true", "\u202e", "a" * 6_000, "%ff%fe",
)  # fmt: skip


class Drawn(NamedTuple):
    """A request as it goes out."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def measure() -> None:
    """Prints how many requests ended in a fault or in nothing, and what memory grew by."""
    drawn = random.Random(7)
    routes = _routes()
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as (port, process):
        with contextlib.ExitStack() as stack:
            for _ in range(SLOW_CLIENTS):
                stack.enter_context(_slow_client(port))
            statuses, before = Counter[int](), 0
            for number in range(REQUESTS):
                if number == WARM_UP:
                    before = _resident_kib(process.pid)
                statuses[_status(port, _drawn(drawn, routes))] += 1
            after = _resident_kib(process.pid)
        alive = process.poll() is None and _status(port, Drawn("GET", "/health", {}, b"")) == 200
    faults = sum(count for status, count in statuses.items() if status >= 500)
    print(json.dumps({"statuses": {str(key): statuses[key] for key in sorted(statuses)}}))
    report("hostile requests answered with a fault (5xx)", faults, 0, "lower")
    report(f"hostile requests without an answer in {ANSWER_S} s", statuses[0], 0, "lower")
    report("the server answers afterwards", float(alive), 1.0, "higher")
    report("memory after, over that after the first thousand", after / before, 1.1, "lower")


def _routes() -> list[tuple[str, str]]:
    """Method and path of every route of the app."""
    with tempfile.TemporaryDirectory() as folder, open_database(f"{folder}/app.db") as database:
        app = create_app(QUIET, model_name="x", access=open_access(database))
    return sorted(
        (method, str(context.path))
        for context, _ in needs(app.routes)
        for method in context.methods or ("GET",)
    )


def _drawn(drawn: random.Random, routes: list[tuple[str, str]]) -> Drawn:
    method, path = drawn.choice(routes)
    if drawn.random() < 0.1:
        method = drawn.choice(("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"))
    path = re.sub(r"\{[^}]*\}", lambda _: quote(_junk(drawn), safe=""), path)
    if drawn.random() < 0.4:
        pairs = [(drawn.choice(("lang", "q", "id", "start", "language", "x")), _junk(drawn))]
        path += "?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in pairs)
    kinds = ("application/json", "text/plain", "application/x-www-form-urlencoded", "", "a/b; q=")
    headers = {"Content-Type": drawn.choice(kinds)}
    if drawn.random() < 0.2:
        headers["Accept-Language"] = quote(_junk(drawn))[:2_000]
    if drawn.random() < 0.2:
        headers["Authorization"] = "Bearer " + quote(_junk(drawn))[:2_000]
    if drawn.random() < 0.1:
        headers["Cookie"] = "session=" + quote(_junk(drawn))[:2_000]
    return Drawn(method, path, headers, _body(drawn) if method != "GET" else b"")


def _junk(drawn: random.Random) -> str:
    return drawn.choice(JUNK)[:4_000].encode("utf-8", "replace").decode("utf-8")


def _body(drawn: random.Random) -> bytes:
    """Bytes that are no JSON, JSON of the wrong shape, and JSON that is meant to hurt."""
    match drawn.randrange(9):
        case 0:
            return drawn.randbytes(drawn.randrange(1, 400))
        case 1:
            return b"[" * 50_000
        case 2:
            return b'{"model": "hostile", "messages": [{"role": "user", "content": "\\ud800"}]}'
        case 3:
            return b'{"model": "hostile", "messages": "\xff\xfe"}'
        case 4:
            return json.dumps(
                {"model": _junk(drawn), "messages": [{"role": _junk(drawn)}]}
            ).encode()
        case 5:
            return json.dumps({"question": [_junk(drawn)], "n": 10**30}).encode()
        case 6:
            return b"name=" + quote(_junk(drawn)).encode() + b"&role=admin&csrf=x"
        case 7:
            return b'{"messages": [' + b'{"role":"user","content":[]},' * 2_000 + b"null]}"
        case _:
            return b"" if drawn.random() < 0.9 else b"x" * (20 * 1024 * 1024)


def _status(port: int, request: Drawn) -> int:
    """The answer's status; 0 where none came in time, 400 where the connection was closed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        connection.request(request.method, request.path, request.body, request.headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except TimeoutError:
        return 0
    except (http.client.HTTPException, ConnectionError):
        return 400
    finally:
        connection.close()


@contextlib.contextmanager
def _slow_client(port: int) -> Iterator[None]:
    """Begins to send a question and never ends it."""
    with socket.create_connection(("127.0.0.1", port)) as opened:
        opened.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )
        yield


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[Served]:
    served = started(prepared(folder, "hostile"), folder)
    try:
        yield served
    finally:
        served.process.terminate()
        served.process.wait(START_S)


def _resident_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1])  # type: ignore[index]


if __name__ == "__main__":
    measure()
