"""XML as articles come in: parsed without network and without expanding entities."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from cauce.sources.cleaning import one_line

if TYPE_CHECKING:
    from lxml.etree import _Element

XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def parse(data: bytes) -> _Element:
    """The root element; XMLSyntaxError where the document is damaged.

    Entities that a DTD declares (`&nbsp;`) are spelled out as HTML names them; none is expanded.
    Comments and processing instructions are left out.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(data, parser)
    for entity in list(root.iter(etree.Entity)):
        _spell_out(entity)
    return root


def local_name(element: _Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def take_off_namespace(element: _Element) -> _Element:
    """The same element, with the namespace that it is in taken off all the names within it."""
    if element.tag.startswith("{"):
        own = element.tag[: element.tag.index("}") + 1]
        for each in list(element.iter(own + "*")):
            each.tag = each.tag[len(own) :]
    return element


def _spell_out(entity: _Element) -> None:
    parent, previous = entity.getparent(), entity.getprevious()
    text = html.unescape(entity.text or "") + (entity.tail or "")
    if parent is None:
        return
    if previous is None:
        parent.text = (parent.text or "") + text
    else:
        previous.tail = (previous.tail or "") + text
    entity.tail = None
    parent.remove(entity)


def string(element: _Element) -> str:
    """All of an element's text, as it is."""
    if not len(element):
        return element.text or ""
    from lxml import etree

    return etree.tostring(element, method="text", encoding="unicode", with_tail=False)


def line(element: _Element | None) -> str:
    """All of an element's text in one line; empty for None."""
    if element is None:
        return ""
    return one_line(string(element))


def first_line(element: _Element | None, *paths: str) -> str:
    """The text of the first element that holds any, of those at the paths in turn."""
    if element is None:
        return ""
    for path in paths:
        for found in element.iterfind(path):
            text = line(found)
            if text:
                return text
    return ""
