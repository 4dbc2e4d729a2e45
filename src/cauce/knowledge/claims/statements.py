"""The sentences of a text, each with the heading or the opening of the list that it depends on."""

from __future__ import annotations

import re
from typing import NamedTuple

from cauce.knowledge.sentences import sentences
from cauce.records import Span

LONGEST_HEADING_CHARS = 80

_LIST_MARK = re.compile(r"[•●∘▪◦■*\-–—·]|\d{1,2}[.)]\s|[a-z]\)\s")
_ENDED = (".", "!", "?", "…", ")", "”", "»", ";", ",")


class Statement(NamedTuple):
    """A sentence, and the line before it without which it does not say what it says."""

    heading: str
    text: str


def statements_of(text: str) -> list[Statement]:
    """The sentences of `text`, headings among them.

    A line that ends with a colon opens a list: it governs the items that follow. A short line
    without a full stop, alone on its line, heads the sentences up to the next one.

    >>> [statement.heading for statement in statements_of("Do not use if you:\\n• have asthma")]
    ['', 'Do not use if you:']
    """
    found: list[Statement] = []
    heading = ""
    is_list = False
    spans = sentences(text)
    for place, span in enumerate(spans):
        line = span.of(text)
        following = spans[place + 1] if place + 1 < len(spans) else None
        if line.endswith(":"):
            found.append(Statement("", line))
            heading, is_list = line, True
        elif following and _heads(text, span, following):
            found.append(Statement("", line))
            heading, is_list = line, False
        else:
            if is_list and not _is_item(line) and found[-1].heading:
                heading = ""
            found.append(Statement(heading, line))
    return found


def _heads(text: str, span: Span, following: Span) -> bool:
    """True for a short line without a full stop before a sentence that has one."""
    line = span.of(text)
    return (
        len(line) <= LONGEST_HEADING_CHARS
        and not line.endswith(_ENDED)
        and not _is_item(line)
        and "\n" in text[span.end : following.start]
        and following.of(text).endswith(".")
        and (span.start == 0 or "\n" in text[max(0, span.start - 2) : span.start])
    )


def _is_item(line: str) -> bool:
    return bool(_LIST_MARK.match(line)) or line[:1].islower() or not line.endswith(".")
