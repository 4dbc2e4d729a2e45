"""From a question to the sections that answer it: which medicine, what about it, which text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cauce.assistant.answers import Plan, Question, Remark, abstain
from cauce.assistant.routing import cue_words, kinds_of
from cauce.assistant.settings import AssistantSettings
from cauce.assistant.wording import language_of, say
from cauce.knowledge.evidence import Evidence, find_evidence
from cauce.knowledge.index import DocumentEntry, Index
from cauce.knowledge.names import UNNAMED, Mention, NameResolver, Resolution
from cauce.knowledge.words import content_words, stem, stems
from cauce.records import Language, Message, Reply

MOST_MEDICINES = 4
"""A reply is about no more medicines than these; a question that names more is asked back."""
MOST_KINDS = 3
"""A reply answers no more kinds of section than these of each medicine."""
MOST_DOCUMENTS = 8
"""Labels of one substance that are looked into when the first lack the section."""


class Asked(NamedTuple):
    """The words of a question, with what it takes from the turns before it."""

    text: str
    language: Language
    kinds: tuple[str, ...]
    resolution: Resolution


class Understanding:
    """Plans replies over a store of sections and its names."""

    def __init__(self, store: Index, resolver: NameResolver, settings: AssistantSettings) -> None:
        self._store = store
        self._resolver = resolver
        self._settings = settings

    def plan(self, text: str, history: Sequence[Message]) -> Plan | Reply:
        """What to answer, or the reply that says why nothing can be."""
        asked = self._asked(text, history)
        resolution = asked.resolution
        if resolution.kind == "ask":
            return abstain(
                "ask", asked.language, names=resolution.choices, choices=resolution.choices
            )
        if resolution.kind in ("unknown", "unnamed"):
            return abstain(resolution.kind, asked.language, names=resolution.looked_for)
        names = _names(resolution)
        if len(names) > MOST_MEDICINES:
            return abstain("several", asked.language, names=names, choices=names)
        if len(names) > 1 and asked.kinds[:1] in ((), ("interactions",)):
            return self._together(asked)
        return _joined([self._about(asked, mention) for mention in resolution.mentions], asked)

    def _asked(self, text: str, history: Sequence[Message]) -> Asked:
        """The last turn; a medicine or subject that it leaves out is of a turn before."""
        turns = [text, *(turn.content for turn in reversed(history) if turn.role == "user")]
        asking = next((turn for turn in turns if kinds_of(turn)), text)
        asked = text if asking is text else f"{asking} {text}"
        resolutions = (self._resolver.resolve(turn) for turn in turns)
        resolution = next((found for found in resolutions if found.kind != "unnamed"), UNNAMED)
        return Asked(asked, language_of(asked), tuple(kinds_of(asking)), resolution)

    def _about(self, asked: Asked, subject: Mention) -> Plan | Reply:
        """What is asked of one medicine."""
        kinds = asked.kinds or self._nearest_kind(asked, subject)
        if not kinds:
            return abstain("no_kind", asked.language, names=[subject.name], group=subject.group)
        return _joined([self._of_kind(asked, subject, kind) for kind in kinds[:MOST_KINDS]], asked)

    def _of_kind(self, asked: Asked, subject: Mention, kind: str) -> Plan | Reply:
        for document in self._documents(subject, asked.language)[:MOST_DOCUMENTS]:
            evidence = self._evidence(document, kind, asked, subject)
            if evidence:
                question = Question(asked.text, asked.language, subject.group, kind, evidence)
                return Plan((question,))
        return abstain(
            "no_section", asked.language, names=[subject.name], group=subject.group, kind=kind
        )

    def _together(self, asked: Asked) -> Plan | Reply:
        """Passages on interactions that name another of the medicines, or that there are none."""
        resolution = asked.resolution
        groups = {mention.group for mention in resolution.mentions}
        groups |= {f"?{name}" for name in resolution.looked_for}
        for subject in resolution.mentions:
            for document in self._documents(subject, asked.language)[:MOST_DOCUMENTS]:
                evidence = self._evidence(document, "interactions", asked, subject)
                named = self._resolver.medicines_of(evidence.quote) if evidence else set()
                if evidence and named & (groups - {subject.group}):
                    question = Question(
                        asked.text, asked.language, subject.group, "interactions", evidence
                    )
                    return Plan((question,))
        return abstain(
            "not_named_together", asked.language, names=_names(resolution), kind="interactions"
        )

    def _evidence(
        self, document: DocumentEntry, kind: str, asked: Asked, subject: Mention
    ) -> Evidence | None:
        return find_evidence(
            self._store,
            document,
            kind,
            limit_chars=self._settings.passage_chars,
            question=asked.text,
            known=f"{subject.name} {subject.said} {cue_words(asked.text)}",
        )

    def _documents(self, subject: Mention, language: Language) -> list[DocumentEntry]:
        """The subject's documents: those in the language first, and of them those named so."""
        bearing = self._store.documents_named(subject.name)
        return sorted(
            self._store.documents(subject.group),
            key=lambda document: (document.language != language, document.doc not in bearing),
        )

    def _nearest_kind(self, asked: Asked, subject: Mention) -> tuple[str, ...]:
        for document in self._documents(subject, asked.language)[:MOST_DOCUMENTS]:
            # The medicine's name stands in every section and tells none of them.
            name = stems(f"{subject.name} {subject.said} {document.title}")
            words = " ".join(word for word in content_words(asked.text) if stem(word) not in name)
            kinds = (section.kind for section in self._store.search(document, words))
            for kind in kinds:
                if kind != "other":
                    return (kind,)
        return ()


def _joined(parts: Sequence[Plan | Reply], asked: Asked) -> Plan | Reply:
    """One plan; where some parts have no answer their reasons become remarks, where all, the reply.

    A medicine that was named beside and that the store lacks is told of too.
    """
    plans = [part for part in parts if isinstance(part, Plan)]
    if not plans:
        return next(part for part in parts if isinstance(part, Reply))
    remarks = [Remark(part.text) for part in parts if isinstance(part, Reply)]
    if asked.resolution.looked_for:
        names = asked.resolution.looked_for
        remarks.append(Remark(say("unknown", asked.language, names=names)))
    return Plan(
        tuple(question for plan in plans for question in plan.questions),
        tuple(dict.fromkeys((*_remarks(plans), *remarks))),
    )


def _remarks(plans: Sequence[Plan]) -> Iterator[Remark]:
    for plan in plans:
        yield from plan.remarks


def _names(resolution: Resolution) -> tuple[str, ...]:
    return (*(mention.name for mention in resolution.mentions), *resolution.looked_for)
