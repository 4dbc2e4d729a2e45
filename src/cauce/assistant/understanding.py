"""From a question to the sections that answer it: which medicine, what about it, which text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from cauce.assistant.answers import Plan, Question, Remark, abstain, unresolved, without_answer
from cauce.assistant.conversation import Asked, asked_in
from cauce.assistant.routing import cue_words, probability_of
from cauce.assistant.settings import AssistantSettings
from cauce.assistant.wording import say
from cauce.corpus.examples import spoken
from cauce.knowledge.evidence.evidence import Evidence, find_evidence, subject_name
from cauce.knowledge.evidence.fallbacks import STAND_INS
from cauce.knowledge.labels.interactions import Interaction, interactions
from cauce.knowledge.labels.makers import maker_differences
from cauce.knowledge.labels.overview import ranked_documents
from cauce.knowledge.names.resolver import Mention, NameResolver, Resolution
from cauce.knowledge.names.said import shortened
from cauce.knowledge.sections.store import DocumentEntry, SectionStore
from cauce.knowledge.words import content_words, stem, stems
from cauce.records import Message, Reply

MOST_MEDICINES = 4
"""A reply is about no more medicines than these; a question that names more is asked back."""
MOST_KINDS = 3
"""A reply answers no more kinds of section than these of each medicine."""
MOST_LABELS = 6
"""Different texts of one substance that are compared, the most printed."""
MOST_DIFFERENCES = 3
"""Differences between makers that a reply names."""
MOST_DOCUMENTS = 8
"""Labels of one substance that are looked into when the first lack the section."""


class Understanding:
    """Plans replies over a store of sections and its names."""

    def __init__(
        self, store: SectionStore, resolver: NameResolver, settings: AssistantSettings
    ) -> None:
        self._store = store
        self._resolver = resolver
        self._settings = settings

    def plan(self, text: str, history: Sequence[Message]) -> Plan | Reply:
        """What to answer, or the reply that says why nothing can be."""
        asked = asked_in(shortened(text), history, self._resolver)
        found = self._planned(asked)
        if isinstance(found, Reply):
            return found
        said = [mention.said for mention in asked.resolution.mentions]
        kinds = [question.kind for question in found.questions]
        return found._replace(confidence=probability_of(kinds, asked.text, said))

    def _planned(self, asked: Asked) -> Plan | Reply:
        resolution = asked.resolution
        if resolution.kind != "found":
            return unresolved(resolution, asked.language)
        names = _names(resolution)
        if len(names) > MOST_MEDICINES:
            return abstain("several", asked.language, names=names, choices=names)
        if len(names) > 1 and asked.kinds[:1] in ((), ("interactions",)):
            return self._together(asked)
        found = _joined([self._about(asked, mention) for mention in resolution.mentions])
        if isinstance(found, Reply) or not resolution.looked_for:
            return found
        lacking = Remark(say("unknown", asked.language, names=resolution.looked_for))
        return found._replace(remarks=(*found.remarks, lacking))

    def _about(self, asked: Asked, subject: Mention) -> Plan | Reply:
        """What is asked of one medicine."""
        kinds = asked.kinds or self._nearest_kind(asked, subject)
        if not kinds:
            return abstain(
                "no_kind", asked.language, names=[spoken(subject.name)], group=subject.group
            )
        found = _joined([self._of_kind(asked, subject, kind) for kind in kinds[:MOST_KINDS]])
        if isinstance(found, Reply):
            return found
        return found._replace(remarks=(*found.remarks, *_not_mentioned(found, kinds, subject)))

    def _of_kind(self, asked: Asked, subject: Mention, kind: str) -> Plan | Reply:
        names = [spoken(subject.name)]
        evidence = self._best_evidence(asked, subject, kind)
        if evidence is None:
            return abstain(
                "no_section", asked.language, names=names, group=subject.group, kind=kind
            )
        question = Question(asked.text, asked.language, subject.group, kind, evidence)
        remarks = [*self._other_labels(asked, subject, question)]
        if evidence.section.document.language != asked.language:
            remarks.append(Remark(say("other_language", asked.language, names=names)))
        return Plan((question,), tuple(remarks))

    def _best_evidence(self, asked: Asked, subject: Mention, kind: str) -> Evidence | None:
        """That of the documents in the language of the question, else of the others.

        Who asks by a brand is answered from the labels that bear it, where these answer. Where
        there is nothing of the kind, the kinds that stand in for it answer.
        """
        is_substance = self._is_substance(subject)
        bearing = self._store.documents_named(subject.name)

        def side(document: DocumentEntry) -> tuple[bool, bool]:
            is_another = not is_substance and document.doc not in bearing
            return document.language != asked.language, is_another

        documents = sorted(self._documents(subject, asked), key=side)
        for _, equals in itertools.groupby(documents, key=side):
            nearest = list(itertools.islice(equals, MOST_DOCUMENTS))
            for tried in (kind, *STAND_INS.get(kind, ())):
                if found := self._fullest(nearest, tried, asked, subject):
                    return found
        return None

    def _fullest(
        self, documents: Sequence[DocumentEntry], kind: str, asked: Asked, subject: Mention
    ) -> Evidence | None:
        """That of the first document that has any; a later one's where it alone tells all."""
        first: Evidence | None = None
        for document in documents:
            found = self._evidence(document, kind, asked, subject)
            if found and not found.missing:
                return found
            first = first or found
        return first

    def _other_labels(self, asked: Asked, subject: Mention, question: Question) -> Iterator[Remark]:
        """What the labels of other makers of the substance say otherwise than the cited one.

        Who asks by a brand or a code asks about that label alone.
        """
        cited = question.evidence.section
        if not cited.document.makers or not self._is_substance(subject):
            return
        passages: dict[str, Evidence] = {}
        variants = self._store.variants(
            subject.group, cited.kind, cited.document.language, MOST_LABELS
        )
        for variant in variants:
            document = variant.section.document
            if not document.makers or {*document.makers} & {*cited.document.makers}:
                continue
            found = self._evidence(document, question.kind, asked, subject)
            if found:
                passages[_label_of(document)] = found
        differences = maker_differences(
            question.evidence.quote,
            [(label, found.quote) for label, found in passages.items()],
            cited.document.language,
        )
        for difference in differences[:MOST_DIFFERENCES]:
            text = say(
                "maker_differs", asked.language, names=[difference.maker], kind=difference.said
            )
            yield Remark(text, passages[difference.maker]._replace(quote=difference.said))

    def _is_substance(self, subject: Mention) -> bool:
        names = self._store.names_of(subject.group)
        return any(entry.name == subject.name and entry.scheme != "brand" for entry in names)

    def _together(self, asked: Asked) -> Plan | Reply:
        """What the texts of each medicine say of the others; of none, that it is not named."""
        resolution = asked.resolution
        strangers = [Mention(f"?{name}", name, 0, name) for name in resolution.looked_for]
        found = interactions(
            self._store,
            self._resolver,
            [*resolution.mentions, *strangers],
            asked.language,
            self._settings.passage_chars,
        )
        lacking = [Remark(say("unknown", asked.language, names=resolution.looked_for))]
        remarks = [remark for pair in found for remark in _about_pair(pair, asked)]
        remarks += lacking if resolution.looked_for else []
        passages = {
            Evidence(naming.section, naming.quote): pair.of.group
            for pair in found
            for naming in pair.namings
        }
        if passages:
            questions = (
                Question(asked.text, asked.language, group, "interactions", evidence)
                for evidence, group in passages.items()
            )
            return Plan(tuple(questions), tuple(dict.fromkeys(remarks)))
        names = _names(resolution)
        if not resolution.looked_for:
            return abstain("not_named_together", asked.language, names=names, kind="interactions")
        return without_answer("not_named_together", remarks, asked.language, names)

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

    def _documents(self, subject: Mention, asked: Asked) -> list[DocumentEntry]:
        """The subject's documents, the likeliest first; of a code only those that bear it."""
        documents = ranked_documents(self._store, subject.group, subject.name, asked.language)
        if any(entry.name == subject.name for entry in self._store.names_of(subject.group)):
            return documents
        bearing = self._store.documents_named(subject.name)
        return [document for document in documents if document.doc in bearing] or documents

    def _nearest_kind(self, asked: Asked, subject: Mention) -> tuple[str, ...]:
        for document in self._documents(subject, asked)[:MOST_DOCUMENTS]:
            # The medicine's name stands in every section and tells none of them.
            name = stems(f"{subject.name} {subject.said} {document.title}")
            words = " ".join(word for word in content_words(asked.text) if stem(word) not in name)
            kinds = (section.kind for section in self._store.search(document, words))
            for kind in kinds:
                if kind != "other":
                    return (kind,)
        return ()


def _not_mentioned(plan: Plan, kinds: Sequence[str], subject: Mention) -> Iterator[Remark]:
    """What of the question none of the sections that answer it speaks of."""
    first, *others = plan.questions
    for condition in first.evidence.missing:
        is_missing = all(condition in question.evidence.missing for question in others)
        if is_missing and condition.key not in kinds:
            named = condition.names[first.language]
            names = [spoken(subject.name)]
            yield Remark(say("not_mentioned", first.language, names=names, kind=named))


def _about_pair(pair: Interaction, asked: Asked) -> Iterator[Remark]:
    """That one medicine's text does not name the other, or names the group it belongs to."""
    if not pair.texts and not pair.of.group.startswith("?"):
        names = [spoken(pair.of.name)]
        yield Remark(say("no_section", asked.language, names=names, kind="interactions"))
    if pair.texts and not pair.namings:
        yield Remark(
            say(
                "not_named",
                asked.language,
                names=[spoken(pair.of.name)],
                kind=spoken(pair.other.name),
            )
        )
    for naming in pair.namings:
        if naming.section.document.language != asked.language:
            names = [spoken(pair.of.name)]
            yield Remark(say("other_language", asked.language, names=names))
        if naming.by == "class":
            yield Remark(
                say(
                    "named_by_group",
                    asked.language,
                    names=[spoken(pair.other.name)],
                    kind=naming.said,
                )
            )


def _label_of(document: DocumentEntry) -> str:
    """How a reader tells one label from another, without numbers: its name and who makes it."""
    makers = ", ".join(map(subject_name, document.makers[:2]))
    return f"{subject_name(document.title)} ({makers})"


def _joined(parts: Sequence[Plan | Reply]) -> Plan | Reply:
    """One plan; why a part has no answer becomes a remark, and where none has, the reply."""
    plans = [part for part in parts if isinstance(part, Plan)]
    if not plans:
        return next(part for part in parts if isinstance(part, Reply))
    remarks = [remark for plan in plans for remark in plan.remarks]
    remarks += [Remark(part.text) for part in parts if isinstance(part, Reply)]
    return Plan(
        tuple(question for plan in plans for question in plan.questions),
        tuple(dict.fromkeys(remarks)),
    )


def _names(resolution: Resolution) -> tuple[str, ...]:
    return (*(spoken(mention.name) for mention in resolution.mentions), *resolution.looked_for)
