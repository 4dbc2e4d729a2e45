"""The numbers of a text in one spelling, so that an answer's can be looked for in its source.

Rules of `numbers_in`:

- "2.5", "2,5", "2'5", ".5" and "2.50" are decimals: "2.5", "2.5", "2.5", "0.5", "2.5".
- A mark before exactly three digits ("1.000", "1,500") is a thousands mark in one language and a
  decimal mark in the other. With `language` it is read as that language does; without, the number
  is kept as written and equals no other spelling. "0,125", "1.000,5" and "1,000,000" are never
  ambiguous. A no-break or thin space joins groups of three ("10 000"); a common one does not,
  because "2 500 mg" may be two of 500 mg.
- "½", "1/2", "1½" and "2 1/2" are "0.5", "0.5", "1.5", "2.5"; any other "160/4.5" is two numbers.
- A range gives both ends; a percentage gives its number; "10⁹" and "10^9" are "10^9".
- A minus sign counts only where it cannot be a hyphen or a range: after a space, a bracket, a
  comparison, or at the start.
- Digits glued to a letter before them belong to a name or a unit and are no numbers: "B12", "m2".
- A whole number written with leading zeros is part of a date or a code and stays so: "04".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from fractions import Fraction

from cauce.records import Language

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_INVISIBLE = str.maketrans("", "", "\u00ad\u200b\u2060")
_JOINED_GROUPS = re.compile(r"(?<![\w.,])([1-9]\d{0,2}(?:[\u00a0\u2009\u202f]\d{3})+)(?![\d.,]*\d)")
_VULGAR = re.compile(r"(?:(?<![\w.,/])(\d+) ?)?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅛⅜⅝⅞])")
_SIMPLE_FRACTION = re.compile(r"(?<![\w.,/])(?:(\d+) )?(1/2|1/3|2/3|1/4|3/4)(?![\d/]|[.,]\d)")
NUMBER = re.compile(
    r"(?P<sign>(?:(?<=[\s(\[<>=≤≥±:])|^)[-−])?"
    r"(?<![^\W\d_])"
    r"(?P<digits>(?<!\d)(?<!\d[.,'’])\d+(?:[.,'’]\d+)*|(?<![\w.,])[.,]\d+)"
    r"(?P<over>\u2044\d)?"
    r"(?P<power>[⁻⁰¹²³⁴-⁹]+|\^-?\d+)?"
)
_DECIMAL_MARK: dict[Language, str] = {"en": ".", "es": ","}

_UNITS: dict[Language, str] = {
    "en": "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciséis diecisiete dieciocho diecinueve veinte",
}
_TENS: dict[Language, dict[str, str]] = {
    "en": {"twice": "2", "thirty": "30", "forty": "40", "fifty": "50", "hundred": "100"},
    "es": {"treinta": "30", "cuarenta": "40", "cincuenta": "50", "cien": "100"},
}
_WORDS: dict[Language, dict[str, str]] = {
    language: {word: str(value) for value, word in enumerate(units.split(), 2)} | _TENS[language]
    for language, units in _UNITS.items()
}
_EITHER_LANGUAGE = {
    word: value
    for word, value in (_WORDS["en"] | _WORDS["es"]).items()
    if word not in ("once", "ten")
}


def numbers_in(text: str, language: Language | None = None) -> tuple[str, ...]:
    """The numbers written with digits in `text`, in order, each in its one spelling.

    >>> numbers_in("de 2,5 a 4-6 comprimidos, ½ al día (20–25 °C), 5 %")
    ('2.5', '4', '6', '0.5', '20', '25', '5')
    >>> numbers_in("1.000 mg"), numbers_in("1.000 mg", "es"), numbers_in("1.000 mg", "en")
    (('1.000',), ('1000',), ('1',))
    """
    matches = NUMBER.finditer(plain_digits(text))
    return tuple(value for match in matches for value in values_of(match, language))


def values_of(match: re.Match[str], language: Language | None = None) -> list[str]:
    """The numbers of one match of `NUMBER` in a text that `plain_digits` gave."""
    values = _read(match["digits"], language)
    if match["over"]:
        values = [match[0].replace("\u2044", "/")]
    if match["sign"]:
        values[0] = f"-{values[0]}"
    if match["power"]:
        values[-1] += "^" + match["power"].translate(_SUPERSCRIPTS).lstrip("^")
    return values


def number_words_in(text: str, language: Language | None = None) -> tuple[str, ...]:
    """The numbers written as words in `text`, as digits: from two to twenty, tens up to fifty, 100.

    "one" and "uno" are left out because they are pronouns and articles more often than counts.
    Without `language` both are read, save "once" and "ten", which mean other things in the other.

    >>> number_words_in("dos comprimidos cada ocho horas", "es")
    ('2', '8')
    """
    words = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).lower())
    values = number_words(language)
    return tuple(values[word] for word in words if word in values)


def number_words(language: Language | None = None) -> Mapping[str, str]:
    """The words that `number_words_in` reads, with accents, each with its number in digits."""
    return _WORDS[language] if language else _EITHER_LANGUAGE


def unsupported_numbers(
    answer: str, sources: Sequence[str], language: Language | None = None
) -> tuple[str, ...]:
    """The numbers of `answer`, in digits or in words, that stand in none of `sources`, in order.

    `language` is that of the answer and the sources; without it, words count in both languages.

    >>> unsupported_numbers("Tome 2 comprimidos cada 6 horas.", ["dos cada 8 horas"], "es")
    ('6',)
    """
    known = {number for source in sources for number in _all_numbers(source, language)}
    missing = (number for number in _all_numbers(answer, language) if number not in known)
    return tuple(dict.fromkeys(missing))


def _all_numbers(text: str, language: Language | None) -> tuple[str, ...]:
    return (*numbers_in(text, language), *number_words_in(text, language))


def plain_digits(text: str) -> str:
    """`text` with ASCII digits, joined groups of thousands, and decimals instead of fractions."""
    text = unicodedata.normalize("NFC", text).translate(_INVISIBLE).replace("\u2044", "/")
    text = re.sub(r"[^\x00-\x7f]", lambda found: _ascii_digit(found[0]), text)
    text = _JOINED_GROUPS.sub(lambda found: re.sub(r"\s", "", found[0]), text)
    text = _VULGAR.sub(lambda found: _fraction(found[1], found[2]), text)
    return _SIMPLE_FRACTION.sub(lambda found: _fraction(found[1], found[2]), text)


def _ascii_digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def _fraction(whole: str | None, part: str) -> str:
    """Such a fraction as a decimal, or as thirds where it has no finite one, between spaces."""
    value = Fraction(unicodedata.normalize("NFKC", part).replace("\u2044", "/")) + int(whole or 0)
    decimal = value.numerator / value.denominator
    if value == Fraction(f"{decimal:g}"):
        return f" {decimal:g} "
    return f" {value.numerator}\u2044{value.denominator} "


def _read(digits: str, language: Language | None) -> list[str]:
    """The numbers that a run of digits and marks stands for: one, or a list or date taken apart."""
    if digits[0] in ".,":
        return [_decimal("0", digits[1:])]
    groups = re.split(r"[.,'’]", digits)
    marks = re.findall(r"[.,'’]", digits)
    if not marks:
        return groups
    *head, last = groups
    if len(marks) == 1:
        return [_read_one_mark(head[0], marks[0], last, language)]
    if _are_thousands(groups) and len(set(marks)) == 1:
        return ["".join(groups)]
    if _are_thousands(head) and len(set(marks[:-1])) == 1 and marks[-1] not in marks[:-1]:
        return [_decimal("".join(head), last)]
    return groups


def _read_one_mark(whole: str, mark: str, last: str, language: Language | None) -> str:
    if not _are_thousands([whole, last]):
        return _decimal(whole, last)
    if language is None or mark in "'’":
        return f"{whole}{mark}{last}"
    return _decimal(whole, last) if mark == _DECIMAL_MARK[language] else whole + last


def _are_thousands(groups: Sequence[str]) -> bool:
    first, *rest = groups
    return len(first) <= 3 and first[0] != "0" and all(len(group) == 3 for group in rest)


def _decimal(whole: str, fraction: str) -> str:
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
