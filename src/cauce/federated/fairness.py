"""Who gains and who loses: what each model is worth at each site, beside what it reaches alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cauce.errors import DataRefused
from cauce.evaluation.statistics import Estimate
from cauce.federated.coordinator import Outcome, Round
from cauce.federated.messages import Head, Losses, Model
from cauce.records import Record
from cauce.runs import write_json

MODELS: tuple[Model, ...] = ("base", "alone", "global", "personal")
TITLES = {"global": "shared"}


class SiteResult(Record):
    """One site at the end of a job."""

    losses: dict[Model, Losses]
    kept: Model
    gap: Estimate | None
    """Test loss of the model it keeps less that of what it reaches alone; below 0 it gains."""
    privacy: str = ""
    """What each of its training examples was promised."""


class JobResult(Record):
    """All sites of a job, and what the job cost."""

    sites: dict[str, SiteResult]
    rounds: tuple[Round, ...]
    bytes_down: int
    bytes_up: int
    lost: dict[str, tuple[int, ...]]
    """The rounds that each site missed."""

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
    return "\n".join(lines)


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


def _shown(losses: Mapping[Model, Losses], model: Model) -> str:
    found = losses[model]
    return f"{found.validation if found.test is None else found.test:.3f}"
