"""The gate before an update or an adapter leaves a site: it is attacked first, by the site itself.

Before the training the site measures what the model knows already (`losses`); canaries that were
planted among its examples are those of `attacks.canary`. Afterwards `examine` runs the three
attacks and says whether one is shown to tell more than its limit. An attack that fails proves
nothing, and a limit is never shown to be exceeded by a few examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from cauce.corpus.tokens import Tokens
from cauce.evaluation.likelihood import likelihood
from cauce.evaluation.privacy.attacks import Canary, exposure, membership, token_recovery
from cauce.evaluation.statistics import Estimate
from cauce.models.loading import LoadedModel
from cauce.records import Record
from cauce.runs import write_json

if TYPE_CHECKING:
    from torch import Tensor


Attack = Literal["token recovery", "membership", "exposure"]

TRIED = 256
"""Tokens that were read, and others, that stand for all of them."""
FEWEST = 8
"""Members, and others, without which membership is not tried."""


class Limits(Record):
    """What an attack may find, at most."""

    guesses: int = 2
    """Tokens recovered, as many as that many guesses would find: of the share p that one finds, two
    find 1 - (1 - p)^2, which is below 2 p."""
    membership_auc: float = 0.55
    """Chance that a member is told from one who is none; 0.5 is a coin."""
    exposure_bits: float = 5.0
    """Of the canary remembered best; where nothing is remembered, one in 2^bits comes so far."""


class Evidence(NamedTuple):
    """What the attacks are tried on; none of it leaves the site."""

    members: Sequence[Tokens]
    """Examples that the update was made from."""
    others: Sequence[Tokens]
    """Examples of the same kind that it never saw."""
    canaries: Sequence[Canary] = ()
    """Those that were planted among the examples that the update was made from."""
    read: Sequence[Tokens] = ()
    """All that it was made from, where `members` are some of it."""


class Losses(NamedTuple):
    """Per example, in nats; of each canary, its own and those of its candidates."""

    members: list[float]
    others: list[float]
    canaries: list[list[float]]


class Finding(Record):
    """What one attack found, to four digits."""

    attack: Attack
    value: Estimate
    limit: float
    reason: str = ""
    """In words, for people at the site; left out of what is sent."""

    @property
    def is_beyond(self) -> bool:
        """Whether its interval shows that it is more than the limit."""
        return self.value.low is not None and self.value.low > self.limit


class Verdict(Record):
    """Whether the update may leave, and why."""

    released: bool
    """Whether no attack is shown to be beyond its limit."""
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
    findings = [_tokens(loaded, update, evidence.read or evidence.members, limits)]
    not_measured = []
    fewest = min(len(after.members), len(after.others))
    if fewest < FEWEST:
        not_measured.append(f"membership: {fewest} examples or others are fewer than {FEWEST}")
    else:
        findings.append(_members(after, before, limits))
    if evidence.canaries:
        findings.append(_canaries(after, before, limits))
    else:
        not_measured.append("exposure: no canary was planted")
    return Verdict(
        released=not any(finding.is_beyond for finding in findings),
        findings=tuple(findings),
        not_measured=tuple(not_measured),
    )


def beyond(findings: Sequence[Finding]) -> str:
    """Those that are beyond their limits, in figures; empty where none is."""
    return "; ".join(finding_text(finding) for finding in findings if finding.is_beyond)


def finding_text(finding: Finding) -> str:
    """The figure with its interval of 95 %, and its limit."""
    return f"{finding.attack} {interval_text(finding.value)}, limit {finding.limit:.3g}"


def interval_text(value: Estimate) -> str:
    """`0.94 (0.79 to 0.99)`; `more` where there is no upper bound."""
    high = "more" if value.high is None else f"{value.high:.3g}"
    return f"{value.value:.3g} ({value.low:.3g} to {high})"


def _tokens(
    loaded: LoadedModel, update: Mapping[str, Tensor], items: Sequence[Tokens], limits: Limits
) -> Finding:
    recovery = token_recovery(loaded, update, items, tried=TRIED)
    limit = 1 - (1 - recovery.chance) ** limits.guesses
    reason = (
        f"of {recovery.found.n} distinct tokens that it was made from the update tells "
        f"{recovery.found.value:.1%}; a guess finds {recovery.chance:.1%}"
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


def _finding(attack: Attack, value: Estimate, limit: float, reason: str) -> Finding:
    short = Estimate(
        value=_short(value.value),
        low=None if value.low is None else _short(value.low),
        high=None if value.high is None else _short(value.high),
        n=value.n,
    )
    found = Finding(attack=attack, value=short, limit=_short(limit))
    judged = "is within" if short.value <= limit else "is not shown to be beyond"
    judged = "is beyond" if found.is_beyond else judged
    words = f"{attack} {interval_text(short)} {judged} {limit:.3g}: {reason}."
    return found.model_copy(update={"reason": words})


def _short(figure: float) -> float:
    return float(f"{figure:.4g}")


def _moved(after: Sequence[float], before: Sequence[float]) -> list[float]:
    return [new - old for new, old in zip(after, before, strict=True)]
