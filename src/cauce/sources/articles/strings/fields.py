"""The fields that the tagger finds, put together into a `Reference`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from cauce.records import Reference
from cauce.sources.articles.strings.people import people_of
from cauce.sources.articles.strings.tagger import FieldSpan, spans_of
from cauce.sources.dois import dois_in

_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
_DASH = re.compile(r"\s*[-‐‑‒–—−]+\s*")
_LAST_INITIAL = re.compile(r"[.,]ª?\s*-?[^\W\d_]$")
_LABEL = re.compile(r"^(?:pp?|págs?)\b[.\s]*")
_BRACKETS = {")": "(", "]": "["}


def parse_references(raws: Iterable[tuple[str, str]]) -> list[Reference]:
    """Each reference of a list of ids and printed references, in order."""
    return [parse_reference(id, raw) for id, raw in raws]


def parse_reference(id: str, raw: str) -> Reference:
    """What a printed reference says of a work, field by field; what it does not say is empty.

    MissingExtra without python-crfsuite.
    """
    line = " ".join(raw.split())
    spans = spans_of(line)
    title, container = _title_and_container(line, spans)
    dates = (_YEAR.search(line[span.start : span.end]) for span in spans if span.field == "date")
    dois = dois_in(line)
    return Reference(
        id=id,
        raw=line,
        title=title,
        authors=_authors(line, spans),
        year=next((date[0] for date in dates if date), ""),
        container=container,
        volume=_first(line, spans, "volume"),
        issue=_first(line, spans, "issue"),
        pages=_DASH.sub("-", _LABEL.sub("", _first(line, spans, "pages"))),
        doi=dois[0] if dois else None,
    )


def _authors(line: str, spans: Sequence[FieldSpan]) -> tuple[str, ...]:
    """The people; where none is named, the organisation printed before the title."""
    printed = (_whole(line, span) for span in spans if span.field == "author")
    people = tuple(person for names in printed for person in people_of(names))
    leading = itertools.takewhile(lambda span: span.field not in ("title", "book"), spans)
    bodies = (span for span in leading if span.field in ("institution", "publisher"))
    return people or tuple(_whole(line, span) for span in bodies)


def _title_and_container(line: str, spans: Sequence[FieldSpan]) -> tuple[str, str]:
    """A book that holds no article is the work itself."""
    title = _first(line, spans, "title")
    book = _first(line, spans, "book")
    journal = _first(line, spans, "journal")
    series = _first(line, spans, "series")
    return (title, journal or book or series) if title else (book, journal or series)


def _first(line: str, spans: Iterable[FieldSpan], field: str) -> str:
    return next((_whole(line, span) for span in spans if span.field == field), "")


def _whole(line: str, span: FieldSpan) -> str:
    """What a span marks, with the marks that belong to its first and last words.

    A bracket with its partner inside, a question mark, the full stop of an abbreviation.
    """
    start, end = span.start, span.end
    inside = line[start:end]
    if line[start - 1 : start] in ("¿", "¡"):
        start -= 1
    for close, opening in _BRACKETS.items():
        missing = inside.count(opening) - inside.count(close)
        if missing == 1 and line[end : end + 1] == close:
            end += 1
        elif missing == -1 and line[start - 1 : start] == opening:
            start -= 1
    following = line[end : end + 1]
    if following in ("?", "!") or (following == "." and _is_abbreviated(span.field, inside)):
        end += 1
    return line[start:end]


def _is_abbreviated(field: str, inside: str) -> bool:
    """Whether a full stop after a span is its own: `Otero, A.`, `Phys. Rev. Lett.`"""
    if field == "author":
        return bool(_LAST_INITIAL.search(inside))
    return field == "journal" and "." in inside
