"""The marks beside which an adult's readings are usually found."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from cauce.records import Record
from cauce.twin.summary.recorded import age_at
from cauce.twin.timeline import Person

_TABLE = Path(__file__).parents[2] / "data" / "twin" / "usual.yaml"
ADULT_YEARS = 18
BySex = float | dict[Literal["female", "male"], float] | None


class Usual(Record):
    """From where to where; None where a side has no mark."""

    low: float | None = None
    high: float | None = None
    source: str

    def side(self, value: float) -> Literal["above", "below", ""]:
        """On which side of the marks the value lies; empty between them."""
        if self.high is not None and value > self.high:
            return "above"
        return "below" if self.low is not None and value < self.low else ""


class _Row(Record):
    low: BySex = None
    high: BySex = None
    source: str


def usual_of(reading: str, person: Person, when: datetime) -> Usual | None:
    """The marks of a reading; None for a child, or where they differ by a sex that is not known."""
    row = _rows().get(reading)
    if row is None or (person.birth and age_at(person.birth, when) < ADULT_YEARS):
        return None
    low, high = _for_sex(row.low, person.sex), _for_sex(row.high, person.sex)
    if low is None and high is None:
        return None
    return Usual(low=low, high=high, source=row.source)


def _for_sex(mark: BySex, sex: str) -> float | None:
    if not isinstance(mark, dict):
        return mark
    return mark["female"] if sex == "female" else mark["male"] if sex == "male" else None


@cache
def _rows() -> dict[str, _Row]:
    table = yaml.safe_load(_TABLE.read_text("utf-8"))
    return {name: _Row.model_validate(fields) for name, fields in table.items()}
