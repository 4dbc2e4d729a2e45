"""The readings that are known by one name and one unit, however a source calls and counts them."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import yaml

from cauce.records import Record, Spoken

_TABLE = Path(__file__).parents[1] / "data" / "twin" / "readings.yaml"


class Scale(Record):
    """Another scale that a reading is told on, whose zero is elsewhere."""

    unit: str
    """The unit that says so: HbA1c in `mmol/mol` is the IFCC's, in `%` the NGSP's."""
    slope: float
    intercept: float
    """The reading's own number is slope * number + intercept."""


class Reading(Record):
    """Something that can be measured of a person, and the unit that it is always told in."""

    name: str
    """By which the whole of the twin calls it: `creatinine`."""
    names: dict[Spoken, str]
    """What people call it."""
    other_names: tuple[str, ...] = ()
    """By which tables have it too."""
    loinc: tuple[str, ...] = ()
    unit: str
    """UCUM."""
    physionet: str = ""
    """Its column in the PhysioNet/CinC Challenge 2012, told in the same unit."""
    molar_mass: float | None = None
    """In g/mol; None where nobody counts its moles."""
    charge: int | None = None
    """Of the ion; None for what is told in no equivalents."""
    scale: Scale | None = None


@cache
def known_readings() -> dict[str, Reading]:
    """Every known reading by its name."""
    table = yaml.safe_load(_TABLE.read_text("utf-8"))
    return {name: _reading(name, fields) for name, fields in table.items()}


def reading_of_loinc(code: str) -> Reading | None:
    """The reading that this LOINC code measures; None for one that is not known."""
    return _by_loinc().get(code)


def reading_of_name(name: str) -> Reading | None:
    """The reading that people, in Spanish, English or Catalan, or a table call so.

    >>> reading_of_name("Tensión sistólica").name
    'systolic_pressure'
    """
    return _by_name().get(plain(name))


def plain(text: str) -> str:
    """The words in small letters without their accents: what two spellings have in common."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(bare.replace("_", " ").split())


def _reading(name: str, fields: dict[str, object]) -> Reading:
    rest = {key: value for key, value in fields.items() if key not in ("es", "en", "ca", "other")}
    names = {language: fields[language] for language in ("es", "en", "ca")}
    return Reading.model_validate(
        {**rest, "name": name, "names": names, "other_names": fields.get("other", ())}
    )


@cache
def _by_loinc() -> dict[str, Reading]:
    return {code: reading for reading in known_readings().values() for code in reading.loinc}


@cache
def _by_name() -> dict[str, Reading]:
    return {
        plain(spelling): reading
        for reading in known_readings().values()
        for spelling in (reading.name, *reading.names.values(), *reading.other_names)
    }
