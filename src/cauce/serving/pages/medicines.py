"""What the pages on medicines show, out of the documents of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from cauce.assistant.plain import PlainPart, plain_view
from cauce.errors import NotFound
from cauce.knowledge.labels.differences import Difference, marked
from cauce.knowledge.labels.interactions import Interaction, interactions
from cauce.knowledge.labels.overview import KeyPassage, Overview, overview, ranked_documents
from cauce.knowledge.labels.overview import key_passages as opening_passages
from cauce.knowledge.labels.revisions import (
    Edition,
    Revision,
    older_editions,
    revision,
    stored_edition,
)
from cauce.knowledge.labels.shelf import HISTORY, Shelf
from cauce.knowledge.names.resolver import Mention
from cauce.knowledge.names.search import NameSearch, Suggestion
from cauce.knowledge.sections.store import DocumentEntry, SectionEntry
from cauce.knowledge.words import fold
from cauce.records import Citation, Language, Spoken
from cauce.serving.wording.vademecum import KINDS

_EXCHANGED = re.compile(r"\[-(?P<gone>.*?)-\]|\{\+(?P<come>.*?)\+\}", re.DOTALL)


class Meant(NamedTuple):
    """The medicine of a name; else the names to choose from, none where it is unknown."""

    mention: Mention | None
    choices: tuple[str, ...] = ()


class Monograph(NamedTuple):
    """One document of a medicine, and the others that there are."""

    name: str
    document: DocumentEntry
    key: str
    documents: list[tuple[str, DocumentEntry]]
    """Each with the key by which its page is asked for."""
    told: Overview
    sections: list[SectionEntry]
    easy: tuple[PlainPart, ...]
    """The sections in easy reading, where that was asked for."""


class Piece(NamedTuple):
    """Some words of a sentence that changed: `same`, `gone` or `come`."""

    how: str
    text: str


class Change(NamedTuple):
    """A sentence that two versions do not share."""

    kind: str
    pieces: tuple[Piece, ...]
    came_from: str
    """Title of the section that it stood in, where that is another."""


class Changes(NamedTuple):
    """What changed in a document, section by section; its versions come oldest first."""

    editions: list[Edition]
    found: Revision | None
    sections: list[tuple[str, list[Change]]]


class Comparison(NamedTuple):
    """Two medicines kind by kind, and what their texts say of one another."""

    titles: tuple[str, str]
    rows: list[tuple[str, KeyPassage | None, KeyPassage | None]]
    """Each with what the kind of section is about."""
    together: list[Interaction]


class Vademecum:
    """The medicines of a shelf, found by name."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._names = NameSearch(shelf.store)

    def search(self, typed: str) -> list[Suggestion]:
        """The medicines with a name that begins as was typed."""
        return self._names.starting(typed)

    def called(self, found: Suggestion, typed: str, spoken: Spoken) -> Suggestion:
        """The same medicine by its name in the language, where that too begins as was typed."""
        store, language = self._shelf.store, language_for(spoken)
        titles = {fold(it.title) for it in store.documents(found.group) if it.language == language}
        generic = (it.name for it in store.names_of(found.group) if it.scheme != "brand")
        label = next((name for name in generic if fold(name) in titles), found.label)
        is_typed = f" {fold(typed)}" in f" {fold(label)}" and not found.is_brand
        return found._replace(label=label, name=label if is_typed else found.name)

    def meant(self, name: str) -> Meant:
        """Which medicine a name or a code stands for; look-alikes are never picked from."""
        exact = {one.group for one in self.search(name) if fold(one.name) == fold(name)}
        if len(exact) == 1:
            return Meant(Mention(exact.pop(), name, 0, fold(name)))
        found = self._shelf.resolver.resolve(name)
        if found.kind == "found" and len(found.mentions) == 1 and not found.looked_for:
            return Meant(found.mentions[0])
        return Meant(None, found.choices or tuple(one.name for one in found.mentions))

    def monograph(
        self, mention: Mention, spoken: Spoken, key: str = "", *, easy: bool = False
    ) -> Monograph:
        """The document of that key, else the foremost in the language. Raises NotFound."""
        document, documents = self._document(mention, spoken, key)
        store = self._shelf.store
        sections = store.all_sections(document)
        view = (
            plain_view(sections, document.language, medicines_of=self._shelf.resolver.medicines_of)
            if easy
            else None
        )
        return Monograph(
            mention.name,
            document,
            key_of(document),
            [(key_of(one), one) for one in documents],
            overview(store, [document, *(one for one in documents if one is not document)]),
            sections,
            view.parts if view else (),
        )

    def changes(
        self, mention: Mention, spoken: Spoken, key: str, versions: tuple[str, str]
    ) -> Changes:
        """What changed between two versions of a document: those named, else the last two."""
        document, _ = self._document(mention, spoken, key)
        run = self._shelf.run
        kept = older_editions(run.path / HISTORY, [document]) if run else {}
        editions = [*kept.get(document.doc, []), stored_edition(self._shelf.store, document)]
        if len(editions) < 2:
            return Changes(editions, None, [])
        older = _version(editions, versions[0], default=len(editions) - 2)
        newer = _version(editions, versions[1], default=len(editions) - 1)
        found = revision(older, newer)
        return Changes(editions, found, list(_by_section(found)))

    def compare(self, mentions: Sequence[Mention], spoken: Spoken) -> Comparison:
        """The two medicines, each by its foremost document in the language."""
        documents = [self._document(one, spoken, "")[0] for one in mentions]
        first, second = (
            {one.kind: one for one in opening_passages(self._shelf.store.all_sections(document))}
            for document in documents
        )
        kinds = sorted(first | second, key=lambda kind: [*KINDS, kind].index(kind))
        store, resolver = self._shelf.store, self._shelf.resolver
        return Comparison(
            (documents[0].title, documents[1].title),
            [(kind, first.get(kind), second.get(kind)) for kind in kinds],
            interactions(store, resolver, mentions, language_for(spoken)),
        )

    def _document(
        self, mention: Mention, spoken: Spoken, key: str
    ) -> tuple[DocumentEntry, list[DocumentEntry]]:
        """The document of that key, else the foremost, and all of the medicine's."""
        documents = ranked_documents(
            self._shelf.store, mention.group, mention.name, language_for(spoken)
        )
        for document in documents:
            if key in ("", key_of(document)):
                return document, documents
        raise NotFound(f"{mention.name} has no document {key[:80]!r}.\nChoose one of its page.")


def key_of(document: DocumentEntry) -> str:
    """`source/id/language`, as `Document.key` has it."""
    return f"{document.source}/{document.id}/{document.language}"


def language_for(spoken: Spoken) -> Language:
    """The language of the documents that come first for whoever speaks so."""
    return "en" if spoken == "en" else "es"


def section_query(citation: Citation) -> dict[str, str | int]:
    """What `/section` is asked for, to show the quote where it stands."""
    return {
        "source": citation.source,
        "id": citation.id,
        "language": citation.language,
        "section": citation.section,
        "start": citation.start,
        "length": len(citation.quote),
    }


def _version(editions: Sequence[Edition], version: str, *, default: int) -> Edition:
    """The edition of that version, else the one at that place."""
    return next((one for one in editions if one.version == version), editions[default])


def _by_section(found: Revision) -> Iterator[tuple[str, list[Change]]]:
    for section, differences in groupby(found.differences, key=_section):
        title = found.titles.get(section, section)
        yield title, [_change(difference, found.titles) for difference in differences]


def _section(difference: Difference) -> str:
    return difference.section_after or difference.section_before


def _change(difference: Difference, titles: dict[str, str]) -> Change:
    before = difference.section_before
    came_from = titles.get(before, before) if before and before != _section(difference) else ""
    if difference.kind == "changed":
        pieces = tuple(_pieces(marked(difference)))
    elif difference.kind == "removed":
        pieces = (Piece("gone", difference.before),)
    else:
        pieces = (Piece("come" if difference.kind == "added" else "same", difference.after),)
    return Change(difference.kind, pieces, came_from)


def _pieces(text: str) -> Iterator[Piece]:
    """The words of a marked sentence, those that went and came apart.

    >>> [*_pieces("Take [-400-]{+200+} mg.")][:2]
    [Piece(how='same', text='Take '), Piece(how='gone', text='400')]
    """
    end = 0
    for match in _EXCHANGED.finditer(text):
        if match.start() > end:
            yield Piece("same", text[end : match.start()])
        how = "gone" if match["gone"] is not None else "come"
        yield Piece(how, match[how])
        end = match.end()
    if end < len(text):
        yield Piece("same", text[end:])
