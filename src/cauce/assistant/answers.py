"""What a question comes to: the sections to answer from, what is said beside, or why nothing is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cauce.assistant.wording import say
from cauce.corpus.examples import spoken
from cauce.knowledge.evidence.evidence import Evidence
from cauce.knowledge.names.resolver import Resolution
from cauce.knowledge.sentences import sentences
from cauce.records import Citation, Language, Reply, Statement


class Question(NamedTuple):
    """One thing that is asked of one medicine, and the evidence that answers it."""

    text: str
    language: Language
    group: str
    kind: str
    evidence: Evidence


class Remark(NamedTuple):
    """What the assistant says in its own voice, and the text that it speaks of where it does."""

    text: str
    evidence: Evidence | None = None


class Plan(NamedTuple):
    """The questions that a reply answers, in order, and the remarks that follow."""

    questions: tuple[Question, ...]
    remarks: tuple[Remark, ...] = ()
    confidence: float | None = None
    """Probability that these kinds of section were asked for."""


def abstain(
    message: str,
    language: Language,
    *,
    names: Sequence[str] = (),
    choices: tuple[str, ...] = (),
    group: str = "",
    kind: str = "",
) -> Reply:
    """The reply that gives no answer and says why."""
    text = say(message, language, names=names, kind=kind)
    return Reply(
        text=text,
        statements=(Statement(text=text),),
        abstained=True,
        reason=f"{message}: {', '.join(names)}" if names else message,
        choices=choices,
        group=group,
        kind=kind,
        language=language,
    )


def unresolved(resolution: Resolution, language: Language) -> Reply:
    """The reply to a question whose medicine is not told: asked back, unknown or unnamed."""
    if resolution.kind == "ask":
        choices = tuple(spoken(choice) for choice in resolution.choices)
        message = "ask" if len(choices) > 1 else "ask_one"
        return abstain(message, language, names=choices, choices=choices)
    return abstain(resolution.kind, language, names=resolution.looked_for)


def without_answer(
    message: str, remarks: Sequence[Remark], language: Language, names: Sequence[str]
) -> Reply:
    """The reply that gives no answer and makes the remarks instead."""
    told = tuple(dict.fromkeys(remark.text for remark in remarks))
    return abstain(message, language, names=names, kind="interactions").model_copy(
        update={
            "text": "\n".join(told),
            "statements": tuple(Statement(text=text) for text in told),
        }
    )


def statements_of(text: str, citation: int | None) -> tuple[Statement, ...]:
    """Each sentence of the text with the citation that it rests on."""
    return tuple(Statement(text=span.of(text), citation=citation) for span in sentences(text))


def merge(answers: Sequence[Reply], remarks: Iterable[Remark]) -> Reply:
    """One reply out of the answers to the parts of a question, the remarks last.

    Subject, kind and language are those of the first; it is generated when every answer is.
    """
    first = answers[0]
    citations: list[Citation] = []
    statements: list[Statement] = []
    for answer in answers:
        statements += [_moved(statement, len(citations)) for statement in answer.statements]
        citations += answer.citations
    texts = [answer.text for answer in answers]
    for remark in remarks:
        texts.append(remark.text)
        place = len(citations) if remark.evidence else None
        statements.append(Statement(text=remark.text, citation=place))
        citations += [remark.evidence.citation] if remark.evidence else []
    return first.model_copy(
        update={
            "text": "\n".join(texts),
            "statements": tuple(statements),
            "citations": tuple(citations),
            "checks": tuple(check for answer in answers for check in answer.checks),
            "reason": "; ".join(answer.reason for answer in answers if answer.reason),
            "generated": all(answer.generated for answer in answers),
        }
    )


def _moved(statement: Statement, places: int) -> Statement:
    """The statement in a reply that has so many citations before its own."""
    if statement.citation is None:
        return statement
    return statement.model_copy(update={"citation": places + statement.citation})
