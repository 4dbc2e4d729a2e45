"""Answers that somebody judged, a JSON object a line: two of which one was preferred, or one.

{"prompt": "¿Qué dosis?", "chosen": "400 mg.", "rejected": "Mucha."}
{"messages": [{"role": "user", "content": "¿Qué dosis?"}], "completion": "4 g.", "label": false}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import ValidationError, model_validator

from cauce.records import Document, Language, Message, Record, Refusal, Section
from cauce.sources.cleaning import one_line
from cauce.sources.paths import UNPACKING_FAULTS, matching_files, open_bytes, today

ENDINGS = (".jsonl", ".jsonl.gz")
EVIDENCE, CHOSEN, REJECTED, UNWANTED = "evidence", "chosen", "rejected", "unwanted"
"""Kinds of section beside the turns of the prompt, which have their role as kind."""


class JudgedAnswer(Record):
    """One line: a prompt, and either `chosen` and `rejected`, or `completion` and `label`."""

    prompt: str = ""
    """What was asked, where that is one turn."""
    messages: tuple[Message, ...] = ()
    """The turns, ending with the user's, where there are more."""
    chosen: str = ""
    """The answer that was preferred."""
    rejected: str = ""
    """The answer that it was preferred to."""
    completion: str = ""
    """An answer that was judged alone."""
    label: bool | None = None
    """Whether it was liked."""
    evidence: str = ""
    """What the answer has to rest on, as it stands in the prompt; empty where there is none."""
    group: str = ""
    """What a split keeps together, such as a person or a substance; empty takes the prompt."""
    language: Language | None = None
    """Of the texts; null takes the source's."""
    origin: str = ""
    """Where the judgement comes from, for those who look it up."""

    @model_validator(mode="after")
    def _is_judged_once(self) -> JudgedAnswer:
        if bool(self.prompt.strip()) == bool(self.messages):
            raise ValueError("give prompt, or messages that end with the user's turn")
        if self.messages and self.messages[-1].role != "user":
            raise ValueError(f"messages end with the {self.messages[-1].role}'s turn")
        given = {CHOSEN: self.chosen, REJECTED: self.rejected}
        pair = [name for name, text in given.items() if text.strip()]
        is_rated = bool(self.completion.strip()) and self.label is not None
        if (len(pair) == 2) == is_rated or len(pair) == 1:
            had = ", ".join([*pair, *(["completion and label"] if is_rated else [])]) or "neither"
            raise ValueError(f"give chosen and rejected, or completion and label; found {had}")
        if pair and self.chosen.strip() == self.rejected.strip():
            raise ValueError("chosen and rejected are the same text")
        return self

    @property
    def turns(self) -> tuple[Message, ...]:
        """The prompt as turns."""
        return self.messages or (Message(role="user", content=self.prompt.strip()),)


class PreferencesSource(Record):
    """Judged answers out of files on disk, such as an export of feedback."""

    kind: Literal["preferences"] = "preferences"
    path: Path
    """File, folder or glob of JSON lines, packed or not."""
    language: Language = "es"
    """Of the texts, where a line does not say another."""
    licence: str = ""
    """Under which terms the texts may be reused; goes with every document."""

    def inputs(self) -> tuple[Path, ...]:
        """The files that are read."""
        return matching_files(self.path, ENDINGS)

    def documents(self) -> Iterator[Document | Refusal]:
        """Each line as a Document, or the reason why it is refused."""
        retrieved = today()
        for path in self.inputs():
            try:
                with open_bytes(path) as stream:
                    for number, line in enumerate(stream, 1):
                        if line.strip():
                            yield self._document(path, number, line, retrieved)
            except UNPACKING_FAULTS as error:
                yield Refusal(file=str(path), position="the whole file", reason=f"packed: {error}")

    def _document(self, path: Path, number: int, line: bytes, retrieved: str) -> Document | Refusal:
        try:
            judged = JudgedAnswer.model_validate_json(line)
        except ValidationError as error:
            return Refusal(file=str(path), position=f"line {number}", reason=_reason(error))
        question = judged.turns[-1].content
        return Document(
            source="preferences",
            id=f"{path.name}#{number}",
            version="1",
            title=one_line(question)[:80],
            language=judged.language or self.language,
            sections=tuple(_sections(judged)),
            group=judged.group or " ".join(question.lower().split()),
            url=judged.origin,
            licence=self.licence,
            retrieved=retrieved,
        )


def _sections(judged: JudgedAnswer) -> Iterator[Section]:
    for place, turn in enumerate(judged.turns, 1):
        yield Section(id=f"turn-{place}", kind=turn.role, title=turn.role, text=turn.content)
    answers = {
        EVIDENCE: judged.evidence,
        CHOSEN: judged.completion if judged.label else judged.chosen,
        REJECTED: judged.rejected,
        UNWANTED: judged.completion if judged.label is False else "",
    }
    for kind, text in answers.items():
        if text.strip():
            yield Section(id=kind, kind=kind, title=kind, text=text.strip())


def _reason(error: ValidationError) -> str:
    """The first fault of a line, with the key that it is in."""
    fault = error.errors()[0]
    key = ".".join(map(str, fault["loc"]))
    said = str(fault["msg"]).removeprefix("Value error, ")
    return f"{key}: {said}" if key else said
