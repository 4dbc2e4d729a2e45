"""FHIR resources read alike from XML and JSON.

Every property is a list, in both: FHIR's XML cannot tell one value from a list of one. Values of
primitive elements are strings; a narrative's `div` is its parsed element.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cauce.sources.tables import local_name, mark_hidden, parse_markup

if TYPE_CHECKING:
    from lxml.etree import _Element

Node = dict[str, list[Any]]
"""A resource or a part of one: property name to its values."""

_RESOURCE_HOLDERS = frozenset(("resource", "contained"))


def read_resource(path: Path) -> Node:
    """The resource in a `.xml` or `.json` file; ValueError says where it is not well-formed."""
    content = path.read_bytes()
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        bundle: Node = _from_json(json.loads(content))
        return bundle
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not XML: {error.msg}") from error
    return _resource_from_xml(root)


def values(node: Node, path: str) -> list[Any]:
    """All values at a dotted path, in order: `values(section, "code.coding.code")`."""
    found: list[Any] = [node]
    for name in path.split("."):
        found = [value for part in found if isinstance(part, dict) for value in part.get(name, [])]
    return found


def first(node: Node, path: str) -> str:
    """The first string at a dotted path, or an empty one."""
    return next((value for value in values(node, path) if isinstance(value, str)), "")


def resources(node: Node) -> Iterator[Node]:
    """The resource itself and every one inside it, bundles within bundles included."""
    yield node
    for inner in [*values(node, "entry.resource"), *values(node, "contained")]:
        yield from resources(inner)


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: [
                parse_markup(part) if name == "div" and isinstance(part, str) else _from_json(part)
                for part in (content if isinstance(content, list) else [content])
            ]
            for name, content in value.items()
        }
    return str(value).lower() if isinstance(value, bool) else str(value)


def _resource_from_xml(element: _Element) -> Node:
    return {"resourceType": [_tag(element)], **_properties(element)}


def _properties(element: _Element) -> Node:
    node: Node = {str(name): [value] for name, value in element.attrib.items()}
    for child in element:
        node.setdefault(_tag(child), []).append(_value(child))
    return node


def _value(element: _Element) -> Any:
    name = _tag(element)
    if name == "div":
        mark_hidden(element)
        return element
    if name in _RESOURCE_HOLDERS and len(element):
        return _resource_from_xml(element[0])
    value = element.get("value")
    return value if value is not None else _properties(element)


def _tag(element: _Element) -> str:
    """The tag as written, without its namespace."""
    return str(element.tag).rpartition("}")[2] if local_name(element) else ""
