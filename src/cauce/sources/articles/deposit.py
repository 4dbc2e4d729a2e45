"""What a publisher deposits with Crossref (schema 4 and 5): a work, its abstracts and references.

A deposit holds no other text, so nothing tells where its references are cited.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cauce.records import Reference
from cauce.sources.articles.deposit_citations import cited_works, doi_or_fault
from cauce.sources.articles.document import Article, Fault, Part, Place, without_empty
from cauce.sources.articles.jats import section_parts
from cauce.sources.articles.jats_references import Cited
from cauce.sources.articles.xml import XML_LANG, first_line, line, take_off_namespace

if TYPE_CHECKING:
    from lxml.etree import _Element

_WORKS = (
    *("journal_article", "conference_paper", "content_item", "posted_content", "dissertation"),
    *("book_metadata", "book_series_metadata", "book_set_metadata", "report-paper_metadata"),
    *("report-paper_series_metadata", "standard_metadata", "dataset", "peer_review"),
)
_CONTAINERS = (
    *("journal_metadata/full_title", "proceedings_metadata/proceedings_title"),
    *("proceedings_series_metadata/proceedings_title", "book_metadata/titles/title"),
    *("book_series_metadata/titles/title", "book_set_metadata/titles/title"),
)
_DATES = (
    *("publication_date", "posted_date", "approval_date", "completion_date", "review_date"),
    *("database_date/publication_date", "database_date/creation_date"),
)


def deposited_works(root: _Element) -> list[_Element]:
    """The elements of a `doi_batch` that are works."""
    return list(root.iter(*_WORKS))


def deposited_article(element: _Element) -> Article:
    """A work with its references in the order of the list."""
    cited = cited_works(element)
    doi = doi_or_fault(element, "doi_data/doi")
    return Article(
        work=_work(element, None if isinstance(doi, Fault) else doi),
        parts=without_empty(_abstracts(element)),
        references=cited.references,
        language=_language(element),
        licence=first_line(element, ".//{*}license_ref"),
        published=_date(element),
        faults=(*((doi,) if isinstance(doi, Fault) else ()), *cited.faults),
    )


def _abstracts(element: _Element) -> Iterator[Part]:
    for number, abstract in enumerate(element.findall("{*}abstract"), 1):
        place = Place("abstract" if number == 1 else f"abstract-{number}", kind="abstract")
        yield from section_parts(take_off_namespace(abstract), place, Cited((), {}))


def _work(element: _Element, doi: str | None) -> Reference:
    around = element.getparent()
    is_book = element.tag.startswith("book_")
    places = ("series_metadata/titles/title",) if is_book else _CONTAINERS
    title, subtitle = (first_line(element, f"titles/{name}") for name in ("title", "subtitle"))
    pages = (first_line(element, f"pages/{side}_page") for side in ("first", "last"))
    return Reference(
        id="",
        title=": ".join(filter(None, (title, subtitle))),
        authors=tuple(filter(None, _authors(element))),
        year=_date(element)[:4],
        container=first_line(element if is_book else around, *places),
        volume=first_line(around, "journal_issue/journal_volume/volume"),
        issue=first_line(around, "journal_issue/issue"),
        pages="-".join(filter(None, pages)) or first_line(element, "publisher_item/item_number"),
        doi=doi,
    )


def _authors(element: _Element) -> Iterator[str]:
    for person in element.iterfind("contributors/*"):
        if person.get("contributor_role", "author") == "author":
            if person.tag == "organization":
                yield line(person)
            else:
                names = (first_line(person, "surname"), first_line(person, "given_name"))
                yield ", ".join(filter(None, names))


def _language(element: _Element) -> str:
    """Of the work, else of its abstract, else of the journal or book that it stands in."""
    own = (element, *element.iterfind("{*}abstract"))
    told = (each.get("language") or each.get(XML_LANG) for each in (*own, *_around(element)))
    return next(filter(None, told), "")


def _around(element: _Element) -> list[_Element]:
    """The issue, journal, proceedings or book that a work stands in."""
    beside = element.getparent()
    return [
        each
        for each in (() if beside is None else beside)
        if each is not element and (each.tag == "journal_issue" or each.tag.endswith("_metadata"))
    ]


def _date(element: _Element) -> str:
    """The first date of publication told, of the work or of what it stands in, ISO 8601."""
    for place in (element, *_around(element)):
        for name in _DATES:
            for date in filter(None, map(_iso_date, place.iterfind(name))):
                return date
    return ""


def _iso_date(date: _Element) -> str:
    """As far as it is told; Crossref writes seasons and quarters as months from 21 on."""
    year, month, day = (first_line(date, unit) for unit in ("year", "month", "day"))
    if not (year.isdigit() and len(year) == 4):
        return ""
    if not (month.isdigit() and 1 <= int(month) <= 12):
        return year
    is_day = day.isdigit() and 1 <= int(day) <= 31
    return "-".join((year, month.zfill(2), *((day.zfill(2),) if is_day else ())))
