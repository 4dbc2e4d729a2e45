"""What arXiv says of an article: entries of its Atom feed, records of its OAI-PMH interface.

A query that arXiv cannot read is answered as a feed too, with one entry whose title is `Error`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cauce.errors import UserError
from cauce.records import Record, Reference
from cauce.sources.cleaning import one_line
from cauce.sources.dois import normal_doi

if TYPE_CHECKING:
    from lxml.etree import _Element

_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "arxiv": "http://arxiv.org/schemas/atom",
    "search": "http://a9.com/-/spec/opensearch/1.1/",
    "oai": "http://arxiv.org/OAI/arXiv/",
}
_ADDRESS = re.compile(
    r"https?://arxiv\.org/abs/(?P<id>\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})v(?P<version>\d+)"
)
_ORGANISATION = re.compile(r"collaboration|consortium|team|group|project", re.IGNORECASE)
_FAMILY = re.compile(r"(?P<given>.+?) (?P<family>(?:[a-z][\w'’]* )*\S+(?: (?:Jr|Sr)\.?| [IVX]+)?)")


class ArxivArticle(Record):
    """An article as arXiv lists it and what was fetched of it: a line of `manifest.jsonl`."""

    id: str
    """Without its version: `0704.0001`, `hep-th/9901001`."""
    version: str
    title: str
    authors: tuple[str, ...]
    """As arXiv writes them, given name first."""
    abstract: str
    categories: tuple[str, ...]
    """The first is the primary one."""
    published: str
    """ISO 8601 moment of its first version."""
    updated: str
    """ISO 8601 moment of this version."""
    doi: str
    """The one that DataCite holds for every article of arXiv."""
    journal_doi: str = ""
    """That of the published article, where its authors told it."""
    journal: str = ""
    """Where it was published, as its authors wrote it."""
    licence: str = ""
    """Address of the terms under which the article may be reused, where arXiv tells."""
    url: str
    has_pdf: bool = True
    """False where it was withdrawn."""
    retrieved: str = ""
    """ISO 8601 date."""
    file: str = ""
    """The PDF, below the folder of the manifest; empty where only the record was fetched."""
    sha256: str = ""
    bytes: int = 0

    @property
    def work(self) -> Reference:
        """The article as others cite it."""
        return Reference(
            id=self.id,
            title=self.title,
            authors=tuple(map(family_first, self.authors)),
            year=self.published[:4],
            container="arXiv",
            doi=self.doi,
        )


class Feed(NamedTuple):
    """One page of results; `faults` says of entries that could not be read which and why."""

    total: int
    entries: int
    """How many the page has, those with a fault too."""
    articles: list[ArxivArticle]
    faults: list[str]


def feed_of(text: str) -> Feed:
    """The page that an Atom document holds.

    Raises UserError when arXiv refused the query, ValueError when it is no feed of arXiv.
    """
    root = _parsed(text)
    total = _text(root, "search:totalResults")
    if not total.isdigit():
        raise ValueError("no number of results")
    entries = root.findall("atom:entry", _NAMESPACES)
    feed = Feed(int(total), len(entries), [], [])
    for entry in entries:
        if _text(entry, "atom:title") == "Error":
            raise UserError(
                f"arXiv refused the query: {_text(entry, 'atom:summary')}.\n"
                'Correct it, as in: all:digitalisation AND ti:"maritime safety"'
            )
        address = _text(entry, "atom:id")
        found = _ADDRESS.fullmatch(address)
        if found:
            feed.articles.append(_article(entry, found["id"], found["version"]))
        else:
            feed.faults.append(f"{address!r} names no article of arXiv")
    return feed


def licence_of(text: str) -> str:
    """The licence in a record of the OAI-PMH interface; empty when there is none in it."""
    found = _parsed(text).find(".//oai:license", _NAMESPACES)
    return one_line(found.text or "") if found is not None else ""


def family_first(name: str) -> str:
    """`Family, Given` of a name written given name first; organisations stay as they are.

    >>> family_first("Ludwig van der Berg Jr."), family_first("The ATLAS Collaboration")
    ('van der Berg Jr., Ludwig', 'The ATLAS Collaboration')
    """
    found = _FAMILY.fullmatch(name)
    if not found or _ORGANISATION.search(name):
        return name
    return f"{found['family']}, {found['given']}"


def _article(entry: _Element, id: str, version: str) -> ArxivArticle:
    links = {link.get("title") or link.get("rel"): link for link in _all(entry, "atom:link")}
    licence = links.get("license")
    dois = _text(entry, "arxiv:doi").split()
    primary = [node.get("term", "") for node in _all(entry, "arxiv:primary_category")]
    categories = [node.get("term", "") for node in _all(entry, "atom:category")]
    return ArxivArticle(
        id=id,
        version=version,
        title=_text(entry, "atom:title"),
        authors=tuple(_text(author, "atom:name") for author in _all(entry, "atom:author")),
        abstract=_text(entry, "atom:summary"),
        categories=tuple(dict.fromkeys(filter(None, primary + categories))),
        published=_text(entry, "atom:published"),
        updated=_text(entry, "atom:updated"),
        doi=f"10.48550/arxiv.{id.lower()}",
        journal_doi=(normal_doi(dois[0]) or "") if dois else "",
        journal=_text(entry, "arxiv:journal_ref"),
        licence=licence.get("href", "") if licence is not None else "",
        url=f"https://arxiv.org/abs/{id}v{version}",
        has_pdf="pdf" in links,
    )


def _parsed(text: str) -> _Element:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not XML: {error}") from error


def _all(node: _Element, path: str) -> list[_Element]:
    return node.findall(path, _NAMESPACES)


def _text(node: _Element, path: str) -> str:
    """The text of the first element there, in one line; empty without one."""
    return one_line(node.findtext(path, "", _NAMESPACES))
