"""A file of JSON lines, each answered by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cauce.errors import DataRefused


def answered(
    path: Path, fields: tuple[str, ...], answer: Callable[..., dict[str, Any]]
) -> Iterator[str]:
    """One JSON line for each of the file: its id, and what `answer` gives for its fields.

    Raises DataRefused that names every line without an `id` and the fields as texts, after all
    others have been answered.
    """
    refused = []
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            found = _read(line, fields)
            if found is None:
                refused.append(number)
                continue
            name, *texts = found
            yield json.dumps({"id": name, **answer(*texts)}, ensure_ascii=False)
    if refused:
        needed = ", ".join(f'"{field}": "..."' for field in fields)
        raise DataRefused(
            f"{path}, line {', '.join(map(str, refused))}: without what is needed; all others are "
            f'answered.\nEach line must be {{"id": ..., {needed}}}.'
        )


def _read(line: bytes, fields: tuple[str, ...]) -> list[Any] | None:
    """Id and texts; None where the line holds something else."""
    try:
        row = json.loads(line)
        found = [row["id"], *(row[field] for field in fields)]
    except (ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(text, str) for text in found[1:]):
        return None
    return [_whole(it) if isinstance(it, str) else it for it in found]


def _whole(text: str) -> str:
    """`text` with a sign in the place of each half of a character, which nothing can write."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
