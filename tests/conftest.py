"""No test reaches beyond this machine: sockets connect to loopback or fail."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["HF_HUB_OFFLINE"] = "1"

import socket
from typing import Any

import pytest
from hypothesis import settings

# A machine that is busy with something else is no failure.
settings.register_profile("cauce", deadline=None)
settings.load_profile("cauce")

# Until the tests are collected there is no garbage, and afterwards what they import stays: to go
# through its million objects again and again would take a good part of the time.
gc.disable()

_connect = socket.socket.connect
_LOOPBACK = ("127.", "::1", "localhost")


def _connect_to_loopback(self: socket.socket, address: Any) -> None:
    if self.family != socket.AF_UNIX and not str(address[0]).startswith(_LOOPBACK):
        raise RuntimeError(f"a test tried to reach {address!r}; only loopback is allowed")
    _connect(self, address)


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _connect_to_loopback)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with slow tests come first: no worker is left alone with one of them in the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_sessionfinish() -> None:
    # What is frozen at exit, libraries in C++ report as leaked.
    gc.unfreeze()
