"""`PersonalAssistant.reply`: the label's answer, and what the label says of what the record holds.

It quotes both and judges neither. A question that tells of its person what the record tells
otherwise is asked about first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cauce.assistant.assistant import Assistant
from cauce.assistant.conversation import asked_in
from cauce.assistant.personal.contradictions import (
    asked_about,
    contradictions_of,
    is_for_the_person,
)
from cauce.assistant.personal.finding import Finding
from cauce.assistant.personal.kidneys import kidney_findings
from cauce.assistant.personal.medicines import Medicines
from cauce.assistant.personal.people import (
    age_findings,
    condition_findings,
    level_findings,
    pregnancy_findings,
)
from cauce.assistant.personal.telling import (
    RECORD,
    record_citation,
    record_section,
    with_findings,
)
from cauce.knowledge.labels.overview import ranked_documents
from cauce.knowledge.names.resolver import Mention, NameResolver
from cauce.knowledge.names.said import shortened
from cauce.knowledge.sections.store import DocumentEntry, SectionEntry
from cauce.models.loading import LoadedModel
from cauce.records import Language, Message, Reply, Spoken
from cauce.safety.language import spoken_language
from cauce.twin.series_of import measurements_of
from cauce.twin.summary.recorded import Summary
from cauce.twin.summary.summary import summary_of
from cauce.twin.timeline import Timeline

NOT_OF_A_PERSON = ("storage", "overdose", "mechanism")
"""Kinds of section that say the same of everybody."""
QUOTED_CHARS = 400
"""Longest passage on two medicines together, in characters."""
LANGUAGES: tuple[Spoken, ...] = ("es", "en", "ca")
RECORD_SHARE = 0.25
"""Of what the model reads, the share that the record may take."""


class PersonalAssistant:
    """An assistant of labels that has the record of one person at hand."""

    def __init__(
        self, inner: Assistant, timeline: Timeline, *, when: datetime | None = None
    ) -> None:
        """`when` is the moment as of which ages and pregnancies are told; now where not given."""
        moment = when or datetime.now(UTC)
        self._timeline = timeline
        self._summaries = {
            language: summary_of(timeline, language, moment) for language in LANGUAGES
        }
        series = measurements_of(timeline)
        self.inner = inner.with_record(self._summaries, series, RECORD_SHARE)
        self._medicines = Medicines(inner.store, inner.resolver)

    @property
    def model(self) -> LoadedModel | None:
        """The model that writes; None where sections are quoted."""
        return self.inner.model

    @property
    def resolver(self) -> NameResolver:
        """The names of medicines that it knows."""
        return self.inner.resolver

    def summary(self, language: Spoken) -> Summary:
        """What the record says of its person, in that language."""
        return self._summaries[language]

    def reply(
        self, question: str, history: Sequence[Message] = (), *, plain: bool = False
    ) -> Reply:
        """The label's answer with what it says of what the record holds, or who is meant.

        The answer to "is it for the person of this record?" takes up the question before it.
        """
        chosen = is_for_the_person(question)
        before = [place for place, turn in enumerate(history) if turn.role == "user"]
        if chosen is not None and before:
            first = before[-1]
            question, history = history[first].content, history[:first]
        elif first_asked := self._asked_first(question):
            return first_asked
        reply = self.inner.reply(question, history, plain=plain)
        return reply if chosen is False else self._personal(question, history, reply)

    def replies(self, questions: Sequence[str]) -> list[Reply]:
        """What `reply` gives for each question, generated in batches."""
        asked = [self._asked_first(question) for question in questions]
        open_questions = [one for one, it in zip(questions, asked, strict=True) if it is None]
        answers = iter(self.inner.replies(open_questions))
        return [
            self._personal(question, (), next(answers)) if reply is None else reply
            for question, reply in zip(questions, asked, strict=True)
        ]

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """The section that a citation names, or the statement of the record; None without one."""
        if source != RECORD:
            return self.inner.section(source, document_id, section_id, language)
        spoken: tuple[Spoken, ...] = ("en",) if language == "en" else ("es", "ca")
        found = [
            (recorded, one)
            for one in spoken
            for recorded in self._summaries[one].statements
            if (citation := record_citation(recorded, one)).id == document_id
            and citation.section == section_id
        ]
        body = "\n".join(recorded.text for recorded, _ in found)
        return record_section(*found[0], body) if found else None

    def findings(self, asked: Mention, reply: Reply, language: Spoken) -> tuple[Finding, ...]:
        """What the label that the reply cites says of what the record holds."""
        summary = self._summaries[language]
        written: Language = "en" if language == "en" else "es"
        document = self._document(asked, reply, written)
        sections = self.inner.store.all_sections(document) if document else []
        person = next(iter(summary.of("person")), None)
        pregnancy = next(iter(summary.of("pregnancy")), None)
        medicines, timeline = self._medicines, self._timeline
        return (
            *medicines.allergy_findings(asked, sections, summary, timeline),
            *kidney_findings(sections, summary.reading("egfr")),
            *pregnancy_findings(sections, pregnancy),
            *medicines.current_findings(asked, summary, written, QUOTED_CHARS),
            *condition_findings(sections, summary, timeline),
            *level_findings(sections, summary),
            *age_findings(sections, person),
        )

    def _asked_first(self, question: str) -> Reply | None:
        """The reply that asks about what the question and the record tell otherwise."""
        language = spoken_language(question)
        summary = self._summaries[language]
        found = contradictions_of(question, summary, self._timeline, self._medicines)
        return asked_about(question, found, language) if found else None

    def _personal(self, question: str, history: Sequence[Message], reply: Reply) -> Reply:
        """The reply and its findings; that alone where it is about no medicine, or about all."""
        if reply.kind in NOT_OF_A_PERSON:
            return reply
        resolution = asked_in(shortened(question), history, self.inner.resolver).resolution
        if resolution.kind != "found":
            return reply
        language = spoken_language(question)
        findings = [
            finding
            for mention in resolution.mentions
            for finding in self.findings(mention, reply, language)
        ]
        return with_findings(reply, findings, language).model_copy(update={"language": language})

    def _document(self, asked: Mention, reply: Reply, language: Language) -> DocumentEntry | None:
        """The label that the reply cites, else the likeliest of the medicine."""
        documents = ranked_documents(self.inner.store, asked.group, asked.name, language)
        cited = {(one.source, one.id, one.language) for one in reply.citations}
        for document in documents:
            if (document.source, document.id, document.language) in cited:
                return document
        return next(iter(documents), None)
