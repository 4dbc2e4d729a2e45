"""The numbers of a label's sentence that bound whom it speaks of: "below 30 ml/min", "over 65"."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import NamedTuple


class Interval(NamedTuple):
    """From `low` on, up to `high` and without it."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """True for a value of the interval."""
        return self.low <= value < self.high


_NUMBER = r"(\d+(?:[.,]\d+)?)"
_BELOW = (
    r"(?:<|inferior(?:es)? al?|menor(?:es)? (?:de|que)|por debajo de(?: los| las)?|menos de"
    r"|below|under|less than|lower than|younger than)"
)
_UP_TO = (
    r"(?:≤|<=|=<|inferior(?:es)? o igual(?:es)? al?|menor(?:es)? o igual(?:es)? (?:a|que)"
    r"|less than or equal to|up to|hasta)"
)
_FROM = (
    r"(?:>|≥|>=|(?:superior|mayor)(?:es)? (?:o igual(?:es)? )?(?:al?|de|que)"
    r"|por encima de(?: los| las)?|mas de|a partir de(?: los| las)?|desde(?: los| las)?"
    r"|above|over|more than|greater than(?: or equal to)?|older than|aged|at least)"
)
_RANGE = (
    rf"{_NUMBER} ?(?:a|y|to|and|-|–|hasta(?: menos de)?|to (?:below|less than))"
    rf" ?(?:<|≤)? ?{_NUMBER}"
)
_OF = r"(?: [a-z\s]{1,40} (?:de|of))?"
"""What may stand between a word and its number: "below a creatinine clearance of 30"."""
_OR_LESS = rf"{_NUMBER} ?{{unit}} (?:o menos|or less|or below|o inferior)"
_OR_MORE = rf"{_NUMBER} ?{{unit}} (?:o mas|or more|or over|or older|and older|o mayores|y mas)"


def intervals_in(text: str, unit: str) -> tuple[Interval, ...]:
    """The intervals that a folded text names with that unit (a pattern); none where it bounds none.

    >>> intervals_in("clcr < 30 ml/min o entre 45 y 60 ml/min", "ml/min")
    (Interval(low=45.0, high=60.00000000000001), Interval(low=-inf, high=30.0))
    """
    forms = _forms(unit)
    found: list[Interval] = []
    for kind, pattern in forms:
        found += [_interval(kind, match) for match in pattern.finditer(text)]
        text = pattern.sub(lambda match: " " * len(match.group()), text)
    return tuple(found)


@cache
def _forms(unit: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What is looked for, a range before its ends and a bound with equality before one without."""
    forms = {
        "range": rf"(?<![\d.,]){_RANGE} ?(?:{unit})",
        "or less": _OR_LESS.replace("{unit}", f"(?:{unit})"),
        "or more": _OR_MORE.replace("{unit}", f"(?:{unit})"),
        "up to": rf"{_UP_TO}{_OF} ?{_NUMBER} ?(?:{unit})",
        "below": rf"{_BELOW}{_OF} ?{_NUMBER} ?(?:{unit})",
        "from": rf"{_FROM}{_OF} ?{_NUMBER} ?(?:{unit})",
    }
    return tuple((kind, re.compile(pattern)) for kind, pattern in forms.items())


def _interval(kind: str, match: re.Match[str]) -> Interval:
    low, *high = (float(number.replace(",", ".")) for number in match.groups())
    if kind == "range":
        return Interval(low, math.nextafter(high[0], math.inf))
    if kind == "below":
        return Interval(-math.inf, low)
    if kind in ("up to", "or less"):
        return Interval(-math.inf, math.nextafter(low, math.inf))
    return Interval(low, math.inf)
