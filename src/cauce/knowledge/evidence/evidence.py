"""Where in the record a question is answered: the section, and the part of it that is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from cauce.knowledge.evidence.conditions import Condition, conditions_of
from cauce.knowledge.evidence.fallbacks import FALLBACKS, SUBJECTS
from cauce.knowledge.evidence.passages import (
    Place,
    Wanted,
    best_place,
    flat,
    passage,
    passage_at,
    wanted_stems,
)
from cauce.knowledge.sections.store import DocumentEntry, SectionEntry
from cauce.knowledge.sentences import lead
from cauce.knowledge.words import fold, stems, words
from cauce.records import Citation

SHORTEST_SECTION_CHARS = 40
"""A section shorter than this only points elsewhere; a longer one of the same kind is preferred."""
CONDITION_WEIGHT = 4
"""A sentence that speaks of the patient's condition outweighs this many other words of it."""


class Sections(Protocol):
    """What of a store the evidence is sought in."""

    def sections(self, document: DocumentEntry, kind: str) -> list[SectionEntry]:
        """The document's sections of that kind that hold text."""
        ...


class Evidence(NamedTuple):
    """A section and the quote, letter for letter, that an answer may rest on."""

    section: SectionEntry
    quote: str
    missing: tuple[Condition, ...] = ()
    """Conditions that were asked about and that none of the sections looked into speaks of."""

    @property
    def title(self) -> str:
        """The medicine and the section's subject, as a reader sees them."""
        return self.citation.title

    @property
    def citation(self) -> Citation:
        """The citation of the quote."""
        return self.section.cite(self.quote)

    def shortened(self, limit_chars: int) -> Evidence:
        """The same evidence with no more than the first `limit_chars` of its quote."""
        return self._replace(quote=passage(self.quote, limit_chars))


class _Found(NamedTuple):
    """A section and which of the conditions it speaks of."""

    section: SectionEntry
    told: frozenset[str]


class _Sought(NamedTuple):
    """What a question looks for in a document."""

    kind: str
    conditions: tuple[Condition, ...]
    stems: frozenset[str]


def find_evidence(
    index: Sections,
    document: DocumentEntry,
    kind: str,
    *,
    limit_chars: int,
    question: str = "",
    known: str = "",
) -> Evidence | None:
    """The section that answers and a passage of it; None when the document has none.

    Words of `question` that are not in `known` (the medicine's names, the usual wordings for the
    section) choose between sections of one kind, and the sentence at which the passage starts. A
    condition that the question names (`conditions_of`) does so first, and is sought in the other
    kinds that may speak of it when the sections of this kind do not; so is the kind's own subject
    when the document has no section of this kind. Without a question the kind is all that counts.
    """
    sections = index.sections(document, kind)
    if not question:
        return _opening(sections, limit_chars)
    conditions = tuple(found for found in conditions_of(question) if kind in found.kinds)
    expected = stems(f"{known} {document.title}")
    sought = _Sought(kind, conditions, frozenset(stems(question) - expected))
    found = _found(index, document, sought, sections)
    if not found:
        return None
    section, place = _best(found, sought)
    told = frozenset[str]().union(*(one.told for one in found))
    missing = tuple(condition for condition in conditions if condition.key not in told)
    return Evidence(section, passage_at(section.body, place, limit_chars), missing)


def _opening(sections: Sequence[SectionEntry], limit_chars: int) -> Evidence | None:
    if not sections:
        return None
    section = max(sections, key=lambda section: len(section.body) >= SHORTEST_SECTION_CHARS)
    return Evidence(section, passage(section.body, limit_chars))


def _found(
    index: Sections, document: DocumentEntry, sought: _Sought, own: Sequence[SectionEntry]
) -> list[_Found]:
    """The document's own sections of the kind, and those of others where these do not suffice."""
    found = [_Found(section, _told(section, sought.conditions)) for section in own]
    told = frozenset[str]().union(*(one.told for one in found))
    if found and len(told) == len(sought.conditions):
        return found
    others = _others(index, document, sought)
    elsewhere = [_Found(section, _told(section, sought.conditions)) for section in others]
    return found + [one for one in elsewhere if one.told or not (found or sought.conditions)]


def _others(index: Sections, document: DocumentEntry, sought: _Sought) -> Iterator[SectionEntry]:
    """Sections of other kinds that may speak of the conditions, or else of the kind's subject."""
    telling = {kind for condition in sought.conditions for kind in condition.kinds}
    for kind in FALLBACKS.get(sought.kind, ()):
        if sought.conditions and kind not in telling:
            continue
        for section in index.sections(document, kind):
            if sought.conditions or SUBJECTS[sought.kind].search(flat(section.body)):
                yield section


def _told(section: SectionEntry, conditions: Sequence[Condition]) -> frozenset[str]:
    """Keys of the conditions that the section is about or speaks of."""
    if not conditions:
        return frozenset()
    text = flat(f"{section.id.replace('_', ' ')} {section.title}\n{section.body}")
    return frozenset(
        condition.key
        for condition in conditions
        if condition.key == section.kind or condition.told.search(text)
    )


def _best(found: Sequence[_Found], sought: _Sought) -> tuple[SectionEntry, Place]:
    """The section that speaks of most conditions, of the likeliest kind, with most that is sought.

    A section that only points elsewhere comes after those that say something.
    """
    ranks = (sought.kind, *FALLBACKS.get(sought.kind, ()))

    def first(one: _Found) -> tuple[int, int, bool]:
        says_something = len(one.section.body) >= SHORTEST_SECTION_CHARS
        return len(one.told), -ranks.index(one.section.kind), says_something

    top = max(map(first, found))
    places = [(one.section, _place(one.section, sought)) for one in found if first(one) == top]
    return max(places, key=lambda pair: pair[1].score)


def _place(section: SectionEntry, sought: _Sought) -> Place:
    """The sentence from which on the section answers."""
    wanted = [Wanted(condition.told, CONDITION_WEIGHT) for condition in sought.conditions]
    if sought.kind in SUBJECTS and (sought.conditions or section.kind != sought.kind):
        wanted.append(Wanted(SUBJECTS[sought.kind]))
    return best_place(section.body, [*wanted, *wanted_stems(sought.stems - stems(section.title))])


def short_answer(document_title: str, quote: str, limit_chars: int) -> str:
    """The first sentences of the quote that fit, opened by the medicine's name where they lack it.

    Empty when the first sentence is longer than `limit_chars`: it is never cut.
    """
    text = lead(quote, limit_chars)
    name = subject_name(document_title)
    if not text or not name or names_subject(text, document_title):
        return text
    return f"{name}: {text}"


def subject_name(document_title: str) -> str:
    """The medicine's name in a title, without strengths: no number that the section may lack.

    >>> subject_name("Humira 80 mg solución inyectable"), subject_name("Dilantin-125")
    ('Humira', 'Dilantin')
    """
    found = re.match(r"[^\d(]*", document_title)
    return found.group().strip(" -/·,") if found else ""


def names_subject(text: str, document_title: str) -> bool:
    """True when the first word of the title's name stands in the text."""
    name = words(document_title)
    return bool(name) and name[0] in fold(text)
