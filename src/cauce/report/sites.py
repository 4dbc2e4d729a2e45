"""A job of many sites as the report tells it: who gains, by how much, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cauce.evaluation.statistics import Estimate
from cauce.federated.fairness import (
    MODELS,
    NOTHING_PROVED,
    TITLES,
    JobResult,
    SiteResult,
    Told,
    gap_text,
)
from cauce.federated.privacy.gate import interval_text
from cauce.federated.progress import JobProgress, job_progress, progress_lines
from cauce.report.charts import LABEL_WIDTH, VALUE_WIDTH, WIDTH, Scale
from cauce.report.forest import Difference, Forest, forest, row_place
from cauce.runs import Run

COLUMNS = tuple(TITLES.get(name, name) for name in MODELS)


class SiteRow(NamedTuple):
    """One site in the table."""

    name: str
    losses: tuple[float | None, ...]
    """Test losses of `MODELS`, in nats per token."""
    keeps: str
    gap: str
    missed: str
    """Rounds that it was not heard of in; empty where there are none."""
    kept: int
    """Rounds in which it kept its update for what attacks on it found."""
    privacy: str


class AttackRow(NamedTuple):
    """What one attack on the updates of one site found at most."""

    site: str
    attack: str
    found: str
    limit: str
    round: int
    judged: str


class Job(NamedTuple):
    """What the page shows of a job."""

    sentence: str
    rows: tuple[SiteRow, ...]
    chart: Forest | None
    rounds: tuple[str, ...]
    """A line each round, and what is open."""
    bytes_down: int
    bytes_up: int
    attacks: tuple[AttackRow, ...] = ()
    nothing_proved: str = NOTHING_PROVED
    models: tuple[str, ...] = COLUMNS


def job_of(run: Run) -> Job | None:
    """The job whose coordinator wrote into this run; None where there is none."""
    if not (run.path / "coordinator").is_dir():
        return None
    progress = job_progress(run.path)
    path = run.path / "federated.json"
    if not path.is_file():
        return _running(progress)
    result = JobResult.model_validate_json(path.read_bytes())
    return Job(
        sentence=job_sentence(result),
        rows=tuple(_row(name, site, result) for name, site in result.sites.items()),
        chart=gap_chart({name: site.gap for name, site in result.sites.items() if site.gap}),
        rounds=tuple(progress_lines(progress)),
        bytes_down=result.bytes_down,
        bytes_up=result.bytes_up,
        attacks=tuple(map(_attack_row, result.told)),
    )


def job_sentence(result: JobResult) -> str:
    """Who gains and who loses, in words; only what its interval shows is claimed."""
    gaps = {name: site.gap for name, site in result.sites.items()}
    gains = [name for name, gap in gaps.items() if gap and gap.high is not None and gap.high < 0]
    loses = [name for name, gap in gaps.items() if gap and gap.low is not None and gap.low > 0]
    unclear = [name for name in gaps if name not in (*gains, *loses)]
    told = [f"{len(gaps)} sites trained together in {len(result.rounds)} rounds."]
    for names, words in (
        (gains, "Better off than alone"),
        (unclear, "No difference from alone is shown"),
        (loses, "Worse off than alone"),
    ):
        if names:
            told.append(f"{words}: {', '.join(names)}.")
    return " ".join(told)


def gap_chart(gaps: dict[str, Estimate]) -> Forest | None:
    """Where each site stands beside training alone; None where nothing was measured."""
    if not gaps:
        return None
    bounds = [
        abs(bound)
        for gap in gaps.values()
        for bound in (gap.value, gap.low, gap.high)
        if bound is not None
    ]
    size = max(bounds) or 1.0
    across = Scale(-size, size, LABEL_WIDTH, WIDTH - VALUE_WIDTH)
    rows = tuple(
        Difference(
            title=name,
            y=row_place(place),
            x=across(-gap.value),
            low=None if gap.high is None else across(-gap.high),
            high=None if gap.low is None else across(-gap.low),
            text=f"{gap.value:+.3f}",
            look=_look(gap),
        )
        for place, (name, gap) in enumerate(gaps.items())
    )
    return forest(rows, across, [f"{name} {gap_text(gap)}" for name, gap in gaps.items()])


def _look(gap: Estimate) -> str:
    """Filled only where the interval leaves out zero."""
    if gap.high is not None and gap.high < 0:
        return "tuned"
    return "worse" if gap.low is not None and gap.low > 0 else "base"


def _row(name: str, site: SiteResult, result: JobResult) -> SiteRow:
    losses = (site.losses[model] for model in MODELS)
    return SiteRow(
        name=name,
        losses=tuple(it.validation if it.test is None else it.test for it in losses),
        keeps=TITLES.get(site.kept, site.kept),
        gap=gap_text(site.gap),
        missed=_listed(result.lost.get(name, ())),
        kept=result.withheld.get(name, 0),
        privacy=site.privacy,
    )


def _attack_row(told: Told) -> AttackRow:
    finding = told.finding
    return AttackRow(
        site=told.site,
        attack=finding.attack,
        found=interval_text(finding.value),
        limit=f"{finding.limit:.3g}",
        round=told.round,
        judged="shown" if finding.is_beyond else "not shown",
    )


def _running(progress: JobProgress) -> Job:
    closed = progress.closed
    return Job(
        sentence=f"The job is under way; closed rounds: {len(closed)}.",
        rows=(),
        chart=None,
        rounds=tuple(progress_lines(progress)),
        bytes_down=sum(it.bytes_down for it in closed),
        bytes_up=sum(it.bytes_up for it in closed),
    )


def _listed(rounds: Sequence[int]) -> str:
    return ", ".join(map(str, rounds))
