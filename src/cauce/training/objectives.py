"""What a training minimises: told apart by `kind` in the recipe.

objective: {kind: sft, label_smoothing: 0.1}
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cauce.records import Record
from cauce.training.rewards import Check


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


class Dpo(Record):
    """The answer that was preferred becomes likelier than the other, from what they were.

    -log sigmoid(beta (log p(chosen)/q(chosen) - log p(rejected)/q(rejected))), q being the model
    before the training (Rafailov et al. 2023, 2305.18290).
    """

    kind: Literal["dpo"] = "dpo"
    beta: float = Field(0.1, gt=0)
    """How near the model is held to what it was: more is nearer."""
    label_smoothing: float = Field(0.0, ge=0, lt=0.5)
    """Share of the pairs that were noted the wrong way round, for which the loss makes up in the
    mean (Chowdhury et al. 2024, 2403.00409)."""


class Kto(Record):
    """Answers that were liked become likelier, and those that were disliked less likely.

    1 - sigmoid(+-beta (log p/q - z)), z being how far the model has moved from what it was, by what
    it says of answers to other prompts (Ethayarajh et al. 2024, 2402.01306). A pair counts as two.
    """

    kind: Literal["kto"] = "kto"
    beta: float = Field(0.1, gt=0)
    """How near the model is held to what it was: more is nearer."""
    wanted_weight: float = Field(1.0, gt=0)
    """How much an answer that was liked counts."""
    unwanted_weight: float = Field(1.0, gt=0)
    """How much one that was disliked counts: weigh the rarer kind more, to about as much in all."""


class Grpo(Record):
    """The model answers, checks judge, and what is better than its group becomes likelier.

    An answer's advantage is its reward less the mean of its group, by their deviation (Shao et al.
    2024, 2402.03300). A batch has `batch_size` prompts and a group of answers to each.
    """

    kind: Literal["grpo"] = "grpo"
    rewards: tuple[Check, ...] = Field(min_length=1)
    """What an answer is worth."""
    held_out: tuple[Check, ...] = Field(min_length=1)
    """Checks that are not rewarded: where one falls while the reward rises, that is an alarm."""
    group: int = Field(8, ge=2)
    """Answers to each prompt."""
    max_new_tokens: int = Field(64, ge=1)
    """Longest answer."""
    loss: Literal["dapo", "grpo"] = "dapo"
    """`dapo` weighs every token the same, as the other objectives do (Yu et al. 2025, 2503.14476);
    `grpo` every answer, so that a token of a long one weighs less."""
    clip: float = Field(0.2, gt=0, lt=1)
    """How far a token's probability may move from what it was when the answer was written, as a
    share, before it is no longer learned from."""
    updates: int = Field(1, ge=1)
    """Updates that learn from the same answers; with one, nothing is clipped."""
    beta: float = Field(0.0, ge=0)
    """How near the model is held to what it is without its adapter; 0 is not at all."""

    @model_validator(mode="after")
    def _refuse_rewarded_watch(self) -> Grpo:
        rewarded, watched = ([check.kind for check in it] for it in (self.rewards, self.held_out))
        if both := sorted({*rewarded} & {*watched}):
            raise ValueError(
                f"{', '.join(both)} is in rewards and in held_out; what is rewarded can be gamed, "
                "so that it must be watched by another check: leave it out of one"
            )
        if len({*rewarded}) < len(rewarded) or len({*watched}) < len(watched):
            raise ValueError("a kind of check stands twice; name it once, with its weight")
        return self


Objective = Annotated[Pretrain | Sft | Distil | Dpo | Kto | Grpo, Field(discriminator="kind")]
