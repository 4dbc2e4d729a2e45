"""Amounts and frequencies of a text in one form, so that 0.5 g is 500 mg and never 500 mcg.

Rules:

- Units are converted only exactly: g, mg, µg, ng; L, mL, cc; weeks, days, hours, minutes; years and
  months; °F to °C; rates such as mg/kg, mg/day and mg per 24 h. IU and units stay apart.
- A comparison ("up to", "no más de", "or more", ">") is part of the amount: "3 g" is not "up to
  3 g". "No more than", "not exceed", "at most" and "maximum" before a number are one limit.
- A range is one amount. It supports neither of its ends alone, only its end named as a limit:
  "200 to 400 mg" supports "up to 400 mg" and "at least 200 mg".
- "Every 8 hours" is "cada 8 horas" and not "3 times a day"; "twice daily" is "dos veces al día".
- A number whose spelling is ambiguous without the language ("1.000") equals only the same spelling.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from cauce.knowledge.claims.tokens import END, Token
from cauce.knowledge.claims.units import COUNTED, PERIODS, PHRASES, UNITS, Unit

Value = Fraction | str

_LIMITS = {
    "<=": "up to|hasta|no more than|not more than|no mas de|not exceed|not exceeding|not to exceed|"
    "no exceder|no exceder de|no exceda|no exceda de|no superar|no supere|no superior a|"
    "no debe exceder|no debe exceder de|no debe superar|no debe sobrepasar|no deben superar|"
    "no debera exceder|no debera superar|no se debe superar|no se debe exceder|sin superar|"
    "sin exceder|without exceeding|at most|como maximo|a maximum of|maximum of|maximum|max|"
    "un maximo de|maximo de|maximo|maxima de|no greater than|not greater than|no mayor de|≤",
    ">=": "at least|al menos|por lo menos|como minimo|un minimo de|minimo de|minimo|minimum of|"
    "a minimum of|minimum|no less than|not less than|no menos de|≥",
    ">": "more than|greater than|higher than|above|over|older than|exceeds|exceed|exceeding|mas de|"
    "mayor de|mayores de|mayor que|mayores que|mayor a|mayores a|superior a|superiores a|"
    "por encima de|supera|supere|superan|>",
    "<": "less than|fewer than|lower than|below|under|younger than|menos de|menor de|menores de|"
    "menor que|menores que|menor a|menores a|inferior a|inferiores a|por debajo de|<",
    "~": "about|approximately|around|aproximadamente|alrededor de|cerca de|~|±",
}
_BEFORE = {
    tuple(phrase.split()): mark
    for mark, phrases in _LIMITS.items()
    for phrase in phrases.split("|")
}
_AFTER = {
    tuple(phrase.split()): mark
    for mark, phrases in {
        ">=": "or more|or older|or over|or above|or greater|or higher|and older|and over|and above|"
        "of age or older|of age and older|of age and over|of age or over|y older|o mas|y mas|"
        "o mayores|y mayores|o superior|o mayor|de edad o mas|de edad y mayores|de edad o mayores|"
        "en adelante|y older",
        "<=": "or less|or fewer|or younger|or under|or lower|or below|and younger|and under|"
        "o menos|o menores|y menores|o inferior|de edad o menos|como maximo",
    }.items()
    for phrase in phrases.split("|")
}
_LONGEST_PHRASE = 5
_FILLERS = frozenset("of de a total un una the los las el la to".split())  # noqa: SIM905
_EACH = frozenset("every each cada q".split())  # noqa: SIM905
_BETWEEN = frozenset(("between", "entre"))
_RANGE_MARKS = frozenset("-–—−")
_ONE = frozenset("one un una uno".split())  # noqa: SIM905
_INITIALS = {"qd": 1, "bid": 2, "tid": 3, "qid": 4}
_ADVERBS = {"once": "1", "twice": "2", "thrice": "3"}


_FIRST = frozenset(
    {words[0] for words in _BEFORE}
    | {*_EACH, *_BETWEEN, *_ONE, *_INITIALS, *_ADVERBS, *PERIODS, "todos", "todas"}
    | {f"q{hours}h" for hours in range(1, 73)}
)
"""Every word that an amount or a frequency can start with."""


class Quantity(NamedTuple):
    """An amount: from `low` to `high`, in base units, with its comparison ("<=", ">", "~", "")."""

    low: Value
    high: Value
    unit: str
    comparison: str = ""

    def supports(self, claimed: Quantity) -> bool:
        """True when a text that states this amount states the claimed one."""
        if self == claimed:
            return True
        is_range = self.low != self.high and not self.comparison
        end = {"<=": self.high, ">=": self.low}.get(claimed.comparison)
        same_unit = self.unit == claimed.unit and claimed.low == claimed.high
        return is_range and same_unit and end == claimed.low


class Frequency(NamedTuple):
    """How often: every so many hours or months, or so many times in a period."""

    manner: str
    times: Quantity
    period: str = ""


class Read(NamedTuple):
    """What was read, and the place of the token after it."""

    value: Quantity | Frequency
    end: int


class _Amount(NamedTuple):
    """A number with its unit, before it becomes a range or gets a comparison."""

    number: str
    unit: Unit | None
    per: str
    per_factor: Fraction
    end: int


def read_amount(tokens: Sequence[Token], start: int) -> Read | None:
    """The quantity or frequency that starts at `start`; None when there is none."""
    if tokens[start].kind != "number" and tokens[start].text not in _FIRST:
        return None
    return _frequency(tokens, start) or _quantity(tokens, start)


def _at(tokens: Sequence[Token], place: int) -> Token:
    return tokens[place] if 0 <= place < len(tokens) else END


def _word_at(tokens: Sequence[Token], place: int) -> str:
    return _at(tokens, place).text


def longest_phrase(tokens: Sequence[Token], start: int, phrases: dict[tuple[str, ...], str]) -> int:
    """How many tokens from `start` the longest of `phrases` takes; 0 when none starts there."""
    words = tuple(token.text for token in tokens[start : start + _LONGEST_PHRASE])
    for length in range(len(words), 0, -1):
        if words[:length] in phrases:
            return length
    return 0


def _quantity(tokens: Sequence[Token], start: int) -> Read | None:
    length = longest_phrase(tokens, start, _BEFORE)
    comparison = (
        _BEFORE[tuple(token.text for token in tokens[start : start + length])] if length else ""
    )
    place = start + length
    while length and _word_at(tokens, place) in _FILLERS:
        place += 1
    between = _word_at(tokens, place) in _BETWEEN
    first = _amount(tokens, place + between)
    if first is None:
        return None
    second = _second_of_range(tokens, first, between)
    end = (second or first).end
    if not comparison:
        length = longest_phrase(tokens, end, _AFTER)
        comparison = _AFTER.get(tuple(token.text for token in tokens[end : end + length]), "")
        end += length
    return Read(_made(first, second, comparison), end)


def _made(first: _Amount, second: _Amount | None, comparison: str) -> Quantity:
    last = second or first
    unit = last.unit
    if unit and unit.dimension == "fahrenheit":
        unit = Unit("celsius")
        low, high = (_celsius(_value(amount.number)) for amount in (first, last))
    else:
        low = _scaled(first, first.unit or unit, last.per_factor)
        high = _scaled(last, unit, last.per_factor)
    name = f"{unit.dimension if unit else ''}{last.per}"
    return Quantity(low, high, name, comparison)


def _celsius(value: Value) -> Value:
    return value if isinstance(value, str) else (value - 32) * 5 / 9


def _scaled(amount: _Amount, unit: Unit | None, per_factor: Fraction) -> Value:
    value = _value(amount.number)
    factor = (unit.factor if unit else Fraction(1)) / per_factor
    if isinstance(value, str):
        return value if factor == 1 else f"{value}x{factor}"
    return value * factor


@lru_cache(maxsize=1024)
def _value(number: str) -> Value:
    """The number, or its spelling where that is a code, a power or ambiguous."""
    ambiguous = "," in number or "'" in number or "^" in number or _three_decimals(number)
    if ambiguous or (number.startswith("0") and number.isdigit() and len(number) > 1):
        return number
    try:
        return Fraction(number.replace("−", "-"))
    except ValueError:
        return number


def _three_decimals(number: str) -> bool:
    """True for "1.500", which without the language may be one and a half or a thousand more."""
    whole, _, decimals = number.lstrip("-−").partition(".")
    return len(decimals) == 3 and whole != "0" and len(whole) <= 3


def _amount(tokens: Sequence[Token], place: int) -> _Amount | None:
    token = _at(tokens, place)
    if token.kind == "number":
        number = token.value
    elif token.text == "twice":
        return _Amount("2", COUNTED["times"], "", Fraction(1), place + 1)
    elif token.text in _ONE and _word_at(tokens, place + 1) in COUNTED:
        number = "1"
    else:
        return None
    unit, end = _unit_at(tokens, place + 1)
    if unit is None:
        return _Amount(number, None, "", Fraction(1), place + 1)
    per, factor, end = _per_at(tokens, end, unit)
    return _Amount(number, unit, per, factor, end)


def _unit_at(tokens: Sequence[Token], place: int) -> tuple[Unit | None, int]:
    if _word_at(tokens, place) == "-" and _at(tokens, place + 1).kind == "word":
        place += 1
    for length in (3, 2):
        phrase = tuple(token.text for token in tokens[place : place + length])
        if phrase in PHRASES:
            return PHRASES[phrase], place + length
    word = _word_at(tokens, place)
    found = UNITS.get(word) or COUNTED.get(word)
    return (found, place + 1) if found else (None, place)


def _per_at(tokens: Sequence[Token], place: int, unit: Unit) -> tuple[str, Fraction, int]:
    """What the amount is for ("/g/h"), the factor of those units, and the place after them."""
    per, factor = "", Fraction(1)
    while True:
        found = _one_per(tokens, place, is_time=unit.dimension in ("h", "month", "time"))
        if found is None:
            return per, factor, place
        denominator, count, place = found
        per += f"/{denominator.dimension}"
        factor *= denominator.factor * count


def _one_per(
    tokens: Sequence[Token], place: int, *, is_time: bool
) -> tuple[Unit, Fraction, int] | None:
    word = _word_at(tokens, place)
    if is_time and word != "/":
        return None
    if word in PERIODS:
        return PERIODS[word], Fraction(1), place + 1
    if word not in ("/", "per", "por", "a", "al", "the", "each"):
        return None
    place += 2 if word == "a" and _word_at(tokens, place + 1) == "la" else 1
    count = Fraction(1)
    if _at(tokens, place).kind == "number" and word in ("/", "per", "por"):
        value = _value(_at(tokens, place).value)
        if isinstance(value, str) or value <= 0:
            return None
        count, place = value, place + 1
    unit, end = _unit_at(tokens, place)
    if unit is None or (
        word in ("a", "al", "the", "each") and unit.dimension not in ("h", "month")
    ):
        return None
    return unit, count, end


def _second_of_range(tokens: Sequence[Token], first: _Amount, between: bool) -> _Amount | None:
    joint = _word_at(tokens, first.end)
    joints = ("y", "and", "e") if between else ("to", "a", "hasta", *_RANGE_MARKS)
    if joint not in joints or first.number.startswith("-"):
        return None
    if _at(tokens, first.end + 1).kind != "number":
        return None
    second = _amount(tokens, first.end + 1)
    if second is None:
        return None
    if first.unit and (second.unit is None or second.unit.dimension != first.unit.dimension):
        return None
    return second


def _frequency(tokens: Sequence[Token], start: int) -> Read | None:
    word = _word_at(tokens, start)
    if word in _INITIALS:
        count = Quantity(Fraction(_INITIALS[word]), Fraction(_INITIALS[word]), "time")
        return Read(Frequency("times", count, "h24"), start + 1)
    if word.startswith("q") and word[1:-1].isdigit():
        return Read(Frequency("every", _hours(Fraction(word[1:-1]))), start + 1)
    if word in _EACH:
        return _every(tokens, start + 1)
    if word in ("todos", "todas"):
        return _every(tokens, start + 2) if _word_at(tokens, start + 2) in UNITS else None
    return _times(tokens, start)


def _hours(value: Value) -> Quantity:
    return Quantity(value, value, "h")


def _every(tokens: Sequence[Token], place: int) -> Read | None:
    """The time after "every": "8 hours", "4 to 6 hours", "day"."""
    amount = _quantity(tokens, place)
    if amount and isinstance(amount.value, Quantity):
        is_time = amount.value.unit in ("h", "month")
        return Read(Frequency("every", amount.value), amount.end) if is_time else None
    unit = UNITS.get(_word_at(tokens, place))
    if unit is None or unit.dimension not in ("h", "month"):
        return None
    return Read(Frequency("every", Quantity(unit.factor, unit.factor, unit.dimension)), place + 1)


def _times(tokens: Sequence[Token], start: int) -> Read | None:
    """So many times a period: "3 times a day", "twice daily", "una vez al día", "daily"."""
    word = _word_at(tokens, start)
    if word in PERIODS:
        unit = PERIODS[word]
        every = Quantity(unit.factor, unit.factor, unit.dimension)
        return Read(Frequency("every", every), start + 1)
    if word in _ADVERBS:
        value = Fraction(_ADVERBS[word])
        count, end = Quantity(value, value, "time"), start + 1
    else:
        amount = _quantity(tokens, start)
        if amount is None or not isinstance(amount.value, Quantity):
            return None
        count, end = amount.value, amount.end
    if count.unit != "time":
        return None
    period = _one_per(tokens, end, is_time=False) or _period_of_each(tokens, end)
    if period is None:
        return Read(count, end) if word not in _ADVERBS or word == "twice" else None
    unit, factor, after = period
    return Read(Frequency("times", count, f"{unit.dimension}{unit.factor * factor}"), after)


def _period_of_each(tokens: Sequence[Token], place: int) -> tuple[Unit, Fraction, int] | None:
    """The period of "2 veces cada día", "twice each week", "once every 24 hours"."""
    if _word_at(tokens, place) not in _EACH:
        return None
    read = _every(tokens, place + 1)
    if read is None or not isinstance(read.value, Frequency):
        return None
    every = read.value.times
    if isinstance(every.low, str) or every.low != every.high or every.comparison:
        return None
    return Unit(every.unit, every.low), Fraction(1), read.end
