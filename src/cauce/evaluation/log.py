"""The log of one system's answers: one item a line, appended as they come, re-scored in place."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import Field

from cauce.evaluation.likelihood import ItemLikelihood
from cauce.records import Citation, Example, Language, Record, Reply
from cauce.runs import R, read_records, write_records


class Score(Record):
    """What one answer is worth by one metric, and why."""

    value: float | None = None
    """None where the answer could not be judged: it is left out, never counted as 0."""
    answer: str = ""
    """What was taken to be the answer, where that is not all of the text."""
    explanation: str = ""


class Item(Record):
    """One question, the answer of one system, and what the answer scored."""

    id: str
    system: str
    question: str
    prompt_sha256: str
    reference: str
    reference_sha256: str
    answer: str
    abstained: bool = False
    reason: str = ""
    is_finished: bool | None = None
    """Whether the model ended the answer itself; None where no model wrote it."""
    group: str
    """The substance asked about: the cluster of the statistics."""
    kind: str
    """The kind of section asked about."""
    language: Language
    citation: Citation | None = None
    other_citations: tuple[Citation, ...] = ()
    resolved_group: str = ""
    """The substance that the system took the question to be about; empty when it does not say."""
    resolved_kind: str = ""
    """The kind of section that the system answered from; empty when it does not say."""
    confidence: float | None = None
    """How sure the system was, where it says so."""
    answer_cpu_s: float = 0.0
    """CPU seconds of the answer: its batch's, shared evenly."""
    choice_nlls: tuple[float, ...] = ()
    """Minus the log-likelihood of each choice; empty where there are none or the system writes."""
    likelihood: ItemLikelihood | None = None
    """How likely the system finds the reference; None where it is no single model."""
    scores: dict[str, Score] = Field(default_factory=dict)
    """By metric; one that does not apply is missing, not zero."""

    @property
    def values(self) -> dict[str, float]:
        """The scores that have a value, by metric."""
        return {name: one.value for name, one in self.scores.items() if one.value is not None}


def scored(values: Mapping[str, float]) -> dict[str, Score]:
    """Scores that need no words."""
    return {name: Score(value=value) for name, value in values.items()}


def item_of(
    example: Example,
    reply: Reply,
    *,
    system: str,
    cpu_s: float,
    choice_nlls: tuple[float, ...] = (),
) -> Item:
    """The unscored log entry of a reply to an example."""
    first, *others = reply.citations or (None,)
    return Item(
        id=example.id,
        system=system,
        question=example.question,
        prompt_sha256=prompt_sha256(example),
        reference=example.completion,
        reference_sha256=sha256(example.completion),
        answer=reply.text,
        abstained=reply.abstained,
        reason=reply.reason,
        is_finished=reply.is_finished,
        group=example.group,
        kind=example.kind,
        language=example.language,
        citation=first,
        other_citations=tuple(citation for citation in others if citation),
        resolved_group=reply.group,
        resolved_kind=reply.kind,
        confidence=reply.confidence,
        answer_cpu_s=round(cpu_s, 4),
        choice_nlls=choice_nlls,
    )


def prompt_sha256(example: Example) -> str:
    """Hexadecimal SHA-256 of the question and of the prompt's messages."""
    messages = [message.model_dump(exclude_defaults=True) for message in example.messages]
    return sha256(json.dumps([example.question, messages], ensure_ascii=False, sort_keys=True))


def sha256(text: str) -> str:
    """Hexadecimal SHA-256 of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def append_items(path: Path, items: Iterable[Record]) -> None:
    """Adds items at the end of the log; they survive a kill once this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        for item in items:
            stream.write(item.model_dump_json(exclude_defaults=True).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def read_items(path: Path) -> list[Item]:
    """The items of a log, none when there is no log; see `read_log`."""
    return read_log(path, Item)


def read_log(path: Path, record_type: type[R]) -> list[R]:
    """The records of a log, none when there is no log.

    A last line without its line break was cut by a kill: it is removed from the file. Raises
    DataRefused with file and line when any other line is no such record.
    """
    if not path.is_file():
        return []
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        with path.open("r+b") as stream:
            stream.truncate(content.rfind(b"\n") + 1)
    return list(read_records(path, record_type))


def write_items(path: Path, items: Sequence[Item]) -> None:
    """Replaces the log whole, or not at all."""
    write_records(path, items)
