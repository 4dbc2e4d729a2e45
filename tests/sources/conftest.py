"""Servers on loopback that stand for live sources, and the pauses that clients would make."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import HTTPServer

import pytest

from cauce.sources import polite


@pytest.fixture
def served() -> Iterator[Callable[[HTTPServer], None]]:
    """Lets a server answer until the test is over."""
    with contextlib.ExitStack() as stack:

        def serve(server: HTTPServer) -> None:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(server.server_close)
            stack.callback(thread.join)
            stack.callback(server.shutdown)

        yield serve


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have waited, in order."""
    asked: list[float] = []
    monkeypatch.setattr(polite.time, "sleep", asked.append)
    return asked
