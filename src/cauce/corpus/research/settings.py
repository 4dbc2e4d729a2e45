"""What the recipe says of the questions that are made of citing sentences."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from cauce.records import Record

Opening = Literal["evidence", "phrases"]
"""What a question is built on: the whole statement of a sentence, or its key phrases."""


class ResearchSettings(Record):
    """How citing sentences become questions answered by DOIs, and how these are split."""

    kind: Literal["research"] = "research"
    max_documents: int = Field(3_000, ge=3)
    """Most articles that questions are made of, drawn by hash."""
    openings: tuple[Opening, ...] = ("evidence", "phrases")
    """Kinds of question, mixed half and half; a sentence that gives none of one gives the other."""
    questions_per_sentence: int = Field(1, ge=1, le=2)
    """Most questions of a sentence; with 2 each is of another kind."""
    embedding: str = ""
    """By which sentences are also found by meaning: `minilm`, a folder or a pulled hub id; empty
    looks for words alone."""
    rewrite: str = ""
    """Prompt by which a model says a question in its own words; `{question}` and `{sentence}` stand
    for the question and for the sentence without its marks. Empty asks no model."""
    validation_share: float = Field(0.1, gt=0, lt=0.5)
    """Share of the citing articles that choose when training stops."""
    test_share: float = Field(0.2, gt=0, lt=0.5)
    """Share of the citing articles that are kept for the evaluation."""

    @field_validator("openings")
    @classmethod
    def _each_once(cls, openings: tuple[Opening, ...]) -> tuple[Opening, ...]:
        if not openings or len(set(openings)) < len(openings):
            raise ValueError("name evidence, phrases or both, each once")
        return openings

    @field_validator("rewrite")
    @classmethod
    def _asks_about_the_question(cls, prompt: str) -> str:
        if prompt and "{question}" not in prompt:
            raise ValueError("the prompt must hold {question}, where the question to rewrite goes")
        return prompt

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> ResearchSettings:
        if self.validation_share + self.test_share >= 0.8:
            raise ValueError("validation_share + test_share leave less than 0.2 to train on")
        return self
