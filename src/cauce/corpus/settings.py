"""What examples are made of documents."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from cauce.corpus.questions import KINDS
from cauce.records import Record


class CorpusSettings(Record):
    """How documents become questions with their evidence and answers, and how these are split."""

    kinds: tuple[str, ...] = KINDS
    """Kinds of section that are asked about."""
    max_documents: int = Field(3_000, ge=3)
    """Most documents that questions are made of, drawn by substance; every one is indexed."""
    questions_per_section: int = Field(2, ge=1, le=4)
    """Wordings drawn for each section of a training document."""
    passage_chars: int = Field(700, ge=100)
    """Longest passage of a section that is shown to the model, in characters."""
    answer_chars: int = Field(260, ge=40)
    """Longest answer to learn, in characters; a section whose first sentence is longer is left."""
    validation_share: float = Field(0.1, gt=0, lt=0.5)
    """Share of the substances that choose when training stops."""
    test_share: float = Field(0.2, gt=0, lt=0.5)
    """Share of the substances that are kept for the evaluation."""

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown or not kinds:
            raise ValueError(
                f"no questions are written for {unknown}; choose from {', '.join(KINDS)}"
            )
        return kinds

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> CorpusSettings:
        if self.validation_share + self.test_share >= 0.8:
            raise ValueError("validation_share + test_share leave less than 0.2 to train on")
        return self
