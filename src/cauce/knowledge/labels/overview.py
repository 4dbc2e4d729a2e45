"""What a store holds of one medicine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cauce.knowledge.sections.store import DocumentEntry, SectionEntry, SectionStore
from cauce.knowledge.sentences import lead
from cauce.knowledge.words import fold
from cauce.records import Citation, Language, Record

KEY_KINDS = (
    "use",
    "dose",
    "contraindications",
    "interactions",
    "pregnancy",
    "driving",
    "side_effects",
    "overdose",
)
"""The kinds whose first sentences open an overview."""
URGENT_SECTIONS = ("boxed_warning", "34066-1", "psum", "notas")
"""Sections shown before those: boxed warnings, supply problems and safety notes, by their id."""
MOST_DOCUMENTS = 20
"""Documents that are listed, the ones that bear the name and the newest first."""
MOST_CODED = 50
"""Documents whose codes are gathered."""
LEAD_CHARS = 320


class SectionLine(Record):
    """One section of a document and how long it is."""

    id: str
    kind: str
    title: str
    chars: int


class DocumentLine(Record):
    """One document of the medicine."""

    source: str
    id: str
    version: str
    effective: str = ""
    language: Language
    title: str
    makers: tuple[str, ...] = ()
    url: str = ""
    sections: tuple[SectionLine, ...]


class KeyPassage(Record):
    """The first sentences of a section, and where they stand."""

    kind: str
    title: str
    text: str
    citation: Citation


class Overview(Record):
    """Names, codes, makers, documents and key passages of one medicine."""

    group: str
    title: str
    language: Language
    generics: tuple[str, ...]
    brands: tuple[str, ...]
    makers: tuple[str, ...]
    codes: dict[str, tuple[str, ...]]
    documents_in_all: int
    documents: tuple[DocumentLine, ...]
    key_passages: tuple[KeyPassage, ...]


def ranked_documents(
    store: SectionStore, group: str, name: str, language: Language | None = None
) -> list[DocumentEntry]:
    """The group's documents: in the language, titled or called by that name, then the newest."""
    bearing = store.documents_named(name)
    newest = sorted(store.documents(group), key=lambda document: document.effective, reverse=True)
    return sorted(
        newest,
        key=lambda document: (
            language is not None and document.language != language,
            fold(name) not in fold(document.title),
            document.doc not in bearing,
        ),
    )


def overview(store: SectionStore, documents: Sequence[DocumentEntry]) -> Overview:
    """What the store holds of the medicine of these documents, the first of them foremost."""
    first = documents[0]
    names = store.names_of(first.group)
    return Overview(
        group=first.group,
        title=first.title,
        language=first.language,
        generics=tuple(entry.name for entry in names if entry.scheme != "brand"),
        brands=tuple(entry.name for entry in names if entry.scheme == "brand"),
        makers=_once(maker for document in documents for maker in document.makers),
        codes=_codes(store, documents[:MOST_CODED]),
        documents_in_all=len(documents),
        documents=tuple(_line(store, document) for document in documents[:MOST_DOCUMENTS]),
        key_passages=tuple(key_passages(store.all_sections(first))),
    )


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _codes(store: SectionStore, documents: Sequence[DocumentEntry]) -> dict[str, tuple[str, ...]]:
    codes: dict[str, tuple[str, ...]] = {}
    for document in documents:
        for scheme, values in store.codes(document).items():
            codes[scheme] = _once((*codes.get(scheme, ()), *values))
    return dict(sorted(codes.items()))


def _line(store: SectionStore, document: DocumentEntry) -> DocumentLine:
    return DocumentLine(
        source=document.source,
        id=document.id,
        version=document.version,
        effective=document.effective,
        language=document.language,
        title=document.title,
        makers=document.makers,
        url=document.url,
        sections=tuple(
            SectionLine(id=part.id, kind=part.kind, title=part.title, chars=len(part.body))
            for part in store.all_sections(document)
        ),
    )


def key_passages(sections: Sequence[SectionEntry]) -> Iterator[KeyPassage]:
    """What the urgent sections and the first of each key kind open with."""
    urgent = [section for section in sections if section.id in URGENT_SECTIONS]
    for section in urgent:
        yield _key_passage(section)
    for kind in KEY_KINDS:
        told = [section for section in sections if section.kind == kind and section not in urgent]
        if told:
            yield _key_passage(told[0])


def _key_passage(section: SectionEntry) -> KeyPassage:
    text = lead(section.body, LEAD_CHARS) or _cut(section.body)
    return KeyPassage(
        kind=section.kind, title=section.title, text=text, citation=section.cite(text)
    )


def _cut(body: str) -> str:
    """The first words of a text whose first sentence is long."""
    return body if len(body) <= LEAD_CHARS else body[: body.rfind(" ", 1, LEAD_CHARS)]
