"""The gate before an update or an adapter leaves a site: it is attacked first, by the site itself.

Before the training the site measures what the model knows already (`losses`), and among its
examples it plants canaries, made by `attacks.canary`. Afterwards `examine` runs the three attacks
and says whether each stays within its limit, and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cauce.corpus.tokens import Tokens
from cauce.evaluation.likelihood import likelihood
from cauce.evaluation.privacy.attacks import Canary, exposure, membership, token_recovery
from cauce.evaluation.statistics import Estimate
from cauce.models.loading import LoadedModel
from cauce.records import Record
from cauce.runs import write_json

if TYPE_CHECKING:
    from torch import Tensor


class Limits(Record):
    """What an attack may find, at most."""

    guesses: int = 2
    """Tokens recovered, as many as that many guesses would find: of the share p that one finds, two
    find 1 - (1 - p)^2, which is below 2 p."""
    membership_auc: float = 0.55
    """Chance that a member is told from one who is none; 0.5 is a coin."""
    exposure_bits: float = 7.0
    """Of the canary remembered best; where nothing is remembered, one in 2^bits comes so far."""


class Evidence(NamedTuple):
    """What the attacks are tried on; none of it leaves the site."""

    members: Sequence[Tokens]
    """Examples that the update was made from."""
    others: Sequence[Tokens]
    """Examples of the same kind that it never saw."""
    canaries: Sequence[Canary] = ()
    """Those that were planted among the members."""


class Losses(NamedTuple):
    """Per example, in nats; of each canary, its own and those of its candidates."""

    members: list[float]
    others: list[float]
    canaries: list[list[float]]


class Finding(Record):
    """What one attack found."""

    attack: str
    value: Estimate
    limit: float
    passes: bool
    reason: str


class Verdict(Record):
    """Whether the update may leave, and why."""

    released: bool
    findings: tuple[Finding, ...]
    not_measured: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """As JSON, whole or not at all."""
        write_json(path, self.model_dump(mode="json"))


def losses(loaded: LoadedModel, evidence: Evidence, *, batch_size: int = 8) -> Losses:
    """What the model as it is now says of the evidence: once before the training."""

    def of(items: Sequence[Tokens]) -> list[float]:
        return [it.nll / it.tokens for it in likelihood(loaded, items, batch_size)]

    canaries = [of([one.planted, *one.candidates]) for one in evidence.canaries]
    return Losses(of(evidence.members), of(evidence.others), canaries)


def examine(
    loaded: LoadedModel,
    update: Mapping[str, Tensor],
    evidence: Evidence,
    before: Losses,
    *,
    limits: Limits | None = None,
    batch_size: int = 8,
) -> Verdict:
    """The three attacks on the trained model and on `update`, how its tensors have moved.

    What is not released is the site's to act on: noise, fewer steps, or more examples.
    """
    limits = limits or Limits()
    after = losses(loaded, evidence, batch_size=batch_size)
    findings = [
        _tokens(loaded, update, evidence.members, limits),
        _members(after, before, limits),
    ]
    if evidence.canaries:
        findings.append(_canaries(after, before, limits))
    return Verdict(
        released=all(finding.passes for finding in findings),
        findings=tuple(findings),
        not_measured=() if evidence.canaries else ("exposure: no canary was planted",),
    )


def _tokens(
    loaded: LoadedModel, update: Mapping[str, Tensor], items: Sequence[Tokens], limits: Limits
) -> Finding:
    recovery = token_recovery(loaded, update, items)
    limit = 1 - (1 - recovery.chance) ** limits.guesses
    reason = (
        f"of {recovery.found.n} distinct tokens the update tells {recovery.found.value:.1%}; "
        f"a guess finds {recovery.chance:.1%}"
    )
    return _finding("token recovery", recovery.found, limit, reason)


def _members(after: Losses, before: Losses, limits: Limits) -> Finding:
    told = membership(_moved(after.members, before.members), _moved(after.others, before.others))
    reason = (
        f"{len(after.members)} members against {len(after.others)} others by how far their losses "
        f"fell; at 1 % false alarms {told.caught.value:.1%} of the members are recognised "
        f"({told.caught.low:.1%} to {told.caught.high:.1%})"
    )
    return _finding("membership", told.auc, limits.membership_auc, reason)


def _canaries(after: Losses, before: Losses, limits: Limits) -> Finding:
    found = [
        exposure(planted, others)
        for planted, *others in map(_moved, after.canaries, before.canaries)
    ]
    worst = max(found, key=lambda it: it.value)
    reason = f"the best remembered of {len(found)} canaries, among {worst.n} candidates"
    return _finding("exposure", worst, limits.exposure_bits, reason)


def _finding(attack: str, value: Estimate, limit: float, reason: str) -> Finding:
    passes = value.value <= limit
    bounds = f"{value.low:.3g} to " + ("more" if value.high is None else f"{value.high:.3g}")
    judged = "within" if passes else "beyond"
    words = f"{attack} {value.value:.3g} ({bounds}) is {judged} {limit:.3g}: {reason}."
    return Finding(attack=attack, value=value, limit=limit, passes=passes, reason=words)


def _moved(after: Sequence[float], before: Sequence[float]) -> list[float]:
    return [new - old for new, old in zip(after, before, strict=True)]
