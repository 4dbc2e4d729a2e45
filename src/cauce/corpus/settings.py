"""What examples are made of documents: told apart by `kind` in the recipe, `questions` by default.

corpus: {kind: text, row_tokens: 512}
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from cauce.corpus.questions import KINDS
from cauce.corpus.research.settings import ResearchSettings
from cauce.corpus.shares import MaskedShares, PlantedShares


class CorpusSettings(PlantedShares):
    """How documents become questions with their evidence and answers, and how these are split."""

    kind: Literal["questions"] = "questions"
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

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown or not kinds:
            raise ValueError(
                f"no questions are written for {unknown}; choose from {', '.join(KINDS)}"
            )
        return kinds


class PairsSettings(PlantedShares):
    """How documents that hold a question and its answer become examples, and how they are split."""

    kind: Literal["pairs"] = "pairs"
    max_documents: int = Field(3_000, ge=3)
    """Most pairs, drawn by group."""
    instruction: str = ""
    """What is asked of every question's text, on a line before it: `Resume el siguiente artículo:`.
    Empty where the questions ask by themselves."""


class PreferencesSettings(MaskedShares):
    """How judged answers become examples, and how they are split."""

    kind: Literal["preferences"] = "preferences"
    max_documents: int = Field(10_000, ge=3)
    """Most judged answers, drawn by group."""


class TextSettings(MaskedShares):
    """How documents become rows of tokens to pretrain on, and how they are split.

    A share counts only where no source names that split; what no source names and no share draws is
    trained on.
    """

    kind: Literal["text"] = "text"
    row_tokens: int = Field(512, ge=8)
    """Tokens of a row; longer texts are cut into several, and none is left out."""
    validation_share: float = Field(0.05, gt=0, lt=0.5)
    """Share of the documents, by group, that choose when training stops."""
    test_share: float = Field(0.05, gt=0, lt=0.5)
    """Share of the documents, by group, that are kept for the evaluation."""


Corpus = Annotated[
    CorpusSettings | PairsSettings | TextSettings | ResearchSettings | PreferencesSettings,
    Field(discriminator="kind"),
]
