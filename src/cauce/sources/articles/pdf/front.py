"""Title, authors, abstract and own DOI of an article, from its first page."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from cauce.records import Reference
from cauce.sources.articles.pdf.flow import (
    Passage,
    body_size,
    joined,
    line_pitch,
    paragraphs,
    together,
)
from cauce.sources.articles.pdf.outline import is_heading
from cauce.sources.articles.pdf.page import Line
from cauce.sources.dois import dois_in

_LETTERS = re.compile(r"[^\W\d_]+")
_ABSTRACT = re.compile(r"\W*(?:abstract|summary|resumen|a b s t r a c t)\b[\s.:—–-]*", re.I)
_NOT_ABSTRACT = re.compile(
    r"copyright|licen[cs]e|©|correspond|@|received:?\s+\d|recibido|universi[td]|department of",
    re.I,
)
_NAME = re.compile(
    r"[^\W\d_a-zà-ÿ][\w.’'-]*(?:\s+(?:[^\W\d_a-zà-ÿ][\w.’'-]*"
    r"|de|del|la|van|von|der|den|da|di|dos|bin|al|el|y)){1,5}"
)
_BETWEEN_NAMES = re.compile(r"\s*(?:,|;|\band\b|&|\by\b|·|•|\|)\s*")
_MARKS = re.compile(r"[\d*†‡§¶#∗⋆✉]+")
_PARTICLES = ("de", "del", "van", "von", "der", "den", "da", "di", "dos", "la", "bin", "al", "el")
_FEWEST_WORDS = 40
"""In an abstract that is not headed."""
_LONGEST_LINE_OF_AUTHORS = 200


class Front(NamedTuple):
    """What the first page says of the article, and the lines of its body."""

    work: Reference
    abstract: Passage
    body: list[Line]


def front_of(
    lines: list[Line], furniture: list[Line], *, metadata_title: str, words: Counter[str]
) -> Front:
    """The article's own record; heads and feet, `furniture`, may print its DOI."""
    title = _title(lines, metadata_title)
    rest = lines[title[-1] + 1 :] if title else lines
    heading = _first_heading(rest)
    head, body = rest[:heading], rest[heading:]
    abstract, lead = _abstract(head, words, body_size(lines))
    if body and _ABSTRACT.fullmatch(body[0].text):
        abstract, body = _headed_abstract(body, words)
    body = [*lead, *body]
    work = Reference(
        id="",
        title=joined([lines[number] for number in title], words).text,
        authors=_authors(head),
        doi=_own_doi(lines, furniture, body),
    )
    return Front(work, abstract, body)


def _own_doi(lines: list[Line], furniture: list[Line], body: list[Line]) -> str | None:
    """The first DOI in heads and feet, above the body, or in small type on the first page."""
    text, size = set(body), 0.94 * body_size(body)
    first = [line for line in lines if line.page == 0 and (line not in text or line.size < size)]
    printed = dois_in(" ".join(line.text for line in [*furniture, *first]))
    return printed[0] if printed else None


def _title(lines: list[Line], metadata_title: str) -> list[int]:
    """The numbers of the title's lines: what the file says if it is printed, else the largest."""
    page = [number for number, line in enumerate(lines) if line.page == 0]
    named = _letters(metadata_title)
    if len(_LETTERS.findall(metadata_title)) > 2:
        for start in page:
            text = ""
            for end in range(start, min(start + 6, len(page))):
                text += _letters(lines[end].text)
                if text == named:
                    return list(range(start, end + 1))
    sizes = [line.size for number, line in enumerate(lines) if number in page and _is_wordy(line)]
    largest = max(sizes, default=0.0)
    found: list[int] = []
    for number in page:
        line = lines[number]
        is_title = abs(line.size - largest) < 0.5 and (
            not found or line.font == lines[found[0]].font
        )
        if is_title and (_is_wordy(line) or found) and (not found or number == found[-1] + 1):
            found.append(number)
    return found


def _letters(text: str) -> str:
    return "".join(_LETTERS.findall(text)).casefold()


def _is_wordy(line: Line) -> bool:
    return len(_LETTERS.findall(line.text)) > 2


def _first_heading(lines: list[Line]) -> int:
    """Where the first heading of the body stands; where the text begins if there is none."""
    size, pitch = body_size(lines), line_pitch(lines)
    for number, line in enumerate(lines):
        if line.page > 1:
            break
        if is_heading(line, None, size=size, font=line.font, pitch=pitch) and _is_followed(
            lines, number
        ):
            return number
    return next((number for number, line in enumerate(lines) if line.page == 1), len(lines))


def _is_followed(lines: list[Line], number: int) -> bool:
    """True where running text, not another line of the title page, stands below."""
    below = lines[number + 1 : number + 4]
    size = body_size(lines)
    return len(below) == 3 and all(
        abs(line.size - size) < 0.1 * size and not line.is_bold for line in below
    )


def _abstract(head: list[Line], words: Counter[str], size: float) -> tuple[Passage, list[Line]]:
    """The abstract that stands before the first heading, and the lines of text that follow it.

    More than one paragraph without a mark is no abstract, but text that has no heading.
    """
    for number, line in enumerate(head):
        if _ABSTRACT.match(line.text) and line.text[:1].isalpha():
            return _without_mark(joined(head[number:], words)), []
    long = [passage for passage in paragraphs(head, words) if _is_running_text(passage.text)]
    if len(long) < 2:
        return (long[0] if long else Passage("")), []
    is_text = [abs(line.size - size) < 0.06 * size for line in head]
    start = next((number for number in range(len(head)) if all(is_text[number : number + 4])), 0)
    return Passage(""), head[start:]


def _without_mark(passage: Passage) -> Passage:
    """What stands behind `Abstract`."""
    found = _ABSTRACT.match(passage.text)
    end = found.end() if found else 0
    raised = tuple((start - end, stop - end) for start, stop in passage.raised if start >= end)
    return Passage(passage.text[end:], raised)


def _is_running_text(text: str) -> bool:
    return len(_LETTERS.findall(text)) >= _FEWEST_WORDS and not _NOT_ABSTRACT.search(text)


def _headed_abstract(body: list[Line], words: Counter[str]) -> tuple[Passage, list[Line]]:
    end = _first_heading(body[1:]) + 1
    return together(paragraphs(body[1:end], words)), body[end:]


def _authors(head: list[Line]) -> tuple[str, ...]:
    """The names below the title, each as `Family, Given`."""
    text = ""
    for line in head:
        is_affiliation = line.text[0].isdigit() or (bool(line.raised) and line.raised[0][0] == 0)
        if is_affiliation or len(line.text) > _LONGEST_LINE_OF_AUTHORS or not _reads_as_names(line):
            break
        text += f" {_without_raised(line)}"
    names = [name.strip() for name in _BETWEEN_NAMES.split(_MARKS.sub(" ", text))]
    return tuple(_inverted(name) for name in names if _NAME.fullmatch(name))


def _reads_as_names(line: Line) -> bool:
    """True where most of what the commas part reads as names."""
    names = [
        name
        for name in _BETWEEN_NAMES.split(_MARKS.sub(" ", _without_raised(line)))
        if name.strip()
    ]
    good = [
        name
        for name in names
        if re.fullmatch(_NAME.pattern + r"|[^\W\d_a-zà-ÿ][\w’'-]+", name.strip())
    ]
    return bool(names) and len(good) >= 0.6 * len(names) and not _NOT_ABSTRACT.search(line.text)


def _without_raised(line: Line) -> str:
    text = line.text
    for start, end in reversed(line.raised):
        text = f"{text[:start]} {text[end:]}"
    return text


def _inverted(name: str) -> str:
    """`James A. Rising` as `Rising, James A.`; a particle goes with the family name."""
    given, family = name.split()[:-1], name.split()[-1:]
    while given and given[-1] in _PARTICLES:
        family.insert(0, given.pop())
    return f"{' '.join(family)}, {' '.join(given)}" if given else " ".join(family)
