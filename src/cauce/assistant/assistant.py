"""`Assistant.reply`: resolve the medicine, find the section, write, check, cite; or say why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cauce.assistant.routing import cue_words, kinds_of
from cauce.assistant.settings import AssistantSettings
from cauce.assistant.wording import language_of, say
from cauce.corpus.prompts import prompt
from cauce.corpus.tokens import chat_prompt
from cauce.knowledge.checks import check_answer
from cauce.knowledge.evidence import Evidence, find_evidence, short_answer
from cauce.knowledge.index import DocumentEntry, Index
from cauce.knowledge.names import UNNAMED, Mention, NameResolver, Resolution
from cauce.knowledge.words import content_words, stem, stems
from cauce.models.generation import generate
from cauce.models.loading import LoadedModel, load_tuned
from cauce.records import Language, Message, Reply
from cauce.runs import Run

SHORTEST_QUOTE_CHARS = 80
"""A quote is not shortened below this for the sake of a long question."""


class Question(NamedTuple):
    """A question that can be answered: its medicine, its kind of section, its evidence."""

    text: str
    language: Language
    group: str
    kind: str
    evidence: Evidence


class Assistant:
    """A model that may only say what a section of the record says."""

    def __init__(
        self,
        model: LoadedModel,
        index: Index,
        settings: AssistantSettings,
        *,
        max_tokens: int = 512,
    ) -> None:
        self.model = model
        self._index = index
        self._settings = settings
        self._prompt_tokens = max_tokens - settings.max_new_tokens
        self.resolver = NameResolver.of_index(index)

    @classmethod
    def load(cls, run: Run) -> Assistant:
        """The assistant of a finished run: its tuned model over its index."""
        from cauce.recipe import load_recipe

        recipe = load_recipe(run.path / "recipe.yaml")
        return cls(
            load_tuned(run.path / "train" / "model"),
            Index(run.path / "prepare" / "index.sqlite"),
            recipe.assistant,
            max_tokens=recipe.model.max_tokens,
        )

    def reply(self, question: str, history: Sequence[Message] = ()) -> Reply:
        """The answer with its citation, or the reason why none is given.

        What the question leaves out, its medicine or its subject, is taken from the user's earlier
        turns in `history`: "¿Y el paracetamol?", "and in pregnancy?".
        """
        understood = self._understand(question, history)
        return understood if isinstance(understood, Reply) else self._answer([understood])[0]

    def replies(self, questions: Sequence[str]) -> list[Reply]:
        """What `reply` gives for each question, generated in batches."""
        understood = [self._understand(question, ()) for question in questions]
        answers = iter(self._answer([item for item in understood if isinstance(item, Question)]))
        return [item if isinstance(item, Reply) else next(answers) for item in understood]

    def _understand(self, text: str, history: Sequence[Message]) -> Question | Reply:
        """What the last turn asks; a medicine or subject that it leaves out is of a turn before."""
        turns = [text, *(turn.content for turn in reversed(history) if turn.role == "user")]
        asking = next((turn for turn in turns if kinds_of(turn)), text)
        asked = text if asking is text else f"{asking} {text}"
        language = language_of(asked)
        resolutions = (self.resolver.resolve(turn) for turn in turns)
        resolution = next((found for found in resolutions if found.kind != "unnamed"), UNNAMED)
        if resolution.kind == "ask":
            return _abstain("ask", language, names=resolution.choices, choices=resolution.choices)
        if resolution.kind in ("unknown", "unnamed"):
            return _abstain(resolution.kind, language, names=resolution.looked_for)
        kinds = kinds_of(asking)
        names = (*(mention.name for mention in resolution.mentions), *resolution.looked_for)
        if len(names) == 1:
            return self._find(asked, language, kinds, resolution.mentions[0])
        if len(names) == 2 and kinds[:1] in ([], ["interactions"]):
            return self._find_interaction(asked, language, resolution)
        return _abstain("several", language, names=names, choices=names)

    def _find(
        self, text: str, language: Language, kinds: Sequence[str], subject: Mention
    ) -> Question | Reply:
        kinds = kinds or self._nearest_kinds(subject, language, text)
        names = (subject.name,)
        if not kinds:
            return _abstain("no_kind", language, names=names, group=subject.group)
        for document in self._documents(subject, language):
            evidence = self._evidence(document, kinds[0], text, subject)
            if evidence:
                return self._question(text, language, subject, kinds[0], evidence)
        return _abstain("no_section", language, names=names, group=subject.group, kind=kinds[0])

    def _find_interaction(
        self, text: str, language: Language, resolution: Resolution
    ) -> Question | Reply:
        """A passage on interactions of one medicine that names the other, or that there is none."""
        groups = {mention.group for mention in resolution.mentions}
        groups |= {f"?{name}" for name in resolution.looked_for}
        for subject in resolution.mentions:
            for document in self._documents(subject, language):
                evidence = self._evidence(document, "interactions", text, subject)
                named = self.resolver.medicines_of(evidence.quote) if evidence else set()
                if evidence and named & (groups - {subject.group}):
                    return self._question(text, language, subject, "interactions", evidence)
        names = (*(mention.name for mention in resolution.mentions), *resolution.looked_for)
        return _abstain("not_named_together", language, names=names, kind="interactions")

    def _evidence(
        self, document: DocumentEntry, kind: str, text: str, subject: Mention
    ) -> Evidence | None:
        return find_evidence(
            self._index,
            document,
            kind,
            limit_chars=self._settings.passage_chars,
            question=text,
            known=f"{subject.name} {cue_words(text)}",
        )

    def _question(
        self, text: str, language: Language, subject: Mention, kind: str, evidence: Evidence
    ) -> Question | Reply:
        fitting = self._fitting(text, evidence)
        if fitting is None:
            return _abstain("too_long", language, group=subject.group, kind=kind)
        return Question(text, language, subject.group, kind, fitting)

    def _documents(self, subject: Mention, language: Language) -> list[DocumentEntry]:
        """The subject's documents: those in the language first, and of them those named so."""
        bearing = self._index.documents_named(subject.name)
        return sorted(
            self._index.documents(subject.group),
            key=lambda document: (document.language != language, document.doc not in bearing),
        )

    def _nearest_kinds(self, subject: Mention, language: Language, text: str) -> list[str]:
        for document in self._documents(subject, language):
            # The medicine's name stands in every section and tells none of them.
            name = stems(f"{subject.name} {document.title}")
            asked = " ".join(word for word in content_words(text) if stem(word) not in name)
            found = [section.kind for section in self._index.search(document, asked)]
            if found := [kind for kind in found if kind != "other"]:
                return found[:1]
        return []

    def _fitting(self, text: str, evidence: Evidence) -> Evidence | None:
        """The evidence, cut until the prompt leaves room for the answer; None if it cannot."""
        while self._tokens(text, evidence) > self._prompt_tokens:
            if len(evidence.quote) <= SHORTEST_QUOTE_CHARS:
                return None
            evidence = evidence.shortened(len(evidence.quote) * 3 // 4)
        return evidence

    def _tokens(self, text: str, evidence: Evidence) -> int:
        model = self.model
        return len(
            chat_prompt(
                model.tokenizer, prompt(text, evidence), is_encoder_decoder=model.is_encoder_decoder
            )
        )

    def _answer(self, questions: Sequence[Question]) -> list[Reply]:
        texts = generate(
            self.model,
            [prompt(question.text, question.evidence) for question in questions],
            max_new_tokens=self._settings.max_new_tokens,
            batch_size=self._settings.batch_size,
        )
        return [
            self._checked(question, text.strip())
            for question, text in zip(questions, texts, strict=True)
        ]

    def _checked(self, question: Question, text: str) -> Reply:
        """The generated text when every check passes; else the section's own words."""
        evidence = question.evidence
        checks = check_answer(
            text,
            evidence.quote,
            evidence.title,
            self.resolver.medicines_of,
            language=evidence.section.document.language,
        )
        failed = [check for check in checks if not check.passed]
        if failed:
            title = evidence.section.document.title
            text = (
                short_answer(title, evidence.quote, self._settings.answer_chars) or evidence.quote
            )
        return Reply(
            text=text,
            citations=(evidence.citation,),
            checks=checks,
            reason="; ".join(f"withheld: {check.name}: {check.detail}" for check in failed),
            group=question.group,
            kind=question.kind,
            language=question.language,
            generated=not failed,
        )


def _abstain(
    message: str,
    language: Language,
    *,
    names: Sequence[str] = (),
    choices: tuple[str, ...] = (),
    group: str = "",
    kind: str = "",
) -> Reply:
    reason = f"{message}: {', '.join(names)}" if names else message
    return Reply(
        text=say(message, language, names=names, kind=kind),
        abstained=True,
        reason=reason,
        choices=choices,
        group=group,
        kind=kind,
        language=language,
    )
