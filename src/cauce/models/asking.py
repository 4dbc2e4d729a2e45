"""Whoever waits for what a model writes, known to the model wherever it is asked from.

ASKING.set(asking)      # in the thread, or before it gets a copy of the context
...                     # anything that makes a model write
asking.has_left.set()   # from elsewhere: AskerLeft is raised there
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field

from cauce.errors import CauceError


class AskerLeft(CauceError):
    """Nobody waits any longer for what was being written."""


@dataclass
class Asking:
    """Somebody who waits for what is written in the context where this is `ASKING`."""

    has_left: threading.Event = field(default_factory=threading.Event)
    """Set by whoever notices; the row is then taken off."""
    first_token_at: float | None = None
    """When the first token of the first row was there, by `time.monotonic`."""


ASKING: ContextVar[Asking | None] = ContextVar("ASKING", default=None)
