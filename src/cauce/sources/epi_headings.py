"""Headings that a patient text prints in bold without making a section of them.

Some texts write "Si toma más X del que debe" as a bold paragraph inside section 3. What follows
such a heading answers another question than its section, so it becomes a child section.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cauce.records import Section
from cauce.sources.cleaning import one_line
from cauce.sources.medicines import kind_of_heading
from cauce.sources.tables import local_name, tables_of, text_of

if TYPE_CHECKING:
    from lxml.etree import _Element

LONGEST_HEADING = 120
_ASKED = frozenset(("interactions", "pregnancy", "driving", "overdose"))


class Part(NamedTuple):
    """A printed heading and the blocks under it; the first part has none."""

    title: str
    kind: str
    blocks: list[_Element]


def parts_of(div: _Element, kind: str) -> list[Part]:
    """The blocks of a narrative, split where a bold heading asks another question than `kind`.

    From the first such heading on, every bold heading opens a part; one that asks nothing returns
    to the section's own kind.
    """
    parts = [Part("", kind, [])]
    for block in div.iterchildren("*"):
        heading = _bold_line(block)
        asked = kind_of_heading(heading) if heading else "other"
        if heading and (len(parts) > 1 or (asked in _ASKED and asked != kind)):
            parts.append(Part(heading, kind if asked == "other" else asked, []))
        else:
            parts[-1].blocks.append(block)
    return [part for part in parts if part.blocks or part.title]


def section_of_part(part: Part, section_id: str, parent: str) -> Section:
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
