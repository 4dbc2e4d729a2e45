"""Markup read by a parser: running text out of it, and tables with every cell kept.

Reads the XHTML of FHIR narratives, the block markup of Structured Product Labeling (`paragraph`,
`content`, `list`, `item`, `caption`), and the strings of openFDA's `*_table` fields.

The text of an element reads whole: rows of a table stand in their place, one a line, cells parted
by " | ". The same cells are kept with their structure as `Table`. Pictures are left out. Raised
digits never run into the number before them: 10<sup>9</sup> is 10^9; 5<sup>1</sup>, a note, 5 1.
Comments are left out. What else a reader would not see stands between `<span hidden>` and
`</span>`, for `cauce.safety.guard.quarantine` to take out and to tell.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from cauce.records import Table
from cauce.sources.cleaning import clean_text, one_line
from cauce.sources.hidden import ATTRIBUTES, SHOWN, Look

if TYPE_CHECKING:
    from lxml.etree import _Element

CELL_BREAK = " | "
MOST_COLUMNS_SPANNED = 1000
"""What HTML allows at most in a `colspan`; a larger one is a fault of the source."""

_BLOCK_NAMES = """
address article blockquote caption dd div dl dt footnote h1 h2 h3 h4 h5 h6 item li list ol p
paragraph pre section table tbody tfoot thead tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_CELLS = frozenset(("td", "th"))
_NEVER_SHOWN = ("script", "style", "template", "noscript")
_POWER = re.compile(r"(?<![\d.,])10$")
_RAISED_DIGITS = re.compile(r"\s*[-−–+]?\d")
_LONGEST_BASE = 4


def parse_markup(markup: str) -> _Element:
    """The root element of a fragment of markup: as XML when it is well-formed, else as HTML."""
    from lxml import etree
    from lxml.html import fragment_fromstring

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = cast("_Element", etree.fromstring(markup.encode(), parser))
    except etree.XMLSyntaxError:
        root = cast("_Element", fragment_fromstring(markup, create_parent="div"))
    mark_hidden(root)
    return root


def mark_hidden(element: _Element) -> None:
    """Puts each text of the element that a reader would not see into `<span hidden>`, escaped."""
    tells = any(not ATTRIBUTES.isdisjoint(part.keys()) for part in element.iter("*"))
    if tells or any(True for _ in element.iter(*(f"{{*}}{name}" for name in _NEVER_SHOWN))):
        _mark(element, SHOWN)


def _mark(element: _Element, around: Look) -> None:
    name = local_name(element)
    if not name:
        return
    look = around.within({str(key): str(value) for key, value in element.attrib.items()})
    if name in _NEVER_SHOWN:
        look = look._replace(is_left_out=True)
    if not look.is_seen:
        element.text = _marked(element.text)
    for child in element:
        _mark(child, look)
        if not look.is_seen:
            child.tail = _marked(child.tail)


def _marked(text: str | None) -> str | None:
    if not text or not text.strip():
        return text
    return f"<span hidden>{html.escape(text, quote=False)}</span>"


def local_name(element: _Element) -> str:
    """The tag without its namespace, in lower case; empty for comments and instructions."""
    tag = element.tag
    return _local_part(tag) if isinstance(tag, str) else ""


@functools.lru_cache(1024)
def _local_part(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def text_of(element: _Element) -> str:
    """The cleaned text of an element, one line for each paragraph, item or row."""
    return clean_text(_running_text(element))


def _running_text(element: _Element, *, with_tables: bool = True) -> str:
    pieces: list[str] = []
    _collect(element, pieces, with_tables)
    return "".join(pieces)


def _collect(element: _Element, pieces: list[str], with_tables: bool) -> None:
    """Adds the element's text to `pieces`; a generator would take twice the time."""
    name = local_name(element)
    if name == "table" and not with_tables:
        return
    if name == "tr":
        cells = (one_line(_running_text(cell)) for cell in _cells(element))
        pieces.append("\n" + CELL_BREAK.join(filter(None, cells)) + "\n")
        return
    if name == "br" or name in _BLOCKS:
        pieces.append("\n")
    if name == "sup":
        pieces.append(_before_raised(element, pieces))
    if name:
        pieces.append(element.text or "")
        for child in element:
            _collect(child, pieces, with_tables)
            pieces.append(child.tail or "")
    if name in _BLOCKS:
        pieces.append("\n")


def _before_raised(element: _Element, pieces: list[str]) -> str:
    """What keeps raised digits apart from the number that `pieces` end in: a caret after a ten."""
    before = next((piece for piece in reversed(pieces) if piece), "")[-_LONGEST_BASE:]
    raised = "".join(map(str, element.itertext()))
    if not before[-1:].isdigit() or not _RAISED_DIGITS.match(raised):
        return ""
    return "^" if _POWER.search(before) else " "


def tables_of(element: _Element) -> tuple[Table, ...]:
    """The tables within an element, in reading order; one inside a cell follows the outer one."""
    found = (_table(part) for part in element.iter() if local_name(part) == "table")
    return tuple(table for table in found if table.rows or table.caption)


def _table(element: _Element) -> Table:
    captions = [_cell_text(child) for child in element if local_name(child) == "caption"]
    return Table(caption=" ".join(captions), rows=tuple(_rows(element)))


def _rows(table: _Element) -> Iterator[tuple[str, ...]]:
    """Rows with a cell for every column; columns that a spanning cell covers are empty."""
    covered: dict[int, int] = {}
    for row in _row_elements(table):
        cells: list[str] = []
        for cell in _cells(row):
            while covered.get(len(cells), 0) > 0:
                cells.append("")
            width, height = _span(cell, "colspan"), _span(cell, "rowspan")
            if height > 1:
                for column in range(len(cells), len(cells) + width):
                    covered[column] = max(covered.get(column, 0), height)
            cells += [_cell_text(cell), *[""] * (width - 1)]
        covered = {column: left - 1 for column, left in covered.items() if left > 1}
        if any(cells):
            yield tuple(cells)


def _row_elements(table: _Element) -> Iterator[_Element]:
    for child in table:
        name = local_name(child)
        if name == "tr":
            yield child
        elif name in ("thead", "tbody", "tfoot"):
            yield from _row_elements(child)


def _cells(row: _Element) -> list[_Element]:
    return [cell for cell in row if local_name(cell) in _CELLS]


def _cell_text(cell: _Element) -> str:
    """The cell's own text on one line, without that of tables inside it."""
    if not len(cell):
        return one_line(cell.text or "")
    return one_line(_running_text(cell, with_tables=False))


def _span(cell: _Element, attribute: str) -> int:
    stated = cell.get(attribute)
    if stated is None:
        return 1
    value = stated.strip()
    return min(int(value), MOST_COLUMNS_SPANNED) if value.isdigit() and int(value) > 0 else 1
