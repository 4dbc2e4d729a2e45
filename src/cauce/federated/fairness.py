"""Who gains and who loses: what each model is worth at each site, beside what it reaches alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cauce.errors import DataRefused
from cauce.evaluation.statistics import Estimate
from cauce.federated.coordinator import Outcome
from cauce.federated.messages import Head, Losses, Model
from cauce.federated.privacy.gate import Attack, Finding, finding_text
from cauce.federated.rounds import Round
from cauce.records import Record
from cauce.runs import write_json

MODELS: tuple[Model, ...] = ("base", "alone", "global", "personal")
TITLES = {"global": "shared"}
NOTHING_PROVED = "An attack that fails proves nothing; one that succeeds proves a leak."


class SiteResult(Record):
    """One site at the end of a job."""

    losses: dict[Model, Losses]
    kept: Model
    gap: Estimate | None
    """Test loss of the model it keeps less that of what it reaches alone; below 0 it gains."""
    privacy: str = ""
    """What each of its training examples was promised."""


class Told(NamedTuple):
    """What an attack on a site's update of one round found."""

    site: str
    round: int
    finding: Finding


class JobResult(Record):
    """All sites of a job, and what the job cost."""

    sites: dict[str, SiteResult]
    rounds: tuple[Round, ...]
    bytes_down: int
    bytes_up: int
    lost: dict[str, tuple[int, ...]]
    """The rounds that each site missed."""

    @property
    def told(self) -> list[Told]:
        """By site and attack, the round in which its update told most, against its limit."""
        found: dict[tuple[str, Attack], Told] = {}
        for closed in self.rounds:
            for site, findings in closed.findings.items():
                for it in findings:
                    one = Told(site, closed.round, it)
                    worst = found.get((site, it.attack), one)
                    found[site, it.attack] = max(worst, one, key=_excess)
        return [found[key] for key in sorted(found)]

    @property
    def withheld(self) -> dict[str, int]:
        """Rounds in which each site kept its update for what it found, where there are any."""
        return Counter(site for closed in self.rounds for site in closed.withheld)

    @property
    def worse(self) -> list[str]:
        """Sites that are worse off than alone, by their own test examples."""
        return [name for name, site in self.sites.items() if site.gap and site.gap.value > 0]


def result_of(outcome: Outcome) -> JobResult:
    """What became of every site."""
    sites = {name: _site_result(name, head) for name, head in sorted(outcome.ends.items())}
    lost: dict[str, tuple[int, ...]] = {}
    for closed in outcome.rounds:
        for name in closed.lost:
            lost[name] = (*lost.get(name, ()), closed.round)
    return JobResult(
        sites=sites,
        rounds=tuple(outcome.rounds),
        bytes_down=outcome.bytes_down,
        bytes_up=outcome.bytes_up,
        lost=lost,
    )


def write_result(result: JobResult, path: Path) -> None:
    """Leaves the result at `path` as JSON."""
    write_json(path, result.model_dump(mode="json"))


def result_table(result: JobResult) -> str:
    """Test losses in nats per token, a line a site; what it keeps, and how it does beside alone."""
    header = ["site", *(TITLES.get(name, name) for name in MODELS), "keeps", "against alone"]
    rows = [header]
    for name, site in result.sites.items():
        rows.append(
            [
                name,
                *(_shown(site.losses, model) for model in MODELS),
                TITLES.get(site.kept, site.kept),
                gap_text(site.gap),
            ]
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    sent = (result.bytes_down + result.bytes_up) / 1e6
    lines.append(f"{len(result.rounds)} rounds, {sent:.1f} MB sent both ways")
    lines += [f"{name} missed {len(rounds)} rounds" for name, rounds in result.lost.items()]
    for name, count in result.withheld.items():
        lines.append(f"{name} kept its update in {count} of {len(result.rounds)} rounds")
    return "\n".join([*lines, *_told_lines(result)])


def _told_lines(result: JobResult) -> list[str]:
    """What the updates told, a line a site; none where nothing was attacked."""
    sites: dict[str, list[str]] = {}
    for it in result.told:
        sites.setdefault(it.site, []).append(f"{finding_text(it.finding)} (round {it.round})")
    lines = [f"updates of {site} told at most: {'; '.join(it)}" for site, it in sites.items()]
    return [*lines, NOTHING_PROVED] if lines else []


def gap_text(gap: Estimate | None) -> str:
    """The difference with its interval of 95 %."""
    if gap is None:
        return "not measured"
    if gap.low is None or gap.high is None:
        return f"{gap.value:+.3f}"
    return f"{gap.value:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"


def _site_result(name: str, head: Head) -> SiteResult:
    if head.kept is None:
        raise DataRefused(
            f"the last reply of {name} names no model that it keeps.\n"
            "All sites must run the same version of cauce."
        )
    return SiteResult(losses=head.losses, kept=head.kept, gap=head.gap, privacy=head.privacy)


def _excess(told: Told) -> float:
    return told.finding.value.value / told.finding.limit


def _shown(losses: Mapping[Model, Losses], model: Model) -> str:
    found = losses[model]
    return f"{found.validation if found.test is None else found.test:.3f}"
