"""A job of many sites in the report: who gains, who loses, and what is claimed of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cauce.evaluation.statistics import Estimate
from cauce.federated.fairness import JobResult, SiteResult, result_table, write_result
from cauce.federated.messages import Losses, Model
from cauce.federated.privacy.gate import Attack, Finding
from cauce.federated.rounds import Round
from cauce.report.page import render
from cauce.report.sites import gap_chart, job_of, job_sentence
from cauce.runs import Run, write_json
from report.test_page import Outline

LOSSES: dict[Model, Losses] = {
    "base": Losses(validation=2.0, test=2.1),
    "alone": Losses(validation=1.0, test=1.1),
    "global": Losses(validation=0.9, test=1.0),
    "personal": Losses(validation=0.95, test=1.05),
}


def site(value: float, low: float, high: float) -> SiteResult:
    gap = Estimate(value=value, low=low, high=high, n=12)
    return SiteResult(losses=LOSSES, kept="global", gap=gap, privacy="nothing was promised")


def found(attack: Attack, value: float, low: float, limit: float) -> Finding:
    return Finding(attack=attack, value=Estimate(value=value, low=low, high=1.0, n=31), limit=limit)


def closed(number: int, lost: tuple[str, ...] = ()) -> Round:
    token = found("token recovery", 0.9 / number, 0.7 / number, 0.1)
    return Round(
        findings={"norte": (token, found("membership", 0.6, 0.4, 0.55))},
        withheld={"norte": "token recovery"} if number == 1 else {},
        round=number,
        replied=("isla", "norte"),
        lost=lost,
        weights={"isla": 0.5, "norte": 0.5},
        loss_before={"isla": 1.5, "norte": 1.25},
        bytes_down=1000,
        bytes_up=250,
        cpu_s={"isla": 1.0, "norte": 1.0},
    )


@pytest.fixture
def result() -> JobResult:
    return JobResult(
        sites={
            "isla": site(0.002, -0.01, 0.02),
            "norte": site(-0.1, -0.2, -0.05),
            "sur": site(0.3, 0.1, 0.4),
        },
        rounds=(closed(1), closed(2, ("sur",))),
        bytes_down=2000,
        bytes_up=500,
        lost={"sur": (2,)},
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    found = Run(tmp_path / "hospitals")
    found.update_manifest(run="hospitals", seed=0, notice="")
    write_json(found.path / "coordinator/0001-train/round.json", closed(1).model_dump(mode="json"))
    return found


def test_only_what_its_interval_shows_is_claimed(result: JobResult) -> None:
    told = job_sentence(result)
    assert "Better off than alone: norte." in told
    assert "Worse off than alone: sur." in told
    assert "No difference from alone is shown: isla." in told


def test_gains_stand_to_the_right_whatever_their_sign(result: JobResult) -> None:
    chart = gap_chart({name: one.gap for name, one in result.sites.items() if one.gap})
    assert chart is not None
    isla, norte, sur = chart.rows
    assert norte.x > chart.zero > sur.x
    assert norte.low is not None and norte.high is not None
    assert chart.zero < norte.low < norte.x < norte.high
    assert (isla.look, norte.look, sur.look) == ("base", "tuned", "worse")
    assert sur.low == chart.left
    assert gap_chart({}) is None


def test_the_page_of_a_finished_job_shows_every_site(run: Run, result: JobResult) -> None:
    write_result(result, run.path / "federated.json")
    page = render(run)
    assert "sites" in [part.get("id") for part in Outline(page).having("section")]
    for words in ("-0.100 (-0.200 to -0.050)", "nothing was promised", "such an epsilon means"):
        assert words in page
    assert "2,000 bytes to the sites" in page


def test_what_updates_tell_is_shown_where_they_told_most(run: Run, result: JobResult) -> None:
    assert [(it.site, it.finding.attack, it.round) for it in result.told] == [
        ("norte", "membership", 1),
        ("norte", "token recovery", 1),
    ]
    write_result(result, run.path / "federated.json")
    job = job_of(run)
    assert job is not None
    assert [row.judged for row in job.attacks] == ["not shown", "shown"]
    assert [(row.name, row.kept) for row in job.rows if row.kept] == [("norte", 1)]
    page = render(run)
    for words in (
        "0.9 (0.7 to 1)",
        "An attack that fails proves nothing",
        "norte keeps its update",
    ):
        assert words in page
    table = result_table(result).splitlines()
    assert "norte kept its update in 1 of 2 rounds" in table
    assert table[-2].endswith("token recovery 0.9 (0.7 to 1), limit 0.1 (round 1)")
    assert table[-1].startswith("An attack that fails proves nothing")


def test_the_page_of_a_job_under_way_tells_its_rounds(run: Run) -> None:
    job = job_of(run)
    assert job is not None and "closed rounds: 1" in job.sentence
    assert "isla 1.500, norte 1.250" in render(run)


def test_a_run_without_a_job_has_no_such_part(tmp_path: Path) -> None:
    assert job_of(Run(tmp_path)) is None
