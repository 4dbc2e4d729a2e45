"""A number as it was measured, told in the unit that its reading always has."""

from __future__ import annotations

from typing import NamedTuple

from cauce.twin.readings import Reading
from cauce.twin.units import NotComparable, in_unit, ucum


class Measured(NamedTuple):
    """The fields of an event that tell a number."""

    reading: str
    """Empty where the number is none of a known reading, or cannot be compared with its others."""
    value: float
    unit: str
    problem: str = ""
    """Why the number cannot be compared; empty where it can."""


def measured(reading: Reading | None, value: float, unit: str) -> Measured:
    """The number in the reading's unit; as it was printed where that cannot be."""
    code = ucum(unit)
    if reading is None:
        return Measured("", value, code)
    if not code and not _counts_nothing(reading.unit):
        problem = f"{reading.name} without a unit: kept, and compared with nothing"
        return Measured("", value, code, problem)
    try:
        told = in_unit(value, code or reading.unit, reading.unit, reading=reading.name)
    except NotComparable as error:
        problem = f"{reading.name}: {error}; kept as it is written, and compared with nothing"
        return Measured("", value, code, problem)
    return Measured(reading.name, told, reading.unit)


def _counts_nothing(unit: str) -> bool:
    return unit in ("1", "[pH]") or unit.startswith("{")
