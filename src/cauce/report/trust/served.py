"""How the log of the served assistant is laid out, for the server and for who reads it."""

from __future__ import annotations

from pathlib import Path

from cauce import audit

FOLDER = "serve"
"""In the run's folder."""
REPLIED = "replied"
"""The event of a reply."""
FOLLOWS = "month begun"
"""The event that names the file and the head of the month before."""


class MonthBefore(audit.LogHead):
    """How the month before ended; the details of `FOLLOWS`."""

    file: str
    """In the same folder."""


def months(folder: Path) -> list[Path]:
    """The files of the log, one a month, oldest first."""
    return sorted(folder.glob("audit-*.jsonl"))
