"""Who gains and who loses: what each model is worth at each site, beside what it reaches alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cauce.federated.coordinator import Outcome, Round
from cauce.federated.messages import Losses, Model
from cauce.records import Record
from cauce.runs import write_json

MODELS: tuple[Model, ...] = ("base", "alone", "global", "personal")
TITLES = {"global": "shared"}


class SiteResult(Record):
    """One site at the end of a job."""

    losses: dict[Model, Losses]
    kept: Model
    gap: float | None
    """Test loss of the model it keeps less that of what it reaches alone; below 0 it gains."""


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
        return [name for name, site in self.sites.items() if site.gap is not None and site.gap > 0]


def result_of(outcome: Outcome) -> JobResult:
    """What became of every site."""
    sites = {
        name: SiteResult(
            losses=losses, kept=outcome.kept[name], gap=_gap(losses, outcome.kept[name])
        )
        for name, losses in sorted(outcome.losses.items())
    }
    lost: dict[str, tuple[int, ...]] = {}
    for closed in outcome.rounds:
        for name in closed.lost:
            lost[name] = (*lost.get(name, ()), closed.round)
    return JobResult(
        sites=sites,
        rounds=tuple(outcome.rounds),
        bytes_down=sum(it.bytes_down for it in outcome.rounds),
        bytes_up=sum(it.bytes_up for it in outcome.rounds),
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
                "not measured" if site.gap is None else f"{site.gap:+.3f}",
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


def _gap(losses: Mapping[Model, Losses], kept: Model) -> float | None:
    mine, alone = losses[kept].test, losses["alone"].test
    return None if mine is None or alone is None else mine - alone


def _shown(losses: Mapping[Model, Losses], model: Model) -> str:
    found = losses[model]
    return f"{found.validation if found.test is None else found.test:.3f}"
