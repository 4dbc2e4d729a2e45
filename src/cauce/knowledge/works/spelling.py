"""Titles, names of journals and of authors brought to a spelling in which they can be compared."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cauce.knowledge.words import fold, is_function_word

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"(?:(?<![a-z0-9])[a-z]{0,3}|(?<=[a-z]{4}))\d+[a-z]?(?![a-z0-9])")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_ROMAN = re.compile(r"\b(?:x{0,2}(?:ix|iv|vi{0,3}|i{2,3})|part i|part one|part two)\b")
_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "þ": "th"}
)

OTHER_PIECES = {
    "review": r"(?:book )?reviews? of(?: the)?(?: book| article)?",
    "comment": r"(?:invited |editorial )?comment(?:s|ary)? (?:on|to|re)|discussion (?:of|on)",
    "reply": r"(?:authors? )?(?:s )?(?:reply|response|rejoinder)(?: to)?(?: comments? on)?",
    "correction": r"(?:publisher )?(?:errat(?:um|a)|corrigend(?:um|a)|correction)(?: to| for)?",
    "retraction": r"retraction(?: note)?(?: of| to)?|notice of retraction",
    "editorial": r"editorial(?: on)?",
}
"""Pieces about another work, which repeat its title, by what stands before the title."""
_BEFORE = {kind: re.compile(rf"(?:^|\b)(?:{words})$") for kind, words in OTHER_PIECES.items()}
_START = {kind: re.compile(rf"(?:{words})\b") for kind, words in OTHER_PIECES.items()}
_AFTER = {
    "comment": re.compile(r"(?:a )?comment(?:ary)?\b"),
    "reply": re.compile(r"(?:a |author s |authors )?(?:reply|rejoinder)\b"),
    "correction": re.compile(r"(?:erratum|corrigendum|correction)\b"),
    "retraction": re.compile(r"retract(?:ed|ion)\b"),
}


def plain(text: str) -> str:
    """Folded words and numbers with one space between them.

    >>> plain("L'Océan — β-catenin (2nd ed.)")
    'l ocean β catenin 2nd ed'
    """
    folded = text.lower() if text.isascii() else fold(text).translate(_SPELLED)
    return _NOT_ALPHANUMERIC.sub(" ", folded).strip()


def numbers(text: str) -> list[str]:
    """Numbers of a plain text in order, with the letters of an article number, without zeros.

    >>> numbers("j mol evol34 e1002 07")
    ['34', 'e1002', '7']
    """
    return [found.lstrip("0") or "0" for found in _NUMBER.findall(text)]


def years(text: str) -> list[int]:
    """What may be a year in a text, in order."""
    return [int(found) for found in _YEAR.findall(text)]


def numerals(title: str) -> set[str]:
    """What tells apart the parts and editions of a plain title: numbers and Roman numerals."""
    return {found.lstrip("0") for found in re.findall(r"\d+", title)} | set(_ROMAN.findall(title))


def family(author: str) -> str:
    """The family name, plain, of `Díaz, A.`, `A. Díaz`, `Díaz A` or `Ana Díaz`.

    >>> family("van der Berg, J."), family("García-Pérez MJ"), family("WHO")
    ('van der berg', 'garcia perez', 'who')
    """
    before, comma, _ = author.partition(",")
    whole = [word for word in author.split() if not _is_initials(word)]
    if comma or not whole:
        return plain(before)
    return plain(whole[-1])


def _is_initials(word: str) -> bool:
    letters = re.sub(r"[\W_]", "", word)
    return letters.isupper() and len(letters) <= 3


def first_page(pages: str) -> str:
    """The first page, or the number of the article: `e12`, `L34`, `110407`."""
    found = numbers(plain(pages))
    return found[0] if found else ""


def piece(title: str) -> str:
    """What a plain title is to another work, `reply` or `review`...; empty for a work itself."""
    return next((kind for kind, pattern in _START.items() if pattern.match(title)), "")


def piece_around(before: str, after: str) -> str:
    """What the plain words beside a title make of it: a `reply` to it, a `review` of it..."""
    for kind, pattern in _BEFORE.items():
        if pattern.search(before.strip()):
            return kind
    return next((kind for kind, pattern in _AFTER.items() if pattern.match(after.strip())), "")


def container_words(container: str) -> list[str]:
    """The words of the name of a journal or book that abbreviations keep."""
    found = [word for word in plain(container).split() if not word.isdigit()]
    return [word for word in found if not is_function_word(word)] or found


def shared_words(first: Sequence[str], second: Sequence[str]) -> int:
    """How many words of `first` stand in `second`, in order, whole or one short for the other."""
    place = shared = 0
    for word in first:
        for step, other in enumerate(second[place:], place + 1):
            if is_short_for(word, other) or is_short_for(other, word):
                place, shared = step, shared + 1
                break
    return shared


def is_short_for(short: str, word: str) -> bool:
    """True for a word cut short, or for its first, some and its last letters in their order.

    >>> is_short_for("natl", "national"), is_short_for("sci", "society")
    (True, False)
    """
    if word.startswith(short) or word[:1] != short[:1] or word[-1:] != short[-1:]:
        return word.startswith(short)
    letters = iter(word)
    return all(letter in letters for letter in short)
