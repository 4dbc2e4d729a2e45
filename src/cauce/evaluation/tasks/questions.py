"""The questions of a task: given in it, or the lines of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from cauce.errors import NotFound
from cauce.records import Language, Record, Refusal


class Question(Record):
    """Something to ask, and its right answer."""

    id: str = ""
    """Where it is empty, its place."""
    question: str = Field(min_length=1)
    answer: str = ""
    """In words; with `choices`, one of them."""
    choices: tuple[str, ...] = ()
    correct: int | None = Field(None, ge=0)
    """Place of the right choice, from 0, where `answer` does not say it."""
    evidence: str = ""
    """What the answer rests on; numbers of an answer may come from it."""
    group: str = ""
    """What resembles it: the passage or person that other questions are about too."""
    kind: str = "question"
    language: Language = "es"

    @model_validator(mode="after")
    def _has_one_answer(self) -> Question:
        if self.correct is not None and not self.correct < len(self.choices):
            raise ValueError(
                f"correct is {self.correct} and there are {len(self.choices)} choices, from 0"
            )
        if self.choices and self.correct is None and self.answer not in self.choices:
            raise ValueError(f"the answer {self.answer!r} is none of the choices")
        if not self.choices and not self.answer:
            raise ValueError("there is neither an answer nor choices")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("two choices are the same")
        return self

    @property
    def reference(self) -> str:
        """The right answer in words."""
        return self.answer if self.correct is None else self.choices[self.correct]


class Inline(Record):
    """Questions that stand in the task."""

    kind: Literal["inline"] = "inline"
    items: tuple[Question, ...] = Field(min_length=1)

    def questions(self) -> Iterator[Question | Refusal]:
        """The items."""
        yield from self.items


class Lines(Record):
    """A JSON line a question, with the keys of `Question` or with those that `columns` names."""

    kind: Literal["lines"] = "lines"
    path: Path
    columns: dict[str, str] = Field(default_factory=dict)
    """The file's key for a key of `Question`, such as `question: prompt`."""
    language: Language = "es"
    """Of the lines that do not say theirs."""

    def questions(self) -> Iterator[Question | Refusal]:
        """One Question a line; a line that is none is a Refusal. NotFound without the file."""
        if not self.path.is_file():
            raise NotFound(f"no file {self.path}.\nName JSON lines in dataset.path.")
        for number, line in enumerate(self.path.read_bytes().splitlines(), 1):
            if line.strip():
                yield self._question(line, f"line {number}")

    def _question(self, line: bytes, position: str) -> Question | Refusal:
        try:
            row: dict[str, Any] = json.loads(line)
            named = {
                name: row[self.columns.get(name, name)]
                for name in Question.model_fields
                if self.columns.get(name, name) in row
            }
            return Question.model_validate(
                {"language": self.language, **named, "id": str(named.get("id", position))}
            )
        except (ValidationError, ValueError, TypeError, AttributeError) as error:
            return Refusal(file=str(self.path), position=position, reason=_reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()
    return f"not a JSON object: {error}"
