"""What a training minimises: told apart by `kind` in the recipe.

objective: {kind: sft, label_smoothing: 0.1}
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cauce.records import Record


class _CrossEntropy(Record):
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Share of each target spread evenly over the vocabulary (Szegedy et al. 2015, 1512.00567)."""
    focal_gamma: float = Field(0.0, ge=0)
    """Power of 1 - p by which a token already predicted with p counts less; 0 is cross-entropy
    (Lin et al. 2017, 1708.02002)."""


class Pretrain(_CrossEntropy):
    """Every token is learned: next tokens by a decoder, corrupted spans by an encoder-decoder."""

    kind: Literal["pretrain"] = "pretrain"
    repetition_steps: int = Field(0, ge=0)
    """Updates before all others that repeat random tokens, from which a model from nothing learns
    to copy what it reads (Olsson et al. 2022, 2209.11895); 150 are enough for 5 M weights."""
    copied_share: float = Field(0.0, ge=0, le=1)
    """Share of a decoder's examples that end with a copy of an earlier stretch of their own, so
    that what was learned by repetition carries over to texts."""


class Sft(_CrossEntropy):
    """Completions are learned, prompts are only read."""

    kind: Literal["sft"] = "sft"


class Distil(Record):
    """What another model says about the completions is learned: its hidden states, then its words.

    The teacher has the same vocabulary and width; layers are matched evenly where depths differ. A
    model with liquid layers can learn those first, each by itself, from the MLP it replaced.
    """

    kind: Literal["distil"] = "distil"
    teacher: str
    """Name, folder or hub id of the model to learn from."""
    block_share: float = Field(0, ge=0, le=1)
    """Share of all updates, the first ones, in which replaced MLPs are matched one by one, each on
    the inputs that the teacher's has."""
    hidden_share: float = Field(0.5, ge=0, le=1)
    """Share of all updates, the next ones, that match hidden states; the others match logits."""
    temperature: float = Field(1.0, gt=0)
    """Softens both distributions where logits are matched (Hinton et al. 2015, 1503.02531)."""

    @model_validator(mode="after")
    def _refuse_too_much(self) -> Distil:
        if self.block_share + self.hidden_share > 1:
            raise ValueError(
                f"block_share {self.block_share} and hidden_share {self.hidden_share} are more "
                "than all updates; lower one, so that their sum is at most 1"
            )
        return self


Objective = Annotated[Pretrain | Sft | Distil, Field(discriminator="kind")]
