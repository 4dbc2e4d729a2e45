"""Texts from a file and alarms as text: what `cauce triage` reads and prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cauce.safety.lines import answered
from cauce.safety.triage.detecting import triage


def triage_file(path: Path, *, country: str = "ES") -> Iterator[str]:
    """One JSON line per text: id, kind, number, score; kind `none` and no number without alarm.

    DataRefused at the end names bad lines.
    """

    def told(text: str) -> dict[str, Any]:
        alarm = triage(text, country=country)
        if alarm is None:
            return {"kind": "none", "number": "", "score": 0.0}
        return {"kind": alarm.kind, "number": alarm.number, "score": alarm.score}

    return answered(path, ("text",), told)
