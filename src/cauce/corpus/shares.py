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
