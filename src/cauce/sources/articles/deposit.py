"""What a publisher deposits with Crossref (schema 4 and 5): a work, its abstract and references.

A deposit holds no other text, so nothing tells where its references are cited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cauce.records import Reference
from cauce.sources.articles.document import Article, Place, without_empty
from cauce.sources.articles.jats import section_parts
from cauce.sources.articles.jats_references import Cited
from cauce.sources.articles.printed import printed_form, with_fields
from cauce.sources.articles.xml import first_line, line, take_off_namespace
from cauce.sources.dois import dois_in, normal_doi

if TYPE_CHECKING:
    from lxml.etree import _Element

_WORKS = (
    *("journal_article", "conference_paper", "content_item", "posted_content", "dissertation"),
    *("book_metadata", "book_series_metadata", "report-paper_metadata", "standard_metadata"),
    "dataset",
)
_CONTAINERS = (
    *("journal_metadata/full_title", "proceedings_metadata/proceedings_title"),
    *("book_metadata/titles/title", "book_series_metadata/titles/title"),
)
_YEAR = re.compile(r"\d{4}")


def deposited_works(root: _Element) -> list[_Element]:
    """The elements of a `doi_batch` that are works."""
    return list(root.iter(*_WORKS))


def deposited_article(element: _Element) -> Article:
    """A work with its references in the order of the list."""
    abstracts = [take_off_namespace(each) for each in element.findall("{*}abstract")[:1]]
    place = Place("abstract", kind="abstract")
    parts = (part for each in abstracts for part in section_parts(each, place, Cited((), {})))
    return Article(
        work=_work(element),
        parts=without_empty(parts),
        references=tuple(map(_reference, element.iterfind("citation_list/citation"))),
        language=element.get("language", ""),
        licence=first_line(element, ".//{*}license_ref"),
        published=_date(element),
    )


def _work(element: _Element) -> Reference:
    around = element.getparent()
    return Reference(
        id="",
        title=first_line(element, "titles/title"),
        authors=tuple(_authors(element)),
        year=_date(element)[:4],
        container="" if element.tag == "book_metadata" else first_line(around, *_CONTAINERS),
        volume=first_line(around, "journal_issue/journal_volume/volume"),
        issue=first_line(around, "journal_issue/issue"),
        pages="-".join(
            filter(None, (first_line(element, f"pages/{side}_page") for side in ("first", "last")))
        ),
        doi=normal_doi(first_line(element, "doi_data/doi")),
    )


def _authors(element: _Element) -> Iterator[str]:
    for person in element.iterfind("contributors/*"):
        if person.get("contributor_role", "author") == "author":
            if person.tag == "organization":
                yield line(person)
            else:
                names = (first_line(person, "surname"), first_line(person, "given_name"))
                yield ", ".join(filter(None, names))


def _date(element: _Element) -> str:
    """The first date of publication, ISO 8601 as far as it is told."""
    for name in ("publication_date", "posted_date", "approval_date"):
        for date in element.iterfind(name):
            parts = [first_line(date, unit) for unit in ("year", "month", "day")]
            return "-".join(part.zfill(2) for part in parts if part)
    return ""


def _reference(citation: _Element) -> Reference:
    title = first_line(citation, "article_title")
    container = first_line(citation, "journal_title")
    book = first_line(citation, "volume_title")
    year = _YEAR.search(first_line(citation, "cYear"))
    author = first_line(citation, "author")
    printed = first_line(citation, "unstructured_citation")
    printed_dois = dois_in(printed)
    reference = Reference(
        id=citation.get("key", ""),
        title=title or book,
        authors=(author,) if author else (),
        year=year[0] if year else "",
        container=container or (book if title else "") or first_line(citation, "series_title"),
        volume=first_line(citation, "volume"),
        issue=first_line(citation, "issue"),
        pages=first_line(citation, "first_page", "elocation_id"),
        doi=normal_doi(first_line(citation, "doi")) or (printed_dois[0] if printed_dois else None),
    )
    return with_fields(reference, printed) if printed else printed_form(reference)
