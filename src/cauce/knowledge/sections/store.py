"""What a store of sections answers, whichever database keeps it, and the entries it gives."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from cauce.errors import DataRefused
from cauce.records import Citation, Document, Language, Section

Body = TypeVar("Body", bound=Hashable)

MOST_MAKERS_NAMED = 5
"""Makers given of each text that several labels share."""
MOST_HOLDERS_READ = 20
"""Labels of each shared text, the newest, whose makers are looked at."""


class NameEntry(NamedTuple):
    """One name or code of a medicine."""

    name: str
    group: str
    scheme: str = "generic"
    """`brand` or `generic`; of a code what it is one of: `ndc`, `nregistro`, `atc`, `set_id`..."""


class DocumentEntry(NamedTuple):
    """What a store knows of a document besides its sections."""

    doc: int
    source: str
    id: str
    version: str
    title: str
    language: Language
    group: str
    url: str
    effective: str = ""
    """ISO 8601 date from which this version holds, where the source tells."""
    makers: tuple[str, ...] = ()


class SectionEntry(NamedTuple):
    """A section as it is cited: `body` is what may be quoted of it."""

    document: DocumentEntry
    id: str
    kind: str
    title: str
    body: str

    def cite(self, quote: str) -> Citation:
        """A citation of `quote`, which must stand letter for letter in the section."""
        if quote not in self.body:
            raise DataRefused(
                f"{self.document.source}/{self.document.id}/{self.id} does not hold the quote "
                f"{quote[:60]!r}.\nQuote the section's own characters."
            )
        return Citation(
            source=self.document.source,
            id=self.document.id,
            version=self.document.version,
            section=self.id,
            quote=quote,
            start=self.body.index(quote),
            title=f"{self.document.title} · {self.title}",
            language=self.document.language,
            url=self.document.url,
        )


class Variant(NamedTuple):
    """One text of a kind of section, and how many documents of a medicine print it."""

    section: SectionEntry
    """As the newest of those documents has it."""
    documents: int
    makers: tuple[str, ...]
    """Of the newest of those documents, at most `MOST_MAKERS_NAMED`, newest first."""


class SectionStore(Protocol):
    """What the resolver, the assistant and the commands ask of a store."""

    def names(self) -> list[NameEntry]:
        """Every name in words (no codes) of every medicine, each once."""
        ...

    def names_of(self, group: str) -> list[NameEntry]:
        """The names in words of one medicine, each once."""
        ...

    def coded(self, code: str) -> list[NameEntry]:
        """The medicines that bear this code, in any punctuation and zero padding."""
        ...

    def codes(self, document: DocumentEntry) -> dict[str, tuple[str, ...]]:
        """The document's codes by scheme, as its source gives them."""
        ...

    def documents(self, group: str) -> list[DocumentEntry]:
        """The documents of a medicine, in the order of their keys."""
        ...

    def documents_named(self, name: str) -> set[int]:
        """`doc` of the documents that bear exactly this name, or this code as `coded` gives it."""
        ...

    def sections(self, document: DocumentEntry, kind: str) -> list[SectionEntry]:
        """The document's sections of that kind that hold text, outermost first, then as printed."""
        ...

    def all_sections(self, document: DocumentEntry) -> list[SectionEntry]:
        """Every section of the document that holds text, as printed."""
        ...

    def section(
        self, source: str, id: str, section_id: str, language: Language | None = None
    ) -> SectionEntry | None:
        """The section that a citation names; without a language that of the first there is."""
        ...

    def variants(self, group: str, kind: str, language: Language, limit: int = 8) -> list[Variant]:
        """The distinct texts of a kind over a medicine's documents, the most printed first."""
        ...

    def search(self, document: DocumentEntry, question: str, limit: int = 3) -> list[SectionEntry]:
        """The document's sections nearest to the question's content words, best first."""
        ...

    def sections_holding(self, word: str) -> int:
        """In how many distinct texts the word stands; a common word is not a misspelled name."""
        ...

    def statistics(self) -> dict[str, int]:
        """Counts of documents, groups, names, sections and distinct texts."""
        ...


def body_of(section: Section) -> str:
    """The section's text, in which sources leave the cells of its tables; else its tables' rows."""
    if section.text:
        return section.text
    lines: list[str] = []
    for table in section.tables:
        lines += [table.caption] if table.caption else []
        lines += [" | ".join(row) for row in table.rows]
    return "\n".join(lines)


def depth_of(section: Section, parents: dict[str, Section]) -> int:
    """How many sections hold this one."""
    depth = 0
    while section.parent is not None and depth < len(parents):
        section, depth = parents[section.parent], depth + 1
    return depth


def called(document: Document) -> dict[str, str]:
    """The names in words that a document's medicine goes by, each with its scheme.

    One substance of a combination is not a name of the combination.
    """
    names = document.names
    substances = names.substances if len(names.substances) == 1 else ()
    generics = dict.fromkeys((*substances, *names.generics), "generic")
    return dict.fromkeys(names.brands, "brand") | generics


class Printed(NamedTuple, Generic[Body]):
    """A body, how many documents print it, and the places of the newest few among their rows."""

    body: Body
    documents: int
    places: list[int]


def most_printed(holders: Sequence[tuple[Body, object]], limit: int) -> list[Printed[Body]]:
    """The `limit` bodies that most documents hold; rows of body and document come newest first.

    Of two that as many hold, the one of the newer document comes first.
    """
    places: dict[Body, list[int]] = {}
    for place, (body, _) in enumerate(holders):
        places.setdefault(body, []).append(place)
    printed = [
        Printed(body, len({holders[place][1] for place in own}), own[:MOST_HOLDERS_READ])
        for body, own in places.items()
    ]
    return sorted(printed, key=lambda found: -found.documents)[:limit]


def variant_of(sections: Sequence[SectionEntry], documents: int) -> Variant:
    """The variant that `documents` print; `sections` are those of the newest, newest first."""
    makers = dict.fromkeys(maker for section in sections for maker in section.document.makers)
    return Variant(sections[0], documents, tuple(makers)[:MOST_MAKERS_NAMED])
