"""What became of one round of a job, for the coordinator's disk, its log and the report."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from cauce.federated.messages import Head
from cauce.federated.privacy.gate import Finding, beyond
from cauce.records import Record


class Round(Record):
    """What became of one round."""

    round: int
    replied: tuple[str, ...]
    lost: tuple[str, ...] = ()
    weights: dict[str, float]
    """How much each site counted whose update is in the shared model."""
    loss_before: dict[str, float | None]
    """Validation loss at each site of the model that it was sent."""
    findings: dict[str, tuple[Finding, ...]] = Field(default_factory=dict)
    """What each site found by attacks on its own update, before it left."""
    withheld: dict[str, str] = Field(default_factory=dict)
    """Sites that kept their update for what they found, and what that was."""
    bytes_down: int
    bytes_up: int
    cpu_s: dict[str, float]


def withheld_by(heads: Mapping[str, Head]) -> dict[str, str]:
    """The sites that keep their update, and what their attacks found beyond the limits."""
    return {site: beyond(head.findings) for site, head in heads.items() if head.withheld}


def round_text(closed: Round) -> str:
    """How the shared model did at each site before the round, and who is not in its sum."""
    losses = ", ".join(f"{site} {loss:.3f}" for site, loss in closed.loss_before.items() if loss)
    lost = f"; lost: {', '.join(closed.lost)}" if closed.lost else ""
    return f"validation losses before it {losses}{lost}{withheld_text(closed.withheld)}"


def withheld_text(withheld: Mapping[str, str]) -> str:
    """Who keeps its update and why, to be added to a line; empty where nobody does."""
    return "".join(f"; {site} keeps its update: {found}" for site, found in withheld.items())
