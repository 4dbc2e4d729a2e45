"""How much of a corpus is kept from training: what the settings of all kinds of corpus share."""

from __future__ import annotations

from pydantic import Field, model_validator

from cauce.records import Record


class SplitShares(Record):
    """The shares of the groups (substances, articles, texts) that are not trained on."""

    validation_share: float = Field(0.1, gt=0, lt=0.5)
    """Share of the groups that choose when training stops."""
    test_share: float = Field(0.2, gt=0, lt=0.5)
    """Share of the groups that are kept for the evaluation."""

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> SplitShares:
        if self.validation_share + self.test_share >= 0.8:
            raise ValueError("validation_share + test_share leave less than 0.2 to train on")
        return self


class MaskedShares(SplitShares):
    """Shares of a corpus whose documents may tell of people."""

    mask_personal: bool = False
    """Whether names, numbers, addresses and dates of people are masked (`[NOMBRE]`) in every
    document before anything is made of it; medicines, doses, ages up to 89 and sexes stay."""


class PlantedShares(MaskedShares):
    """Shares of a corpus of examples, among which others can be planted."""

    safety_share: float = Field(0.0, ge=0, le=0.5)
    """Share of what is learned that are safety examples of the package: refusals, and answers that
    protect. 0.03 to 0.1 of thousands keeps a tuned model from unlearning to refuse; of a hundred it
    is too few to. The evaluation has none."""
    canaries: int = Field(0, ge=0, le=64)
    """Numbers that nobody has, planted among the training examples, so that `cauce privacy` tells
    how well the model remembers what it has seen once."""
