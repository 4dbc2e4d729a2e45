"""What became of people: a table with a row each, as the challenges and hospitals write it."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

from cauce.errors import DataRefused, NotFound, UserError

_NO_OUTCOME = ("", "-1", "NA", "nan")


def read_outcomes(path: Path, column: str) -> dict[str, bool]:
    """By the id in the first column, whether it happened: 1 or 0 in the column of that name.

    CSV, packed with gzip or not. A row whose cell is empty, -1 or NA tells nothing, and is left
    out. Raises UserError where there is no such column, DataRefused where a cell is anything else.
    """
    if not path.is_file():
        raise NotFound(f"no file {path}.\nName the table of outcomes: --outcomes FILE")
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed).decode("utf-8-sig")
    rows = csv.reader(io.StringIO(text))
    header = next(rows, [])
    if column not in header[1:]:
        raise UserError(
            f"{path} has no column {column!r}.\nIts columns: {', '.join(header[1:]) or 'none'}."
        )
    place = header.index(column)
    found: dict[str, bool] = {}
    for number, row in enumerate(rows, 2):
        cell = row[place].strip() if len(row) > place else ""
        if cell in _NO_OUTCOME:
            continue
        if cell not in ("0", "1", "0.0", "1.0"):
            raise DataRefused(
                f"{path}, line {number}: the outcome {column} is neither 0 nor 1.\n"
                "Write 1 where it happened, 0 where not, nothing where it is not known."
            )
        found[row[0].strip()] = cell.startswith("1")
    return found
