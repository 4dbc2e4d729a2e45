"""Answers to a scale from a file or a command line, and totals as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from cauce.errors import DataRefused, UserError
from cauce.twin.scales.scoring import Scored, score


def scale_file(scale_name: str, path: Path) -> Iterator[str]:
    """One JSON line per line of answers: id, scale, total, band, missing, lowest, highest.

    Raises DataRefused with file and line at the first line that is no `{"id", "answers"}`, or that
    the scale has no such answers for; the totals of the lines before it have been given by then.
    """
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                name, scored = row["id"], score(scale_name, row["answers"])
            except UserError as error:
                raise DataRefused(f"{path}, line {number}:\n{error}") from error
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DataRefused(
                    f"{path}, line {number}: not answers to a scale.\n"
                    'Each line must be {"id": ..., "answers": {item: points or option}}.'
                ) from error
            yield json.dumps({"id": name, **_row(scored)}, ensure_ascii=False)


def scale_answers(scale_name: str, answers: Sequence[str]) -> str:
    """One JSON line for answers written as `ITEM=POINTS` or `ITEM=OPTION`."""
    told: dict[str, str] = {}
    for answer in answers:
        item, sign, value = answer.partition("=")
        if not sign or item in told:
            raise UserError(
                f"{answer!r} is no answer, or the second to its item.\n"
                "Write ITEM=POINTS or ITEM=OPTION, each item once."
            )
        told[item] = value
    return json.dumps(_row(score(scale_name, told)))


def _row(scored: Scored) -> dict[str, object]:
    return {
        "scale": scored.scale,
        "total": scored.total,
        "band": scored.band,
        "missing": scored.missing,
        "lowest": scored.bounds.lowest,
        "highest": scored.bounds.highest,
    }
