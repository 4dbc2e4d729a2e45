"""The references of a deposit to Crossref, and what of them cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from cauce.records import Reference
from cauce.sources.articles.document import Fault
from cauce.sources.articles.printed import printed_form, with_fields
from cauce.sources.articles.xml import first_line, line
from cauce.sources.dois import dois_in, normal_doi

if TYPE_CHECKING:
    from lxml.etree import _Element

_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")


class Deposited(NamedTuple):
    """The references of a work in the order of its list, each with an id of its own."""

    references: tuple[Reference, ...]
    faults: tuple[Fault, ...]


def cited_works(element: _Element) -> Deposited:
    """What the `citation_list` of a work holds; a citation that holds nothing is a fault."""
    references: dict[str, Reference] = {}
    faults: list[Fault] = []
    for number, citation in enumerate(element.iterfind("citation_list/citation"), 1):
        if not line(citation):
            faults.append(_fault(citation, "holds nothing"))
            continue
        id = _unused(citation.get("key", "").strip() or f"ref-{number}", references)
        references[id] = _reference(citation).model_copy(update={"id": id})
        faults += _faults(citation)
    return Deposited(tuple(references.values()), tuple(faults))


def doi_or_fault(element: _Element, path: str) -> str | Fault | None:
    """The DOI at a path; a fault where what stands there is none, None where nothing does."""
    told = first_line(element, path)
    return normal_doi(told) or (_fault(element, f"{told[:80]} is no DOI") if told else None)


def _unused(key: str, references: dict[str, Reference]) -> str:
    """The key, with a number behind it where a citation before has the same."""
    id, number = key, 1
    while id in references:
        number += 1
        id = f"{key}#{number}"
    return id


def _faults(citation: _Element) -> Iterator[Fault]:
    doi = doi_or_fault(citation, "doi")
    if isinstance(doi, Fault):
        yield doi
    year = first_line(citation, "cYear")
    if year and not _YEAR.search(year):
        yield _fault(citation, f"{year[:80]} is no year")


def _fault(element: _Element, reason: str) -> Fault:
    key = element.get("key")
    name = f"{element.tag} {key}" if key else element.tag
    return Fault(f"line {element.sourceline}", f"{name}: {reason}")


def _reference(citation: _Element) -> Reference:
    title = first_line(citation, "article_title")
    container = first_line(citation, "journal_title")
    book = first_line(citation, "volume_title")
    year = _YEAR.search(first_line(citation, "cYear"))
    author = first_line(citation, "author")
    printed = first_line(citation, "unstructured_citation")
    printed_dois = dois_in(printed)
    reference = Reference(
        id="",
        title=title or book or first_line(citation, "std_designator"),
        authors=(author,) if author else (),
        year=year[0] if year else "",
        container=container or (book if title else "") or first_line(citation, "series_title"),
        volume=first_line(citation, "volume"),
        issue=first_line(citation, "issue"),
        pages=first_line(citation, "first_page", "elocation_id"),
        doi=normal_doi(first_line(citation, "doi")) or (printed_dois[0] if printed_dois else None),
    )
    return with_fields(reference, printed) if printed else printed_form(reference)
