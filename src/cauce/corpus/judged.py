"""What is known of an example beside its tokens, for objectives that learn from judgements."""

from __future__ import annotations

from typing import NamedTuple

from cauce.records import Example


class Pair(NamedTuple):
    """The example's completion was preferred to another one of the same prompt."""

    rejected: list[int]
    reference: tuple[float, float] | None = None
    """Log-probabilities in nats, of the completion and of the rejected one, under the model that
    the trained one is held near to; None until they are computed."""


class Rated(NamedTuple):
    """The example's completion was liked, or was not."""

    is_wanted: bool
    elsewhere: list[int]
    """The completion of another example, to which this prompt does not lead."""
    reference: tuple[float, float] | None = None
    """As in `Pair`: of the completion and of the one from elsewhere."""


class Asked(NamedTuple):
    """The example is a prompt to be answered and judged anew."""

    example: Example


class Tried(NamedTuple):
    """The completion was written by the model in training, and judged beside others."""

    advantage: float
    """By how many standard deviations of its group it was better than the group's mean."""
    before: tuple[float, ...] = ()
    """Log-probability of each token by the weights that wrote it; empty while these are the present
    ones."""
    reference: tuple[float, ...] = ()
    """The same under the model that the trained one is held near to; empty where it is held to
    none."""
