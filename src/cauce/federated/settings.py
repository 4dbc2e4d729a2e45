"""How a recipe is trained at many sites at once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from cauce.records import Record

Packing = Literal["fp32", "int8", "coarse"]
"""Numbers as they are, in 255 steps from minus to plus the largest, or in five."""


class FederatedSettings(Record):
    """The rounds, what each site does in one, and how the results become one model."""

    sites: dict[str, Path] = Field(default_factory=dict)
    """For `cauce federated simulate`: what stands in the place of `sources.0.path` at each site."""
    rounds: int = Field(8, ge=1)
    """Times that the sites train and their results are put together."""
    steps: int = Field(6, ge=1)
    """Updates of the weights at each site in a round; `training.steps` has no effect."""
    aggregation: Literal["exact", "shared_factor", "average"] = "exact"
    """How LoRA of several sites becomes one change: `exact` adds the products, of any ranks;
    `shared_factor` trains the smaller factor only, which makes averages exact and messages small;
    `average` averages the factors apart, which is wrong by their spread."""
    weights: Literal["examples", "uniform", "capped", "loss"] = "loss"
    """How much a site counts: by its examples, the same for all, by examples up to
    `largest_share`, or so and more where the shared model serves it worse than its own."""
    largest_share: float = Field(0.3, gt=0, le=1)
    """Most that one site counts by its examples, with `capped` and `loss`."""
    proximal: float = Field(0.0, ge=0)
    """Pull of the local training towards the shared model (FedProx, Li et al. 2020)."""
    server_lr: float | None = Field(None, gt=0)
    """Rate of Adam on the change of each round (FedAdam, Reddi et al. 2021); null adds it whole."""
    secure: bool = False
    """Whether the coordinator learns the sum of the sites' changes alone, and nobody's own; with
    three sites or more, and LoRA by `shared_factor`, as no sum of products is one of factors.
    Losses and counts of examples are told as they are, and numbers take four bytes each."""
    epsilon: float | None = Field(None, gt=0)
    """Budget of differential privacy of each training example, over the job; null is without, and
    every site is told so. An example is a record, not a person with several."""
    clip: float = Field(0.5, gt=0)
    """Longest gradient of one example, with `epsilon`."""
    gate: Literal["off", "report", "refuse"] = "report"
    """Whether each site attacks its own update before it leaves: which tokens it tells, which
    examples it was learned from, how well secrets of `corpus.canaries` are remembered. `report`
    does so in the first and the last round and tells the job what was found; `refuse` does in every
    round, a tenth to a third of its training, and keeps at the site what is shown to leak beyond
    the limits: the round closes without it. What was found is told without noise."""
    messages: Packing = "int8"
    """Numbers in messages: `fp32`, `int8` (a quarter of the bytes) or `coarse` (five levels, a
    twelfth). What sites send is rounded so; what they are sent is in fp32."""
    personal_steps: int = Field(24, ge=0)
    """Updates of each site's own copy after the last round; it never leaves the site."""
    quorum: float = Field(0.5, gt=0, le=1)
    """Least share of the sites whose results close a round; with fewer the job waits."""
    patience_s: float = Field(10.0, gt=0)
    """Longest that a round waits for a site that is no longer heard of."""
