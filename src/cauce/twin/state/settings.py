"""How a twin's model is made."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from cauce.records import Record

MemberName = Literal["liquid", "gru", "trees", "logistic", "last"]
"""`liquid`: a CfC over the series. `gru`: a GRU of the same size, told the same. `trees`: gradient
boosting over summaries of the series, `logistic`: a regression over them. `last`: a regression over
the last value of each variable alone."""


class NetworkSettings(Record):
    """A recurrent model of the state and its training.

    The defaults were chosen by folds of 3,200 people in intensive care.
    """

    units: int = Field(64, ge=1)
    """Width of the state."""
    backbone: int = Field(64, ge=1)
    """Width of the layer before the heads of a CfC."""
    step_hours: float = Field(2.0, gt=0)
    """What is measured within as many hours is one step: the mean of each variable."""
    networks: int = Field(2, ge=1)
    """Trained of each fold, from different seeds; their logits are averaged."""
    epochs: int = Field(10, ge=1)
    """Times that every person is shown; with few people, more learn them by heart."""
    batch_size: int = Field(64, ge=1)
    """People of an update."""
    lr: float = Field(3e-3, gt=0)
    """Peak rate of AdamW, reached after a short warm-up; it then falls as a cosine."""
    weight_decay: float = Field(0.5, ge=0)
    """Pull of matrices towards 0."""
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of what the risk is read from that is left out while training."""
    removal: float = Field(0.3, ge=0, lt=1)
    """At most so large a share of a person's readings is left out while training, at random."""
    forecast_weight: float = Field(0.2, ge=0)
    """Of the loss of the next values beside that of the outcome; 0 learns no forecasts."""


class TwinSettings(Record):
    """Which members a twin's model has, and how they are weighed."""

    members: tuple[MemberName, ...] = Field(("liquid",), min_length=1)
    """Several are stacked: a logistic regression over their logits, which also calibrates them."""
    folds: int = Field(5, ge=2)
    """Of the people learned from, for the logits that calibration and weights are learned from."""
    seed: int = Field(0, ge=0)
    """Decides the folds and every random number of the members."""
    liquid: NetworkSettings = NetworkSettings()
    """The recurrent members, `gru` as well as `liquid`."""

    @property
    def has_state(self) -> bool:
        """Whether a member is recurrent."""
        return bool({"liquid", "gru"} & {*self.members})

    @field_validator("members")
    @classmethod
    def _refuse_twice(cls, members: tuple[MemberName, ...]) -> tuple[MemberName, ...]:
        if len({*members}) < len(members):
            raise ValueError(f"members are {', '.join(members)}; name each once")
        return members
