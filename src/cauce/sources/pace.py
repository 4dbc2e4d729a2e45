"""How fast a server may be asked: shared by threads, and set by what its answers say."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Pace:
    """Turns to ask one server, evenly spaced and so many at once, for all threads together.

    The first turns follow `per_second`; afterwards the server's headers rule (`x-rate-limit-limit`
    questions in `x-rate-limit-interval`, `x-concurrency-limit` at once), as Crossref sends them.
    """

    def __init__(self, per_second: float, at_once: int = 1) -> None:
        self.per_second = per_second
        self.at_once = at_once
        self._most_at_once = at_once
        self._asking = 0
        self._next_s = 0.0
        self._free = threading.Condition()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits until a question may be asked; the turn lasts until the block is left."""
        with self._free:
            while (wait_s := self._wait_s()) != 0.0:
                self._free.wait(wait_s)
            self._asking += 1
            self._next_s = time.monotonic() + 1.0 / self.per_second
        try:
            yield
        finally:
            with self._free:
                self._asking -= 1
                self._free.notify_all()

    def hold(self, seconds: float) -> None:
        """Nobody gets a turn for so long: the server asked to wait."""
        with self._free:
            self._next_s = max(self._next_s, time.monotonic() + seconds)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Follows the limits that an answer names; what it does not name stays."""
        limit, interval_s = headers.get("x-rate-limit-limit", ""), _seconds(headers)
        at_once = headers.get("x-concurrency-limit", "")
        with self._free:
            if limit.isdigit() and int(limit) and interval_s:
                self.per_second = int(limit) / interval_s
            if at_once.isdigit() and int(at_once):
                self.at_once = min(int(at_once), self._most_at_once)

    def _wait_s(self) -> float | None:
        """Seconds until the next turn; 0 now, None until somebody ends a turn."""
        if self._asking >= self.at_once:
            return None
        return max(0.0, self._next_s - time.monotonic())


def _seconds(headers: Mapping[str, str]) -> float:
    """The interval of a limit, `1s` or `5m`; 0 where none is named."""
    found = re.fullmatch(r"(\d+)\s*(ms|s|m|h|d)?", headers.get("x-rate-limit-interval", "").strip())
    return int(found[1]) * _UNITS_S[found[2] or "s"] if found else 0.0
