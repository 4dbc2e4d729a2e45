"""The references of a JATS article: fields as they are tagged, and the reference as it is printed.

`element-citation` holds fields alone, so its text is put together from them; what is printed in a
`mixed-citation` is kept, and read by the parser of printed references where nothing is tagged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cauce.records import Reference
from cauce.sources.articles.marks import ReferenceList
from cauce.sources.articles.printed import printed_form, with_fields
from cauce.sources.articles.strings import people_of
from cauce.sources.articles.xml import XLINK_HREF, line, string
from cauce.sources.cleaning import one_line
from cauce.sources.dois import dois_in, normal_doi

if TYPE_CHECKING:
    from lxml.etree import _Element

_CITATIONS = frozenset(
    ["element-citation", "mixed-citation", "nlm-citation", "citation", "product", "related-article"]
)
_ALTERNATIVES = "citation-alternatives"
_PEOPLE = frozenset(("name", "string-name", "name-alternatives", "collab", "collab-alternatives"))
_OTHER_PEOPLE = frozenset(("editor", "translator", "guest-editor", "series-editor", "compiler"))
_TITLES = ("article-title", "chapter-title", "part-title", "data-title", "trans-title")
_FIELDS = (
    *_TITLES,
    *("source", "conf-name", "series", "year", "date", "volume", "issue", "publisher-name"),
    *("fpage", "lpage", "elocation-id", "page-range"),
)
_IDENTIFIERS = ("pub-id", "object-id")
_LINKS = ("ext-link", "uri")
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")


class Cited:
    """The references of an article, and which of them the ids of its elements stand for."""

    def __init__(self, references: Iterable[Reference], ids: dict[str, tuple[str, ...]]) -> None:
        self.references = tuple(references)
        self.listed = ReferenceList(reference.id for reference in self.references)
        self._ids = ids

    def by(self, xref: _Element) -> tuple[str, ...]:
        """The ids of the references that a mark points to; none where it points elsewhere."""
        found = (self._ids.get(id, ()) for id in xref.get("rid", "").split())
        return tuple(id for ids in found for id in ids)


def cited_works(parts: Iterable[_Element]) -> Cited:
    """Every reference listed in the parts of an article; lists may stand within lists.

    A `ref` with several works gives several references, `B7`, `B7.2`; its id stands for them all.
    """
    references: list[Reference] = []
    ids: dict[str, tuple[str, ...]] = {}
    for part in parts:
        for ref in part.iter("ref"):
            name = ref.get("id") or f"ref-{len(references) + 1}"
            own: list[str] = []
            for number, citation in enumerate(_citations(ref), 1):
                id = name if number == 1 else f"{name}.{number}"
                references.append(_reference(id, citation))
                own.append(id)
                if citation.get("id"):
                    ids[citation.get("id", "")] = (id,)
            ids[name] = tuple(own)
    return Cited(references, ids)


def _citations(ref: _Element) -> list[_Element]:
    found: list[_Element] = []
    for child in ref:
        if child.tag == _ALTERNATIVES:
            found += [each for each in child if each.tag in _CITATIONS][:1]
        elif child.tag in _CITATIONS:
            found.append(child)
    return found or [ref]


def _reference(id: str, citation: _Element) -> Reference:
    fields: dict[str, _Element] = {}
    for element in citation.iter(*_FIELDS):
        fields.setdefault(element.tag, element)
    title = _first(fields, *_TITLES)
    source = _first(fields, "source", "conf-name")
    series = _first(fields, "series")
    if not title and not _is_in_journal(citation, fields):
        title, source = source, series
    year = _YEAR.search(_first(fields, "year", "date"))
    printed = _printed(citation)
    reference = Reference(
        id=id,
        title=title,
        authors=tuple(people_in(citation)),
        year=year[0] if year else "",
        container=source or series,
        volume=_first(fields, "volume"),
        issue=_first(fields, "issue"),
        pages=_pages(fields),
        doi=_doi(citation, printed or string(citation)),
    )
    return with_fields(reference, printed) if printed else printed_form(reference)


def _first(fields: dict[str, _Element], *names: str) -> str:
    """The text of the first of these elements that a citation holds."""
    return next((line(fields[name]) for name in names if name in fields), "")


def _is_in_journal(citation: _Element, fields: dict[str, _Element]) -> bool:
    """True where `source` is the name of a journal and not that of the work itself."""
    kind = citation.get("publication-type") or citation.get("citation-type") or ""
    if "journal" in kind or kind == "article":
        return True
    has_volume = "volume" in fields or "issue" in fields
    return kind in ("", "other") and has_volume and "publisher-name" not in fields


def _printed(citation: _Element) -> str:
    """The reference as it is printed; empty where only fields are given."""
    if len(citation) and not (citation.text or "").strip():
        tails = (child.tail or "" for child in citation)
        if not any(map(str.strip, tails)):
            return ""
    return one_line("".join(_pieces(citation))).lstrip(".,;: ")


def _pieces(citation: _Element) -> Iterator[str]:
    """The text without the numbers that publishers add to it, the DOI set apart."""
    yield citation.text or ""
    for child in citation:
        if child.tag in _IDENTIFIERS:
            yield f" {line(child)} " if child.get("pub-id-type") == "doi" else ""
        elif child.tag != "label":
            yield string(child)
        yield child.tail or ""


def people_in(element: _Element) -> list[str]:
    """The authors that an element names, each as `Family, Given`; editors where it has none."""
    names: list[str] = []
    others: list[str] = []
    for child in element:
        if child.tag == "person-group":
            is_other = child.get("person-group-type", "author") in _OTHER_PEOPLE
            (others if is_other else names).extend(people_in(child))
        elif child.tag in _PEOPLE:
            names += _names(child)
    return names or others


def _names(element: _Element) -> Iterable[str]:
    if element.tag.endswith("-alternatives"):
        return _names(element[0]) if len(element) else ()
    family = given = suffix = ""
    for child in element:
        if child.tag == "surname":
            family = line(child)
        elif child.tag == "given-names":
            given = line(child)
        elif child.tag == "suffix":
            suffix = line(child)
    if family:
        return (", ".join(filter(None, (family, f"{given} {suffix}".strip()))),)
    if element.tag == "string-name":
        return people_of(line(element))
    return tuple(filter(None, (line(element).rstrip(" ,;."),)))


def pages_of(element: _Element) -> str:
    """First and last page, `12-19`, or the number of the article, of an element's own."""
    return _pages({child.tag: child for child in reversed(element)})


def _pages(fields: dict[str, _Element]) -> str:
    first, last = _first(fields, "fpage"), _first(fields, "lpage")
    if first:
        return f"{first}-{last}" if last and last != first else first
    return _first(fields, "elocation-id", "page-range")


def _doi(citation: _Element, text: str) -> str | None:
    """The DOI tagged as one, else that of a link, else one printed in the text."""
    linked: str | None = None
    for element in citation.iter(*_IDENTIFIERS, *_LINKS):
        if element.get("pub-id-type") == "doi":
            tagged = normal_doi(line(element))
            if tagged:
                return tagged
        elif element.tag in _LINKS:
            address = element.get(XLINK_HREF, "")
            linked = linked or normal_doi(address) or normal_doi(line(element))
    if linked:
        return linked
    found = dois_in(text) if "10." in text else []
    return found[0] if found else None
