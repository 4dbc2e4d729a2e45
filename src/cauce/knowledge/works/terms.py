"""What a work is filed under, and what a reference is looked up by."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from cauce.knowledge.words import is_function_word
from cauce.knowledge.works.spelling import family, first_page, numbers, plain, years
from cauce.records import Reference

MOST_NUMBERS = 12
"""Numbers of a printed string that are paired as volume and page."""
MOST_NAMES = 6
"""First words of a printed string that are paired with a year as the family name."""


def terms_of(work: Reference) -> set[str]:
    """The words of its title, and volume, year and first author in pairs that few works share."""
    terms = set(_words(plain(work.title)))
    volume, page = next(iter(numbers(plain(work.volume))), ""), first_page(work.pages)
    year = next(iter(years(work.year)), 0)
    if page and volume:
        terms.add(f"{volume}:{page}")
    if page and year:
        terms.add(f"{year}:{page}")
    if year and work.authors:
        terms.add(f"{family(work.authors[0])}:{year}")
    return terms


def terms_cited(cited: Reference) -> set[str]:
    """The same of a reference; of a printed string whatever its words and numbers may be."""
    return terms_of(cited) | set(_terms_printed(plain(cited.raw)))


def _terms_printed(text: str) -> Iterator[str]:
    yield from _words(text)
    found = list(dict.fromkeys(numbers(text)))[:MOST_NUMBERS]
    for first, second in itertools.permutations(found, 2):
        yield f"{first}:{second}"
    words = text.split()
    for year in dict.fromkeys(years(text)):
        for size in (1, 2):
            for place in range(MOST_NAMES):
                yield f"{' '.join(words[place : place + size])}:{year}"


def _words(text: str) -> Iterator[str]:
    return (word for word in text.split() if len(word) > 2 and not is_function_word(word))
