"""The sentences of a label that may speak of a person, each as it may be quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cauce.knowledge.evidence.passages import is_heading
from cauce.knowledge.labels.classes import folded
from cauce.knowledge.sections.store import SectionEntry
from cauce.knowledge.sentences import sentences
from cauce.records import Span

SHORT_ITEM_CHARS = 60
"""A sentence up to this long may be an item of a list, which is quoted with what announces it."""
LONGEST_QUOTE_CHARS = 400
MOST_ITEMS_BEFORE = 12
_CELLS = " | "
"""What stands between the cells of a table's row."""
REPORTED = re.compile(
    r"\b(?:notifica\w+|reported|reports?|observad\w+|desarroll\w+|reacciones adversas|adverse)\b"
)
"""Where a sentence tells what happened to those who took the medicine, not whom it is given to."""


class Passage(NamedTuple):
    """A sentence of a section; `text` is folded and as long as the sentence is."""

    section: SectionEntry
    text: str
    quote: str
    """Letter for letter, with the line that announces it where it is an item of a list."""
    header: str = ""
    """The folded first row of the table that it is a row of."""


def passages_of(sections: Sequence[SectionEntry], kinds: Sequence[str]) -> Iterator[Passage]:
    """The sentences of the sections of these kinds, in the order of the kinds."""
    for kind in kinds:
        for section in sections:
            if section.kind == kind:
                yield from _of_section(section)


def _of_section(section: SectionEntry) -> Iterator[Passage]:
    """All but the headings; the rows of a table bear its first row with them."""
    spans = sentences(section.body)
    header: Span | None = None
    for place, span in enumerate(spans):
        said = span.of(section.body)
        if _CELLS not in said:
            header = None
            if not is_heading(said):
                yield Passage(section, folded(said), _quote(section.body, spans, place))
        elif header is None:
            header = span
        else:
            yield Passage(
                section,
                folded(said),
                _of_table(section.body, header, span),
                folded(header.of(section.body)),
            )


def _of_table(body: str, header: Span, row: Span) -> str:
    """The table down to the row, where that is short enough; else the row alone."""
    is_short = row.end - header.start <= LONGEST_QUOTE_CHARS
    return body[header.start : row.end] if is_short else row.of(body)


def _quote(body: str, spans: Sequence[Span], place: int) -> str:
    span = spans[place]
    if span.end - span.start <= SHORT_ITEM_CHARS:
        for before in reversed(spans[max(0, place - MOST_ITEMS_BEFORE) : place]):
            is_near = span.end - before.start <= LONGEST_QUOTE_CHARS
            if before.of(body).endswith(":") and is_near:
                return body[before.start : span.end]
    return span.of(body)
