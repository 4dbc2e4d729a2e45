"""Headings of European texts: their numbers, and those that are only printed in bold.

Some patient texts write "Si toma más X del que debe" as a bold paragraph inside section 3. What
follows such a heading answers another question than its section, so it becomes a child section.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from cauce.records import Section
from cauce.sources.cleaning import one_line
from cauce.sources.medicines import kind_of_heading
from cauce.sources.tables import local_name, tables_of, text_of

if TYPE_CHECKING:
    from lxml.etree import _Element

LONGEST_HEADING = 120
_NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.?\s")
_ASKED = frozenset(("interactions", "pregnancy", "driving", "overdose"))


class Part(NamedTuple):
    """A printed heading and the blocks under it; the first part has none."""

    title: str
    kind: str
    blocks: list[_Element]


def parts_of(div: _Element, kind: str) -> list[Part]:
    """The blocks of a narrative, split where a bold heading asks another question than `kind`.

    From the first such heading on, every bold heading opens a part; one that asks nothing returns
    to the section's own kind. A narrative with text outside its blocks is not split.
    """
    if _has_loose_text(div):
        return [Part("", kind, [div])]
    parts = [Part("", kind, [])]
    for block in div.iterchildren("*"):
        heading = _bold_line(block)
        asked = kind_of_heading(heading) if heading else "other"
        if heading and (len(parts) > 1 or (asked in _ASKED and asked != kind)):
            parts.append(Part(heading, kind if asked == "other" else asked, []))
        else:
            parts[-1].blocks.append(block)
    return [part for part in parts if part.blocks or part.title]


def split_section(section: Section, div: _Element, taken: set[str]) -> Iterator[Section]:
    """The section with what stands before its first printed heading, and a child for each.

    A section without such headings stays whole.
    """
    parts = parts_of(_innermost(div), section.kind)
    if not any(part.title for part in parts):
        yield section
        return
    opening = parts[0] if not parts[0].title else Part("", section.kind, [])
    text = "\n".join(filter(None, map(text_of, opening.blocks)))
    tables = tuple(table for block in opening.blocks for table in tables_of(block))
    yield section.model_copy(update={"text": text, "tables": tables})
    for part in parts:
        if part.title:
            yield _section_of_part(part, free_id("", section.id, taken), section.id)


def number_of(title: str) -> str:
    """The number that a heading starts with, or an empty string.

    >>> number_of("4.2. Posología"), number_of("2 comprimidos"), number_of("Embarazo")
    ('4.2', '2', '')
    """
    numbered = _NUMBER.match(title + " ")
    return numbered.group(1) if numbered else ""


def free_id(number: str, parent: str | None, taken: set[str]) -> str:
    """The heading's number where it is free, else the parent's id and a running number."""
    candidate = number
    if not number or number in taken:
        base, count = parent or "0", 1
        while f"{base}.{count}" in taken:
            count += 1
        candidate = f"{base}.{count}"
    taken.add(candidate)
    return candidate


def _section_of_part(part: Part, section_id: str, parent: str) -> Section:
    """The child section that a part becomes; a heading alone is its own text."""
    text = "\n".join(filter(None, map(text_of, part.blocks)))
    return Section(
        id=section_id,
        kind=part.kind,
        title=part.title,
        text=text or part.title,
        tables=tuple(table for block in part.blocks for table in tables_of(block)),
        parent=parent,
    )


def _innermost(div: _Element) -> _Element:
    """The element that holds the blocks, past those that only wrap another `div`."""
    while len(div) == 1 and local_name(div[0]) == "div" and not _has_loose_text(div):
        div = div[0]
    return div


def _has_loose_text(div: _Element) -> bool:
    """True when text stands beside the blocks, where no block would carry it along."""
    return bool("".join([div.text or "", *(child.tail or "" for child in div)]).strip())


def _bold_line(block: _Element) -> str:
    """The text of a block that is bold from end to end, or an empty string."""
    whole = one_line("".join(map(str, block.itertext())))
    if (
        not whole
        or len(whole) > LONGEST_HEADING
        or local_name(block) not in ("p", "h1", "h2", "h3")
    ):
        return ""
    strong = block.iter("{*}strong", "{*}b")
    bold = one_line("".join(str(text) for part in strong for text in part.itertext()))
    return whole if "".join(bold.split()) == "".join(whole.split()) else ""
