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
    is_heading,
    passage,
    passage_at,
    wanted_stems,
)
from cauce.knowledge.evidence.telling import (
    CONDITION_WEIGHT,
    DIRECT,
    DIRECT_WEIGHT,
    INSTRUCTION,
    INSTRUCTION_WEIGHT,
    STATE_WEIGHT,
    WORD_WEIGHT,
    measures,
    specific_stems,
    telling,
)
from cauce.knowledge.sections.store import DocumentEntry, SectionEntry
from cauce.knowledge.sentences import lead
from cauce.knowledge.words import fold, stems, words
from cauce.records import Citation

SHORTEST_SECTION_CHARS = 40
"""A section shorter than this only points elsewhere; a longer one of the same kind is preferred."""
_HANDLING_LOSS = 6
"""What the section that shows a patient each movement loses to those that tell the use."""
_AROUND_CHARS = (100, 220)
"""How far before and after the name of a condition an instruction is about it."""


LONGEST_OPENING_CHARS = 400
"""A short section is quoted from its start when what was sought stands before this."""


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


_ONLY_IN_HEADINGS = frozenset(("alcohol", "food"))
"""Conditions that headings name whatever their section says: "Other medicines, food, alcohol"."""


class _Found(NamedTuple):
    """A section and which of the conditions it speaks of."""

    section: SectionEntry
    told: frozenset[str]
    instructed: frozenset[str]
    """Those of which it says what to do."""


class _Sought(NamedTuple):
    """What a question looks for in a document."""

    kind: str
    conditions: tuple[Condition, ...]
    stems: frozenset[str]
    telling: tuple[Wanted, ...]
    """What a sentence of the kind says when it answers."""
    measures: tuple[Wanted, ...] = ()


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
    if not question:
        return _opening(index.sections(document, kind), limit_chars)
    conditions = tuple(found for found in conditions_of(question) if kind in found.kinds)
    kind = _narrowed(index, document, kind, conditions)
    sections = index.sections(document, kind)
    expected = stems(f"{known} {document.title}")
    words_sought = frozenset(specific_stems(question) - expected)
    sought = _Sought(
        kind, conditions, words_sought, tuple(telling(kind, question)), tuple(measures(question))
    )
    found = _found(index, document, sought, sections)
    if not found:
        return None
    section, place = _best(found, sought)
    told = frozenset[str]().union(*(one.told for one in found))
    missing = tuple(condition for condition in conditions if condition.key not in told)
    if len(section.body) <= limit_chars and _opens_with_answer(section, place, conditions):
        return Evidence(section, passage(section.body, limit_chars), missing)
    return Evidence(section, passage_at(section.body, place, limit_chars), missing)


def _opens_with_answer(
    section: SectionEntry, place: Place, conditions: Sequence[Condition]
) -> bool:
    """True when what was sought stands near the start, and is what the section is about.

    Then nothing that stands before it is left out.
    """
    is_about = all(condition.key == section.kind for condition in conditions)
    return is_about and place.hit < LONGEST_OPENING_CHARS


def _narrowed(
    index: Sections, document: DocumentEntry, kind: str, conditions: Sequence[Condition]
) -> str:
    """Of a warning about one group of patients, the kind of the section that is theirs alone."""
    own = [one.key for one in conditions if kind == "warnings" and one.key in FALLBACKS]
    return own[0] if len(own) == 1 and index.sections(document, own[0]) else kind


def _opening(sections: Sequence[SectionEntry], limit_chars: int) -> Evidence | None:
    if not sections:
        return None
    section = max(sections, key=lambda section: len(section.body) >= SHORTEST_SECTION_CHARS)
    return Evidence(section, passage(section.body, limit_chars))


def _found(
    index: Sections, document: DocumentEntry, sought: _Sought, own: Sequence[SectionEntry]
) -> list[_Found]:
    """The document's own sections of the kind, and those of others where these do not suffice."""
    found = [_of(section, sought.conditions) for section in own]
    told = frozenset[str]().union(*(one.instructed for one in found))
    if found and len(told) == len(sought.conditions):
        return found
    elsewhere = [_of(section, sought.conditions) for section in _others(index, document, sought)]
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


def _of(section: SectionEntry, conditions: Sequence[Condition]) -> _Found:
    """The conditions that the section is about or speaks of, and those it says what to do of."""
    if not conditions:
        return _Found(section, frozenset(), frozenset())
    heading = flat(f"{section.id.replace('_', ' ')} {section.title}\n")
    body = flat(section.body)
    told, instructed = set(), set()
    for condition in conditions:
        text = body if condition.key in _ONLY_IN_HEADINGS else heading + body
        if condition.key != section.kind and not condition.told.search(text):
            continue
        told.add(condition.key)
        states = (match.span() for match in condition.state.finditer(text))
        is_about = condition.key == section.kind or not condition.calls_for_action
        if is_about or any(_instructs(text, place) for place in states):
            instructed.add(condition.key)
    return _Found(section, frozenset(told), frozenset(instructed))


def _instructs(text: str, place: tuple[int, int]) -> bool:
    before, after = _AROUND_CHARS
    return bool(INSTRUCTION.search(text, max(0, place[0] - before), place[1] + after))


def _best(found: Sequence[_Found], sought: _Sought) -> tuple[SectionEntry, Place]:
    """The section that speaks of most conditions, of the likeliest kind, with most that is sought.

    A section that only points elsewhere comes after those that say something.
    """
    ranks = (sought.kind, *FALLBACKS.get(sought.kind, ()))

    def first(one: _Found) -> tuple[int, int, int, bool]:
        says_something = len(one.section.body) >= SHORTEST_SECTION_CHARS
        rank = -ranks.index(one.section.kind)
        return len(one.instructed), len(one.told), rank, says_something

    top = max(map(first, found))
    places = [(one.section, _place(one.section, sought)) for one in found if first(one) == top]
    return max(places, key=lambda pair: pair[1].score - _HANDLING_LOSS * _is_handling(pair[0]))


def _is_handling(section: SectionEntry) -> bool:
    return section.id.startswith("instructions_for_use")


def _place(section: SectionEntry, sought: _Sought) -> Place:
    """The sentence from which on the section answers."""
    wanted = [Wanted(condition.told, CONDITION_WEIGHT) for condition in sought.conditions]
    if wanted and sought.conditions[0].calls_for_action:
        wanted.append(Wanted(INSTRUCTION, INSTRUCTION_WEIGHT, is_bonus=True))
        wanted.append(Wanted(DIRECT, DIRECT_WEIGHT, is_bonus=True))
        wanted += [Wanted(condition.state, STATE_WEIGHT) for condition in sought.conditions]
    if sought.kind in SUBJECTS and (sought.conditions or section.kind != sought.kind):
        wanted.append(Wanted(SUBJECTS[sought.kind], WORD_WEIGHT))
    if not sought.conditions or sought.kind == "pregnancy":
        wanted += sought.telling
    wanted += sought.measures
    words_sought = sought.stems - stems(section.title)
    return best_place(section.body, [*wanted, *wanted_stems(words_sought, WORD_WEIGHT)])


def short_answer(document_title: str, quote: str, limit_chars: int) -> str:
    """The first sentences of the quote that fit, opened by the medicine's name where they lack it.

    Empty when the first sentence is longer than `limit_chars`, for it is never cut, and when what
    fits is only a heading.
    """
    text = lead(quote, limit_chars)
    if is_heading(text):
        return ""
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
