"""Texts from a file and alarms as text: what `cauce triage` reads and prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cauce.errors import DataRefused
from cauce.safety.triage.detecting import triage


def triage_file(path: Path, *, country: str = "ES") -> Iterator[str]:
    """One JSON line per text: id, kind, number, score; kind `none` and no number without alarm.

    Raises DataRefused with file and line at the first line that is no `{"id", "text"}`; the lines
    before it have been told by then.
    """
    for name, text in _texts(path):
        alarm = triage(text, country=country)
        row = {
            "id": name,
            "kind": "none" if alarm is None else alarm.kind,
            "number": "" if alarm is None else alarm.number,
            "score": 0.0 if alarm is None else alarm.score,
        }
        yield json.dumps(row, ensure_ascii=False)


def _texts(path: Path) -> Iterator[tuple[object, str]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                name, text = row["id"], row["text"]
            except (ValueError, KeyError, TypeError) as error:
                raise _not_a_text(path, number) from error
            if not isinstance(text, str):
                raise _not_a_text(path, number)
            yield name, text


def _not_a_text(path: Path, number: int) -> DataRefused:
    return DataRefused(
        f'{path}, line {number}: not a text.\nEach line must be {{"id": ..., "text": "..."}}.'
    )
