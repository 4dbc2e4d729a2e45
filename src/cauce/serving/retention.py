"""Old rows leave the database by themselves: when the app starts, and every day that it serves."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cauce.errors import SourceUnavailable

if TYPE_CHECKING:
    from cauce.serving.storage.database import Database

DAY_S = 24 * 60 * 60


@contextlib.contextmanager
def purged_daily(database: Database, keep_days: float, *, every_s: float = DAY_S) -> Iterator[None]:
    """While the block runs, nothing stays a day longer than `keep_days` after its last use.

    Raises SourceUnavailable where the database does not answer at first; later it is told on
    stderr and tried again the next time.
    """
    _purge(database, keep_days)
    is_over = threading.Event()

    def daily() -> None:
        while not is_over.wait(every_s):
            try:
                _purge(database, keep_days)
            except SourceUnavailable as error:
                print(f"nothing was purged: {error}", file=sys.stderr)

    thread = threading.Thread(target=daily, name="retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _purge(database: Database, keep_days: float) -> None:
    """Whoever administers sees in the events that something went."""
    if gone := database.purge(keep_days):
        database.add_event("purged", rows=gone, keep_days=keep_days)
