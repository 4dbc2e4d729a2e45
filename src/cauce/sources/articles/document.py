"""An article's Document, put together from what any of the formats says of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cauce.records import CitingSentence, Document, Language, Reference, Section, Table
from cauce.sources.articles.marks import ReferenceList, RunningText, citing_sentences

ENDINGS = (".tei.xml", ".cermxml", ".nxml", ".jats", ".xml", ".csv", ".pdf")
"""Of the files that hold articles."""


class Given(NamedTuple):
    """What is known of a file from outside, used where the file itself does not tell."""

    path: Path
    language: Language
    licence: str
    retrieved: str

    @property
    def stem(self) -> str:
        """The file's name without its endings."""
        name = self.path.name.removesuffix(".gz")
        return next((name[: -len(end)] for end in ENDINGS if name.lower().endswith(end)), name)


class Part(NamedTuple):
    """A section and its sentences that cite."""

    section: Section
    citing: tuple[CitingSentence, ...]


class Fault(NamedTuple):
    """Where something in a file cannot be read, and why."""

    position: str
    reason: str


class Article(NamedTuple):
    """What a format says of an article; empty is what it does not say."""

    work: Reference
    """Its id is of no account."""
    parts: tuple[Part, ...]
    references: tuple[Reference, ...]
    language: str = ""
    """As the file writes it, `en-GB`."""
    licence: str = ""
    published: str = ""
    """ISO 8601 date."""
    faults: tuple[Fault, ...] = ()
    """What of it could not be read; the rest is kept."""


class Place(NamedTuple):
    """Where a section stands among the others."""

    id: str
    title: str = ""
    parent: str | None = None
    kind: str = "other"


def part(
    place: Place, running: RunningText, tables: Iterable[Table], listed: ReferenceList
) -> Part:
    """A section with its text, its tables, and the sentences of the text that cite."""
    section = Section(
        id=place.id,
        kind=place.kind,
        title=place.title,
        text=str(running),
        tables=tuple(tables),
        parent=place.parent,
    )
    return Part(section, tuple(citing_sentences(place.id, running, listed)))


def document_of(article: Article, given: Given, number: int = 1) -> Document:
    """The Document; articles without a DOI are known by their file, and their number in it.

    Where there is no text at all, the title is the text.
    """
    name = given.stem if number == 1 else f"{given.stem}#{number}"
    doi = article.work.doi
    title = article.work.title or name
    code = article.language[:2].lower()
    language: Language = "en" if code == "en" else "es" if code == "es" else given.language
    return Document(
        source="articles",
        id=doi or name,
        version="1",
        effective=article.published,
        title=title,
        language=language,
        sections=tuple(part.section for part in article.parts)
        or (Section(id="title", kind="other", title="", text=title),),
        work=article.work.model_copy(update={"id": doi or name}),
        references=article.references,
        citing=tuple(sentence for part in article.parts for sentence in part.citing),
        group=doi or given.path.name,
        url=f"https://doi.org/{doi}" if doi else "",
        licence=article.licence or given.licence,
        retrieved=given.retrieved,
    )


def without_empty(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The sections that hold text, tables, or sections that do."""
    kept: list[Part] = []
    needed: set[str] = set()
    for each in reversed(list(parts)):
        section = each.section
        if section.text or section.tables or section.id in needed:
            kept.append(each)
            if section.parent is not None:
                needed.add(section.parent)
    return tuple(reversed(kept))
