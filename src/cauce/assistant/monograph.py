"""A whole medicine out of its record: each kind of section written, checked and cited.

The originals asked a model's weights for it and got another medicine. Here each passage goes the
way of an answer: the evidence is found first, the model writes from it, and the record's own words
stand where a check fails.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cauce.assistant.answers import Question
from cauce.assistant.assistant import Assistant
from cauce.assistant.monograph_page import Monograph, Part
from cauce.corpus.questions import description_wording
from cauce.knowledge.evidence.evidence import SHORTEST_SECTION_CHARS, Evidence
from cauce.knowledge.evidence.passages import passage
from cauce.knowledge.labels.overview import ranked_documents
from cauce.knowledge.names.resolver import Mention
from cauce.knowledge.sections.store import DocumentEntry, SectionEntry, SectionStore
from cauce.knowledge.words import fold
from cauce.records import Language, Reply

ORDER = (
    "use",
    "dose",
    "contraindications",
    "warnings",
    "interactions",
    "pregnancy",
    "driving",
    "side_effects",
    "overdose",
    "storage",
    "composition",
)
"""The kinds of section that a monograph has, as it prints them."""

BOXED = ("boxed_warning", "34066-1")
"""Ids of the warning that a label prints in a box, which is never left for later."""

MOST_DOCUMENTS = 8
"""Labels of one substance that are looked into when the first lack a section."""


class _Draft(NamedTuple):
    """The sections of one kind, and what is asked of their passages."""

    kind: str
    sections: Sequence[SectionEntry]
    questions: Sequence[Question]


def monograph(
    assistant: Assistant,
    subject: Mention,
    language: Language,
    *,
    passage_chars: int = 400,
    passages: int = 3,
) -> Monograph:
    """The monograph of a medicine of the store.

    Of each kind at most `passages` passages are read, the first of each section before any second,
    each of `passage_chars` at most; all of them are written together. What is left is named.
    """
    documents = ranked_documents(assistant.store, subject.group, subject.name, language)
    drafts = [
        _draft(kind, sections, subject, language, passage_chars, passages)
        for kind in ORDER
        if (sections := _sections(assistant.store, documents, kind))
    ]
    replies = iter(assistant.answer([asked for draft in drafts for asked in draft.questions]))
    parts = tuple(
        _part(draft, list(itertools.islice(replies, len(draft.questions)))) for draft in drafts
    )
    first = documents[0]
    return Monograph(
        title=first.title,
        group=first.group,
        language=language,
        names=_unique(entry.name for entry in assistant.store.names_of(first.group)),
        makers=_unique(maker for document in documents for maker in document.makers),
        source=first.source,
        id=first.id,
        version=first.version,
        effective=first.effective,
        documents=len(documents),
        parts=parts,
        missing=tuple(kind for kind in ORDER if kind not in {part.kind for part in parts}),
    )


def _sections(
    store: SectionStore, documents: Sequence[DocumentEntry], kind: str
) -> list[SectionEntry]:
    """The sections of that kind of the first document that has one, a boxed warning before all.

    Those that are hardly more than a heading are left out.
    """
    for document in documents[:MOST_DOCUMENTS]:
        sections = store.sections(document, kind)
        if sections:
            telling = [item for item in sections if len(item.body) >= SHORTEST_SECTION_CHARS]
            return sorted(telling or sections, key=lambda item: item.id not in BOXED)
    return []


def _draft(
    kind: str,
    sections: Sequence[SectionEntry],
    subject: Mention,
    language: Language,
    passage_chars: int,
    passages: int,
) -> _Draft:
    """The passages are asked about in the language in which they are written."""
    text = description_wording(kind, sections[0].document.language).format(name=subject.name)
    return _Draft(
        kind,
        sections,
        [
            Question(text, language, subject.group, kind, evidence)
            for evidence in _evidence(sections, passage_chars, passages)
        ],
    )


def _evidence(
    sections: Sequence[SectionEntry], passage_chars: int, passages: int
) -> list[Evidence]:
    """At most `passages` passages, as printed: the first of each section before any second."""
    by_section = [enumerate(_passages(section, passage_chars)) for section in sections]
    in_turn = (
        (place, number, evidence)
        for turn in itertools.zip_longest(*by_section)
        for place, found in enumerate(turn)
        if found is not None
        for number, evidence in [found]
    )
    chosen = sorted(itertools.islice(in_turn, passages), key=lambda item: item[:2])
    return [evidence for _, _, evidence in chosen]


def _passages(section: SectionEntry, passage_chars: int) -> Iterator[Evidence]:
    """The section from its start to its end, a passage at a time."""
    start = 0
    while quote := passage(section.body[start:], passage_chars):
        yield Evidence(section, quote)
        start = section.body.index(quote, start) + len(quote)


def _part(draft: _Draft, replies: Sequence[Reply]) -> Part:
    told = dict.fromkeys((section.id for section in draft.sections), 0)
    for asked, reply in zip(draft.questions, replies, strict=True):
        told[asked.evidence.section.id] += _told_letters(reply)
    whole = {section.id: len(_letters(section.body)) for section in draft.sections}
    return Part(
        kind=draft.kind,
        replies=tuple(replies),
        told_letters=sum(told.values()),
        whole_letters=sum(whole.values()),
        untold=_unique(
            section.title for section in draft.sections if told[section.id] < whole[section.id]
        ),
    )


def _told_letters(reply: Reply) -> int:
    """Letters of the quote that the reply tells: all of it only where it stands there whole."""
    quote = "".join(_letters(citation.quote) for citation in reply.citations)
    shown = _letters(reply.text)
    return len(quote) if quote in shown else min(len(shown), len(quote) - 1)


def _letters(text: str) -> str:
    return "".join(text.split())


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, as it is first written, however it is capitalised later."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(fold(name), name)
    return tuple(first.values())
