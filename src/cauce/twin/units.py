"""Units of medicine, read as UCUM writes them, and numbers told in another of them.

The Unified Code for Units of Measure (ucum.org, case-sensitive codes): atoms with the prefixes of
the SI, exponents, `.` and `/`, and annotations in braces that count nothing. Moles, equivalents
and grams of one substance are told in each other by the molar mass and the charge of the reading.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from cauce.twin.readings import Reading, known_readings


class NotComparable(ValueError):
    """A number cannot be told in the unit that is wanted; the message says why."""


class _Unit(NamedTuple):
    """A unit as a number of those that measure the same.

    The exponents are those of the metre, gram, second, kelvin, mole, equivalent and enzyme unit.
    """

    factor: float
    exponents: tuple[int, ...]
    zero: float = 0.0
    """What its zero is in kelvin."""


_ONE = _Unit(1.0, (0,) * 7)
_GRAM, _MOLE, _EQUIVALENT = 1, 4, 5


def _atom(factor: float, **exponents: int) -> _Unit:
    names = ("metre", "gram", "second", "kelvin", "mole", "equivalent", "enzyme")
    return _Unit(factor, tuple(exponents.get(name, 0) for name in names))


_KELVIN = _atom(1.0, kelvin=1)
_METRIC = {
    "m": _atom(1.0, metre=1),
    "g": _atom(1.0, gram=1),
    "s": _atom(1.0, second=1),
    "K": _KELVIN,
    "mol": _atom(1.0, mole=1),
    "osm": _atom(1.0, mole=1),
    "eq": _atom(1.0, equivalent=1),
    "L": _atom(1e-3, metre=3),
    "l": _atom(1e-3, metre=3),
    "Pa": _atom(1e3, gram=1, metre=-1, second=-2),
    "bar": _atom(1e8, gram=1, metre=-1, second=-2),
    "m[Hg]": _atom(133.322387415e6, gram=1, metre=-1, second=-2),
    "m[H2O]": _atom(9.80665e6, gram=1, metre=-1, second=-2),
    "J": _atom(1e3, gram=1, metre=2, second=-2),
    "cal": _atom(4.184e3, gram=1, metre=2, second=-2),
    "U": _atom(1.0, enzyme=1),
    "[iU]": _atom(1.0, enzyme=1),
    "[IU]": _atom(1.0, enzyme=1),
    "kat": _atom(6e7, enzyme=1),
}
_OTHERS = {
    "1": _ONE,
    "%": _atom(0.01),
    "[ppm]": _atom(1e-6),
    "[pH]": _ONE,
    "10*": _atom(10.0),
    "10^": _atom(10.0),
    "min": _atom(60.0, second=1),
    "h": _atom(3600.0, second=1),
    "d": _atom(86400.0, second=1),
    "wk": _atom(7 * 86400.0, second=1),
    "mo": _atom(30.4375 * 86400.0, second=1),
    "a": _atom(365.25 * 86400.0, second=1),
    "Hz": _atom(1.0, second=-1),
    "Cel": _KELVIN._replace(zero=273.15),
    "[degF]": _KELVIN._replace(factor=5 / 9, zero=459.67 * 5 / 9),
    "[in_i]": _atom(0.0254, metre=1),
    "[ft_i]": _atom(0.3048, metre=1),
    "[lb_av]": _atom(453.59237, gram=1),
    "[oz_av]": _atom(28.349523125, gram=1),
    "[drp]": _atom(5e-8, metre=3),
}
# Not those above kilo: in a laboratory's print `Mg/dL` is a slip for mg/dL, never megagrams.
_PREFIXES = {"k": 1e3, "d": 0.1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_BETWEEN_FACTORS = re.compile(r"([./])(?![^{\[]*[}\]])")
_FACTOR = re.compile(r"(10[*^]|(?:\[[^\]]*\]|[A-Za-z%])+|1)?([+-]?\d+)?(\{[^}]*\})?")

_SPELLINGS = (
    (re.compile(r"[µμ]"), "u"),
    (re.compile(r"mcg"), "ug"),
    (re.compile(r"/\s*\(?1[.,]73\s*_?m(?:2|²|\^2)\)?"), "/{1.73_m2}"),
    (re.compile(r"^\s*[x×]?\s*10(?:\*\*|[*^eE])\s*(\d+)\s*/"), r"10*\1/"),
    (re.compile(r"(?<![A-Za-z\[])([munk]?)(?:IU|UI|iu|ui|IE)(?![A-Za-z\]])"), r"\1[iU]"),
    (re.compile(r"m(?:²|\^2)"), "m2"),
)
_PRINTED = {
    "mmhg": "mm[Hg]",
    "cmh2o": "cm[H2O]",
    "°c": "Cel",
    "ºc": "Cel",
    "c": "Cel",
    "°f": "[degF]",
    "ºf": "[degF]",
    "f": "[degF]",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "oz": "[oz_av]",
    "in": "[in_i]",
    "ft": "[ft_i]",
    "ph": "[pH]",
    "u/l": "U/L",
    "k/ul": "10*3/uL",
    "m/ul": "10*6/uL",
    "bpm": "/min",
    "lpm": "/min",
    "rpm": "/min",
    "beats/min": "/min",
    "beats/minute": "/min",
    "breaths/min": "/min",
    "latidos/min": "/min",
    "resp/min": "/min",
    "cells/nl": "{cells}/nL",
    "cells/ul": "{cells}/uL",
    "hours": "h",
    "horas": "h",
    "days": "d",
    "días": "d",
    "dies": "d",
    "years": "a",
    "años": "a",
    "anys": "a",
    "kgs": "kg",
    "cc": "mL",
    "puntos": "{score}",
    "punts": "{score}",
    "points": "{score}",
    "pasos": "{steps}",
    "passos": "{steps}",
    "steps": "{steps}",
}
"""As laboratories and devices print them, in small letters; what UCUM would read otherwise."""


def ucum(unit: str) -> str:
    """The UCUM code of a unit as laboratories print it; the same text where none is known.

    >>> ucum("mL/min/1,73 m²"), ucum("mmHg"), ucum("x10^9/L"), ucum("µg/L"), ucum("furlong")
    ('mL/min/{1.73_m2}', 'mm[Hg]', '10*9/L', 'ug/L', 'furlong')
    """
    return _ucum(unit)


def in_unit(value: float, unit: str, wanted: str, *, reading: str = "") -> float:
    """The number in the unit `wanted`, by the molar mass, charge and scale of a known reading.

    NotComparable where the two measure different things, or one of them is no unit.

    >>> round(in_unit(88.4, "umol/L", "mg/dL", reading="creatinine"), 3)
    1.0
    """
    if unit == wanted:
        return value
    known = known_readings()[reading] if reading else None
    if known and known.scale and _are_same(unit, known.scale.unit) and wanted == known.unit:
        return _rounded(known.scale.slope * value + known.scale.intercept)
    if known and known.scale and _are_same(wanted, known.scale.unit) and unit == known.unit:
        return _rounded((value - known.scale.intercept) / known.scale.slope)
    slope, intercept = _conversion(unit, wanted, reading)
    return _rounded(slope * value + intercept)


def _rounded(value: float) -> float:
    """To 12 digits, more than any conversion knows: 37.0 and not 36.99999999999997."""
    return float(f"{value:.12g}")


@cache
def _ucum(unit: str) -> str:
    printed = unit.strip().casefold()
    if printed in _PRINTED:
        return _PRINTED[printed]
    text = unit.strip()
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
    closed = text.replace(" ", "")
    ways = (text, closed, closed.lower(), _PRINTED.get(closed.lower(), ""))
    return next((way for way in ways if _parsed(way)), unit)


def _are_same(unit: str, other: str) -> bool:
    return unit == other or (_parsed(unit) is not None and _parsed(unit) == _parsed(other))


@cache
def _conversion(unit: str, wanted: str, reading: str) -> tuple[float, float]:
    known = known_readings()[reading] if reading else None
    given, asked = _of_reading(unit, known), _of_reading(wanted, known)
    if given.exponents != asked.exponents:
        raise NotComparable(f"{unit!r} cannot be told in {wanted!r}")
    return given.factor / asked.factor, (given.zero - asked.zero) / asked.factor


def _of_reading(unit: str, reading: Reading | None) -> _Unit:
    """The unit with grams and equivalents of the reading's substance told in moles."""
    parsed = _parsed(unit)
    if parsed is None:
        raise NotComparable(f"{unit!r} is no known unit")
    factor, exponents = parsed.factor, list(parsed.exponents)
    for place, size in (
        (_GRAM, reading and reading.molar_mass),
        (_EQUIVALENT, reading and reading.charge),
    ):
        if size:
            factor /= float(size) ** exponents[place]
            exponents[_MOLE] += exponents[place]
            exponents[place] = 0
    return _Unit(factor, tuple(exponents), parsed.zero)


@cache
def _parsed(unit: str) -> _Unit | None:
    """The unit by its UCUM code; None for a text that is none."""
    first, *rest = _BETWEEN_FACTORS.split(f"1{unit}" if unit.startswith("/") else unit)
    total = _factor(first)
    for sign, text in zip(rest[::2], rest[1::2], strict=True):
        factor = _factor(text)
        if total is None or factor is None:
            return None
        total = _times(total, factor, -1 if sign == "/" else 1)
    return total


def _factor(text: str) -> _Unit | None:
    """One atom with its prefix and exponent."""
    found = _FACTOR.fullmatch(text)
    if found is None or not (found[1] or found[3]) or (found[1] == "1" and found[2]):
        return None
    if not found[1]:
        return _ONE
    atom = _prefixed(found[1])
    return atom and _power(atom, int(found[2] or 1))


def _prefixed(text: str) -> _Unit | None:
    if text in _METRIC or text in _OTHERS:
        return _METRIC.get(text) or _OTHERS[text]
    for length in (1, 2):
        prefix, atom = text[:length], text[length:]
        if prefix in _PREFIXES and atom in _METRIC:
            return _METRIC[atom]._replace(factor=_METRIC[atom].factor * _PREFIXES[prefix])
    return None


def _power(unit: _Unit, exponent: int) -> _Unit:
    if exponent == 1:
        return unit
    return _Unit(unit.factor**exponent, tuple(exponent * one for one in unit.exponents))


def _times(unit: _Unit, other: _Unit, exponent: int) -> _Unit:
    """The product; a zero that is elsewhere holds for a unit that stands alone only."""
    powered = _power(other, exponent)
    exponents = tuple(map(sum, zip(unit.exponents, powered.exponents, strict=True)))
    zero = other.zero if unit == _ONE and exponent == 1 else 0.0
    return _Unit(unit.factor * powered.factor, exponents, zero)
