"""What the styles of references fix, whatever the tagger makes of a word.

IEEE, Chicago and Spanish journals print a title in quotation marks: all between them is one field,
whatever years or names it holds. Vancouver, Chicago and others name an organisation that publishes
its own work twice, as the author before the title and as the publisher behind it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from cauce.sources.articles.strings.words import Word

_WORKS = ("title", "book")
_OPENS = re.compile(r"[.,;:)]_?([\"'])$")
"""Marks elsewhere quote within a title."""
_STOP = re.compile(r"[.,;:]")
_FEWEST_QUOTED = 3
"""Words of what may be a title."""


def as_styles_print(words: Sequence[Word], labels: Sequence[str]) -> list[str]:
    """The labels, with a quoted title whole and the names of organisations out of titles."""
    told = list(labels)
    _make_quoted_one(words, told)
    _part_author_that_publishes(words, told)
    return told


def _make_quoted_one(words: Sequence[Word], labels: list[str]) -> None:
    """Gives all that is quoted one label; a title that runs up to it is of organisations' names."""
    found = _quoted(words)
    kinds = Counter(label[2:] for label in labels[found.start : found.stop] if label != "-")
    kind = kinds.most_common(1)[0][0] if kinds else ""
    if kind in _WORKS:
        _relabel(labels, found, kind)
        first = found.start
        while first and labels[first - 1][2:] in _WORKS:
            first -= 1
        _relabel(labels, range(first, found.start), "institution")


def _relabel(labels: list[str], places: range, field: str) -> None:
    for place in places:
        labels[place] = f"{'B' if place == places.start else 'I'}-{field}"


def _quoted(words: Sequence[Word]) -> range:
    """The words of the first quotation that may be a title; none where there is no such."""
    for first, word in enumerate(words):
        opened = _OPENS.search(word.before) if first else None
        if opened:
            closes = re.compile(rf"[.,;?!]_?{opened[1]}|{opened[1]}_?[.,;]")
            for last in range(first, len(words)):
                if closes.search(words[last].after):
                    found = range(first, last + 1)
                    return found if len(found) >= _FEWEST_QUOTED else range(0)
    return range(0)


def _part_author_that_publishes(words: Sequence[Word], labels: list[str]) -> None:
    """Takes the publisher's name off the beginning of a title, where a mark parts the two."""
    begun = [place for place, label in enumerate(labels) if label[0] == "B"]
    runs = [_run(labels, place) for place in begun]
    publishers = [_texts(words, run) for run in runs if labels[run[0]][2:] == "publisher"]
    for run in [run for run in runs if labels[run[0]][2:] in _WORKS]:
        for publisher in publishers:
            count = len(publisher)
            is_first = count < len(run) and _texts(words, run[:count]) == publisher
            if is_first and _STOP.search(words[run[count]].before):
                _relabel(labels, run[count:], labels[run[0]][2:])
                _relabel(labels, run[:count], "institution")


def _run(labels: Sequence[str], first: int) -> range:
    """The places of the words of the field that begins at one."""
    inside = f"I{labels[first][1:]}"
    last = next((n for n in range(first + 1, len(labels)) if labels[n] != inside), len(labels))
    return range(first, last)


def _texts(words: Sequence[Word], places: range) -> list[str]:
    return [words[place].text.casefold() for place in places]
