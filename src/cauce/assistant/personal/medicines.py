"""What labels say of the medicines that a person takes, and of what the person is allergic to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cauce.assistant.personal.finding import Finding, Note
from cauce.assistant.personal.passages import Passage, passages_of
from cauce.assistant.personal.terms import Term, terms
from cauce.knowledge.labels.classes import MedicineClass, Phrase, folded, medicine_classes
from cauce.knowledge.labels.interactions import Naming, interactions
from cauce.knowledge.labels.namings import Subject, subject_of
from cauce.knowledge.names.resolver import Mention, NameResolver
from cauce.knowledge.sections.store import SectionEntry, SectionStore
from cauce.records import Language, Spoken
from cauce.twin.summary.recorded import Recorded, Summary, events_at
from cauce.twin.timeline import Timeline

_ALLERGIC = re.compile(
    r"\b(?:al·?l?erg\w*|allerg\w*|h[iy]persensi\w*|reacc\w+ al?erg\w*|anaph?[iy]la\w*)"
)
_REACTED = re.compile(r"\b(?:asthma|asma|hives|urticaria|swelling|hinchazon|react\w+|reacci\w+)")
_TOO_WIDE = frozenset(("antibiotics", "antihypertensives", "diuretics", "antidiabetics"))
"""Classes by their English names whose members share a use and not a structure."""


class Medicines:
    """The medicines that texts of a record name, as a store and its resolver know them."""

    def __init__(self, store: SectionStore, resolver: NameResolver) -> None:
        self._store, self._resolver = store, resolver

    def named_in(self, text: str) -> tuple[Mention, ...]:
        """The medicines that the words of a record name; those that the store lacks too."""
        return tuple(
            Mention(group, group.removeprefix("?"), 0, group.removeprefix("?"))
            for group in sorted(self._resolver.medicines_of(text))
        )

    def current_findings(
        self, asked: Mention, summary: Summary, language: Language, limit_chars: int
    ) -> Iterator[Finding]:
        """What its label says of each medicine taken, else what that one's says of it.

        Of a medicine that is taken already, that it is.
        """
        for recorded in summary.of("medicine"):
            for taken in self.named_in(recorded.term):
                if taken.group == asked.group:
                    yield Finding(recorded, None, ("taken",))
                    continue
                pairs = interactions(
                    self._store, self._resolver, [asked, taken], language, limit_chars
                )
                telling = next((pair for pair in pairs if pair.namings), None)
                for naming in _one_of_each_kind(telling.namings if telling else ()):
                    passage = Passage(naming.section, folded(naming.quote), naming.quote)
                    notes: tuple[Note, ...] = ("class",) if naming.by == "class" else ()
                    yield Finding(recorded, passage, notes, named=naming.said)

    def allergy_findings(
        self,
        asked: Mention,
        sections: Sequence[SectionEntry],
        summary: Summary,
        timeline: Timeline,
    ) -> Iterator[Finding]:
        """That it is what the person is allergic to, or of its class; what the label says of it."""
        subject = subject_of(self._store, asked)
        for recorded in summary.of("allergy"):
            others = [subject_of(self._store, one) for one in self.named_in(recorded.term)]
            events = events_at(timeline, recorded.events)
            excipients, allergens = (
                tuple(term for term in terms(kind) if any(map(term.is_told_by, events)))
                for kind in ("excipients", "allergens")
            )
            held = _Allergy(recorded, tuple(others), excipients, allergens)
            yield from _of_allergy(held, subject, sections, summary.language)


class _Allergy(NamedTuple):
    """An allergy of the record, and the medicines and allergens that its words name."""

    recorded: Recorded
    others: tuple[Subject, ...]
    excipients: tuple[Term, ...]
    groups: tuple[Term, ...]

    @property
    def classes(self) -> list[MedicineClass]:
        """The classes that its words name, and those of its medicines; not those of a mere use."""
        text = folded(self.recorded.term)
        said = [found for found in medicine_classes() if _is_said(found.said, text)]
        of_medicines = [found for other in self.others for found in other.classes]
        return [found for found in (*said, *of_medicines) if found.names["en"] not in _TOO_WIDE]

    def is_named_in(self, text: str) -> bool:
        """True where a folded text names what it is of, or a class of that."""
        phrases = [needle.phrase for other in self.others for needle in other.needles]
        phrases += [words for found in self.classes for words in found.said]
        patterns = [term.said for term in self.excipients] + [term.also for term in self.groups]
        return _is_said(phrases, text) or any(pattern.search(text) for pattern in patterns)


def _of_allergy(
    allergy: _Allergy, asked: Subject, sections: Sequence[SectionEntry], language: Spoken
) -> Iterator[Finding]:
    """What is told of one allergy beside a medicine."""
    own = list(_on_allergies(sections))
    is_same = any(other.mention.group == asked.mention.group for other in allergy.others)
    shared = next((found for found in allergy.classes if found in asked.classes), None)
    if is_same:
        yield Finding(allergy.recorded, None, ("same",))
    elif shared:
        named = shared.names["en" if language == "en" else "es"]
        yield Finding(allergy.recorded, None, ("same_class",), named)
    for passage in own:
        if is_same or shared or allergy.is_named_in(passage.text):
            yield Finding(allergy.recorded, passage)
    for passage in passages_of(sections, ("composition", "warnings")):
        is_held = any(term.said.search(passage.text) for term in allergy.excipients)
        if is_held and passage not in own:
            yield Finding(allergy.recorded, passage)


def _on_allergies(sections: Sequence[SectionEntry]) -> Iterator[Passage]:
    """The sentences that speak of allergies to the medicine or to others like it."""
    for passage in passages_of(sections, ("contraindications", "warnings")):
        if _ALLERGIC.search(passage.text) or _REACTED.search(passage.text):
            yield passage


def _one_of_each_kind(namings: Sequence[Naming]) -> Iterator[Naming]:
    """The first of each kind of section: what forbids, and what warns."""
    kinds: set[str] = set()
    for naming in namings:
        if naming.section.kind not in kinds:
            kinds.add(naming.section.kind)
            yield naming


def _is_said(phrases: Iterable[Phrase], text: str) -> bool:
    return any(True for words in phrases for _ in words.found_in(text))
