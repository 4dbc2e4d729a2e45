"""What the command line prints of articles: sentences with their references, and references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypedDict

from cauce.records import Language, Reference, Refusal
from cauce.sources.articles.document import Given
from cauce.sources.articles.reading import read_articles
from cauce.sources.paths import today


class CitedRow(TypedDict):
    """A reference of a sentence; empty is what the article does not say."""

    id: str
    title: str
    year: str
    doi: str | None


class LinkRow(TypedDict):
    """A sentence and the references that it cites."""

    file: str
    sentence: str
    refs: list[CitedRow]


class ReferenceRow(TypedDict):
    """A reference with its fields; empty is what the article does not say."""

    raw: str
    title: str
    authors: list[str]
    year: str
    container: str
    volume: str
    pages: str
    doi: str | None


class ListRow(TypedDict):
    """The references of an article, in the order of its list."""

    file: str
    refs: list[ReferenceRow]


def links(paths: Iterable[Path], *, language: Language = "en") -> Iterator[LinkRow | Refusal]:
    """Each citing sentence of each file, as printed, or why a file is refused."""
    for path in paths:
        for document in read_articles(Given(path, language, "", today())):
            if isinstance(document, Refusal):
                yield document
                continue
            by_id = {reference.id: reference for reference in document.references}
            for sentence in document.citing:
                cited = [_cited(by_id[id]) for id in sentence.references]
                yield LinkRow(file=str(path), sentence=sentence.text, refs=cited)


def references(paths: Iterable[Path], *, language: Language = "en") -> Iterator[ListRow | Refusal]:
    """The references of each article of each file, or why a file is refused."""
    for path in paths:
        for document in read_articles(Given(path, language, "", today())):
            if isinstance(document, Refusal):
                yield document
            else:
                yield ListRow(file=str(path), refs=[_row(each) for each in document.references])


def _cited(reference: Reference) -> CitedRow:
    return CitedRow(id=reference.id, title=reference.title, year=reference.year, doi=reference.doi)


def _row(reference: Reference) -> ReferenceRow:
    return ReferenceRow(
        raw=reference.raw,
        title=reference.title,
        authors=list(reference.authors),
        year=reference.year,
        container=reference.container,
        volume=reference.volume,
        pages=reference.pages,
        doi=reference.doi,
    )
