"""How far a reference and a registered work agree, field by field.

A reference is compared by its fields, or by how much of the work's fields stands in the printed
string.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from cauce.knowledge.works.spelling import (
    container_words,
    family,
    first_page,
    is_short_for,
    numbers,
    numerals,
    piece,
    piece_around,
    plain,
    shared_words,
    years,
)
from cauce.records import Reference

SHORT_TITLE = 25
"""Letters under which many works share a title."""
FOUND_TITLE = 82
"""Likeness in percent from which a stretch of a printed string counts as the title."""
SAME_NAME = 84
"""Likeness in percent of two spellings of a family name."""
BESIDE_TITLE = 40
"""Characters before and after the title that may tell a reply from the work."""
OTHER_WORDS = 2
"""Words between authors and title, an `et al.` or a misprint, that make no other title."""
LONE_PAGE = 3
"""Digits of a page that is hardly another number by chance."""
START = 40
"""Characters within which the first author of a printed string begins."""


class Comparison(NamedTuple):
    """How each field agrees, in words that the weights know; empty where one side has none."""

    title: str
    kind: str
    """Whether both are, or neither is, a piece about another work."""
    numerals: str
    """Numbers in the title: parts, editions, years."""
    author: str
    year: str
    container: str
    place: str
    """Volume and first page: `same/other`."""
    start: str = ""
    """Whether the title follows the authors, `title`, or another title, as a book's does."""


class Fields:
    """The fields of a reference or work, plain."""

    def __init__(self, reference: Reference) -> None:
        self.title = plain(reference.title)
        self.families = [name for name in map(family, reference.authors) if name]
        self.names = set(plain(" ".join(reference.authors)).split())
        self.years = years(reference.year)[:1]
        self.container = container_words(reference.container)
        self.volumes = numbers(plain(reference.volume))[:1]
        self.pages = [page] if (page := first_page(reference.pages)) else []

    def compare(self, work: Fields) -> Comparison:
        """These fields beside those of a work."""
        are_titled = bool(self.title and work.title)
        return Comparison(
            title=_title(self.title, work.title, fuzz.ratio(self.title, work.title)),
            kind=_agree(piece(self.title), piece(work.title)) if are_titled else "",
            numerals=_agree(numerals(self.title), numerals(work.title)) if are_titled else "",
            author=_author(self.families, work.families),
            year=_year(self.years, work.years),
            container=_container(self.container, work.container),
            place=f"{_number(self.volumes, work.volumes)}/{_number(self.pages, work.pages)}",
        )


class Printed:
    """A reference as it is printed, plain."""

    def __init__(self, text: str) -> None:
        self.text = plain(text)

    def compare(self, work: Fields) -> Comparison:
        """What of a work's fields stands in the string."""
        before, title, after, likeness = self._around(work.title)
        is_found = likeness >= FOUND_TITLE
        rest = f"{before} {after}" if is_found else self.text
        kind = piece_around(before[-BESIDE_TITLE:], after[:BESIDE_TITLE]) or piece(title)
        return Comparison(
            title=_title(title, work.title, likeness),
            kind=_agree(kind, piece(work.title)) if is_found else "",
            numerals=_agree(numerals(title), numerals(work.title)) if is_found else "",
            author=_author_in(self.text, work.families),
            year=_year(years(rest), work.years),
            container=_container_in(rest.split(), work.container),
            place=_place_in(numbers(rest), work),
            start=_start(before, work) if is_found else "",
        )

    def _around(self, title: str) -> tuple[str, str, str, float]:
        """What stands before, in place of, and after a title, and how like it is in percent."""
        if len(title) > len(self.text):
            return "", self.text, "", fuzz.ratio(title, self.text)
        found = fuzz.partial_ratio_alignment(title, self.text)
        if not title or found is None:
            return self.text, "", "", 0.0
        start, end = found.dest_start, found.dest_end
        return self.text[:start], self.text[start:end], self.text[end:], found.score


def _agree(mine: object, theirs: object) -> str:
    return "same" if mine == theirs else "other"


def _title(mine: str, theirs: str, likeness: float) -> str:
    if not mine or not theirs:
        return ""
    length = "short " if len(theirs) < SHORT_TITLE else ""
    levels = (("same", 97), ("close", 91), ("near", FOUND_TITLE), ("part", 65))
    return length + next((name for name, least in levels if likeness >= least), "other")


def _author(mine: Sequence[str], theirs: Sequence[str]) -> str:
    if not mine or not theirs:
        return ""
    if _is_same_name(mine[0], theirs[0]):
        return "first"
    return "some" if any(_is_same_name(mine[0], name) for name in theirs) else "other"


def _is_same_name(first: str, second: str) -> bool:
    """True for one family name, with or without particles or initials, or with an error."""
    shorter, longer = sorted((first.split(), second.split()), key=len)
    whole = {word for word in shorter if len(word) > 1}
    return (bool(whole) and whole <= set(longer)) or fuzz.ratio(first, second) >= SAME_NAME


def _author_in(text: str, theirs: Sequence[str]) -> str:
    if not theirs:
        return ""
    name = theirs[0]
    start = text[: len(name) + START]
    if (len(name) > 4 and fuzz.partial_ratio(name, start) >= SAME_NAME) or name in start.split():
        return "first"
    return "some" if f" {name} " in f" {text} " else "other"


def _start(before: str, work: Fields) -> str:
    """What the title of a work comes after; a given name of each author is allowed for."""
    others = [word for word in before.split() if word.isalpha() and len(word) > 2]
    strange = sum(word not in work.names for word in others)
    return "title" if strange <= max(OTHER_WORDS, len(work.families)) else "other"


def _year(mine: Sequence[int], theirs: Sequence[int]) -> str:
    if not mine or not theirs:
        return ""
    apart = min(abs(year - theirs[0]) for year in mine)
    return {0: "same", 1: "near"}.get(apart, "other")


def _container(mine: Sequence[str], theirs: Sequence[str]) -> str:
    if not mine or not theirs:
        return ""
    shorter, longer = sorted((mine, theirs), key=len)
    if len(shorter) == 1 and shorter[0] == "".join(word[0] for word in longer):
        return "same"
    return _share(shared_words(shorter, longer), len(shorter))


def _container_in(text: Sequence[str], theirs: Sequence[str]) -> str:
    if not theirs:
        return ""
    found = [word for word in text if not word.isdigit()]
    windows = (
        found[place : place + 2 * len(theirs)]
        for place, word in enumerate(found)
        if is_short_for(word, theirs[0]) or is_short_for(theirs[0], word)
    )
    return _share(max((shared_words(theirs, window) for window in windows), default=0), len(theirs))


def _share(shared: int, words: int) -> str:
    return "same" if shared >= 0.75 * words else "part" if shared >= 0.5 * words else "other"


def _number(mine: Sequence[str], theirs: Sequence[str]) -> str:
    if not mine or not theirs:
        return ""
    return "same" if theirs[0] in mine else "other"


def _place_in(found: list[str], work: Fields) -> str:
    """Volume and page, each a number of its own: no number is year, volume and page at once.

    Where the volume is not there, a short page says nothing: it may be an issue or a day.
    """
    rest = list(found)
    for number in [str(year) for year in work.years] + work.volumes:
        if number in rest:
            rest.remove(number)
    volume, page = _number(found, work.volumes), _number(rest or found, work.pages)
    if volume != "same" and page == "same" and len(work.pages[0]) < LONE_PAGE:
        page = ""
    return f"{volume}/{page}"
