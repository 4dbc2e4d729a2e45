"""Answers out of evidence: the model's words where every check passes, else the section's own."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Mapping, Sequence

from cauce.assistant.answers import Question, statements_of
from cauce.assistant.plain import plain_answer
from cauce.assistant.settings import AssistantSettings
from cauce.corpus.prompts import prompt
from cauce.corpus.tokens import chat_prompt
from cauce.knowledge.claims.checks import (
    MedicinesOf,
    check_answer,
    check_complete,
    check_medicines,
    check_numbers,
)
from cauce.knowledge.evidence.evidence import Evidence, short_answer, subject_name
from cauce.knowledge.words import fold
from cauce.models.generation import generate
from cauce.models.loading import LoadedModel
from cauce.models.rules import under, under_rules
from cauce.models.upstream import ChatModel
from cauce.records import Check, Measurements, Message, Reply, Spoken, Statement
from cauce.safety.guard.canary import leaks, new_canary, repeats_rules
from cauce.safety.guard.rules import system_rules
from cauce.safety.language import spoken_language
from cauce.twin.summary.prompt import prompt_text
from cauce.twin.summary.recorded import Summary

_DENIES = re.compile(
    r"\b(?:not?|cannot|never|nunca|nor?|ni|unsuitable)\b|n't\b|contraindic|prohib|forbid|avoid|evit"
    r"|exclu|descart|bann|vetad|rule[sd]? out|leave it|keep off"
)
_HEADING_NUMBER = re.compile(r"^[\d.\s]+")
SHORTEST_QUOTE_CHARS = 80
"""A quote is not shortened below this for the sake of a long question."""


class Writer:
    """Answers questions from their evidence with a model, or without one by quoting."""

    def __init__(
        self,
        model: ChatModel | None,
        settings: AssistantSettings,
        medicines_of: MedicinesOf,
        *,
        max_tokens: int,
    ) -> None:
        self._model = model
        self._settings = settings
        self._medicines_of = medicines_of
        self._prompt_tokens = max_tokens - settings.max_new_tokens
        guards = settings.guards
        self._canary = new_canary() if guards.rules and guards.canary else ""
        self._records: Mapping[Spoken, str] = {}
        self._series: Measurements | None = None

    def with_record(
        self, summaries: Mapping[Spoken, Summary], series: Measurements, share: float
    ) -> Writer:
        """A writer whose model reads the record too, as data, in that share of its prompt.

        One that was trained to read a series as vectors has them before its prompt besides.
        """
        from cauce.models.prefix import is_read

        other = copy.copy(self)
        if isinstance(self._model, LoadedModel) and is_read(self._model, series):
            other._series = series
            other._prompt_tokens -= self._model.prefix_vectors
        if (model := self._model) is not None:
            other._records = {
                language: prompt_text(
                    summary,
                    lambda text: len(model.tokenizer.encode(text, add_special_tokens=False)),
                    int(share * self._prompt_tokens),
                )
                for language, summary in summaries.items()
            }
        return other

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """One reply to each question, in order; those that a model writes are written together."""
        if self._model is None:
            return [self._quoted(question) for question in questions]
        model = self._model
        fitting = {
            place: found
            for place, question in enumerate(questions)
            if (found := self._fitting(model, question))
        }
        answers = generate(
            model,
            [self._prompt(model, it.text, it.evidence) for it in fitting.values()],
            max_new_tokens=self._settings.max_new_tokens,
            batch_size=self._settings.batch_size,
            series=[self._series] * len(fitting),
        )
        written = {
            place: self._written(question, answer.text)
            for (place, question), answer in zip(fitting.items(), answers, strict=True)
        }
        return [
            written.get(place) or self._quoted(question, "withheld: the question is too long")
            for place, question in enumerate(questions)
        ]

    def answer_plainly(self, questions: Sequence[Question]) -> list[Reply]:
        """One reply to each question in plain language: the facts of its quote, none left out."""
        return [self._plain(question) for question in questions]

    def _plain(self, question: Question) -> Reply:
        quote, document = question.evidence.quote, question.evidence.section.document
        view = plain_answer(question.evidence, document.language, medicines_of=self._medicines_of)
        if not view.parts[0].lines:
            return self._quoted(question)
        citations = [citation for _, citation in view.printed if citation]
        places = itertools.count()
        checks = (
            check_numbers(view.text, quote, document.language),
            check_medicines(view.text, f"{question.evidence.title}\n{quote}", self._medicines_of),
        )
        return _reply(question, view.text, checks).model_copy(
            update={
                "plain": True,
                "statements": tuple(
                    Statement(text=text, citation=next(places) if citation else None)
                    for text, citation in view.printed
                ),
                "citations": tuple(citations),
            }
        )

    def _fitting(self, model: ChatModel, question: Question) -> Question | None:
        """The question, its quote cut until there is room for the answer; None if it cannot."""
        evidence = question.evidence
        while self._tokens(model, question.text, evidence) > self._prompt_tokens:
            if len(evidence.quote) <= SHORTEST_QUOTE_CHARS:
                return None
            evidence = evidence.shortened(len(evidence.quote) * 3 // 4)
        return question._replace(evidence=evidence)

    def _prompt(self, model: ChatModel, text: str, evidence: Evidence) -> tuple[Message, ...]:
        messages = prompt(text, evidence)
        record = self._records.get(spoken_language(text), "")
        if not self._settings.guards.rules:
            return under(model, record, messages)
        return under_rules(model, messages, self._canary, record)

    def _tokens(self, model: ChatModel, text: str, evidence: Evidence) -> int:
        messages = self._prompt(model, text, evidence)
        return len(
            chat_prompt(model.tokenizer, messages, is_encoder_decoder=model.is_encoder_decoder)
        )

    def _written(self, question: Question, text: str) -> Reply:
        """The generated text when every check passes; else the section's own words."""
        checks = (*self._checks(question.evidence, text), *self._leak(question, text))
        failed = [check for check in checks if not check.passed]
        if not failed:
            return _reply(question, text, checks, generated=True)
        reason = "; ".join(f"withheld: {check.name}: {check.detail}" for check in failed)
        return self._quoted(question, reason).model_copy(update={"checks": checks})

    def _leak(self, question: Question, text: str) -> tuple[Check, ...]:
        """Whether the model keeps to itself the rules that it is shown; nothing where none are."""
        if not self._canary:
            return ()
        rules = system_rules(spoken_language(question.text))
        if leaks(self._canary, text) or repeats_rules(rules, text):
            return (Check(name="leak", passed=False, detail="it gives its rules away"),)
        return (Check(name="leak", passed=True),)

    def _quoted(self, question: Question, reason: str = "") -> Reply:
        """The first sentences of the quote that fit, else all of it; checked all the same."""
        evidence = question.evidence
        title = evidence.section.document.title
        text = short_answer(title, evidence.quote, self._settings.answer_chars)
        if not text:
            is_cut = not check_complete(evidence.quote).passed
            text = f"{evidence.quote} …" if is_cut else evidence.quote
        return _reply(question, _led(text, evidence), self._checks(evidence, text), reason=reason)

    def _checks(self, evidence: Evidence, text: str) -> tuple[Check, ...]:
        return check_answer(
            text,
            evidence.quote,
            evidence.title,
            self._medicines_of,
            language=evidence.section.document.language,
        )


def _led(text: str, evidence: Evidence) -> str:
    """The text, opened by its section's heading where a list of who must not use it denies nothing.

    "Pentasa: patients with severe renal failure." would read as whom it is for.
    """
    section = evidence.section
    if section.kind != "contraindications" or _DENIES.search(fold(text)):
        return text
    heading = _HEADING_NUMBER.sub("", section.title).strip(" .:")
    name = subject_name(section.document.title)
    return f"{name} · {heading}: {text.removeprefix(f'{name}: ')}"


def _reply(
    question: Question,
    text: str,
    checks: tuple[Check, ...],
    *,
    reason: str = "",
    generated: bool = False,
) -> Reply:
    return Reply(
        text=text,
        statements=statements_of(text, citation=0),
        citations=(question.evidence.citation,),
        checks=checks,
        reason=reason,
        asked=question.text,
        group=question.group,
        kind=question.kind,
        language=question.language,
        generated=generated,
    )
