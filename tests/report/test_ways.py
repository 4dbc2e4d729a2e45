"""The ways to a DOI in the report: bars, curves and tables that say what was measured."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from cauce.evaluation.research import Answer, score_ways
from cauce.evaluation.ways import WAYS, WayScores, read_ways, ways_table
from cauce.report.charts import WIDTH
from cauce.report.metrics import NBSP
from cauce.report.page import render
from cauce.report.ways import (
    certainty_rows,
    outcome_shares,
    risk_chart,
    way_rows,
    ways_chart,
    ways_sentence,
)
from cauce.runs import write_json
from report.sample import make_run
from report.test_page import Outline

SURE, FREE, TRIE = "topics to <sentence>", "tuned, any text", "tuned, only known DOIs"


@pytest.fixture(scope="module")
def ways() -> list[WayScores]:
    return scored_ways()


@pytest.fixture(scope="module")
def page(ways: list[WayScores], tmp_path_factory: pytest.TempPathFactory) -> str:
    run = make_run(tmp_path_factory.mktemp("runs") / "research", "evaluate", items=12)
    (run.path / "recipe.yaml").write_text("corpus: {kind: research}\n", "utf-8")
    rows = [row.model_dump(mode="json") for row in ways]
    write_json(run.path / "evaluate" / WAYS, rows)
    assert read_ways(run.path / "evaluate") == ways
    return render(run)


def test_a_bar_is_all_the_questions_and_each_part_its_share(ways: list[WayScores]) -> None:
    chart = ways_chart(ways)
    assert chart is not None
    for bar, way in zip(chart.bars, ways, strict=True):
        assert sum(outcome_shares(way)) == pytest.approx(1)
        edges = [(piece.x, piece.x + piece.width) for piece in bar.pieces]
        assert edges[0][0] == 1 and edges[-1][1] == pytest.approx(WIDTH - 1)
        for (_, end), (start, _) in itertools.pairwise(edges):
            assert end == pytest.approx(start)
    kinds = [[piece.kind for piece in bar.pieces] for bar in chart.bars]
    assert kinds == [["right", "wrong", "silent"], ["made-up"], ["wrong"]]
    share = chart.bars[0].pieces[0].width / (WIDTH - 2)
    assert share == pytest.approx(ways[0].right.value, abs=0.001)
    assert chart.bars[1].text == f"right 0.0{NBSP}%, made up 100.0{NBSP}%"
    assert ways_chart([]) is None


def test_the_curve_falls_to_nothing_wrong_and_the_dot_is_what_is_served(
    ways: list[WayScores],
) -> None:
    chart = risk_chart(ways)
    assert chart is not None
    [line] = chart.lines
    points = [tuple(map(float, point.split(","))) for point in line.points.split()]
    assert points[0][1] == chart.bottom and points[-1][0] == chart.right
    assert points[-1][1] < chart.bottom
    coverage = (line.served[0] - chart.left) / (chart.right - chart.left)
    assert coverage == pytest.approx(1 - ways[0].abstained.value, abs=0.001)
    assert chart.coverages[0].place == chart.left < chart.marked < chart.right
    assert "area 0.0" in chart.description
    assert risk_chart(ways[1:]) is None


def test_only_a_way_that_tells_how_sure_it_is_has_a_curve(ways: list[WayScores]) -> None:
    assert [way.way for way in ways if way.certainty] == [SURE]
    found = ways[0].certainty
    assert found is not None
    assert found.risk.points == ((0.7, 0.0), (1.0, 0.1))
    assert found.answered_without.value == 0.0
    assert [row.way for row in certainty_rows(ways)] == [SURE]


def test_what_was_not_measured_is_not_a_number(ways: list[WayScores]) -> None:
    by_way = {row.way: row.cells for row in way_rows(ways)}
    assert [cell.measured for cell in by_way[FREE]] == [True] * 4 + [False] * 3
    assert by_way[TRIE][-1].value == "1.000" and by_way[TRIE][-1].interval == ""
    assert by_way[SURE][-1].interval
    table = ways_table(ways)
    [free] = [line for line in table.splitlines() if line.startswith(FREE)]
    assert free.split()[-3:] == ["-", "-", "-"]
    assert "80 % answered" in table


def test_a_table_of_models_alone_has_no_second_one(ways: list[WayScores]) -> None:
    assert len(ways_table(ways[1:]).splitlines()) == 3


def test_the_page_shows_the_ways_first_and_says_which_was_best(page: str) -> None:
    Outline(page)
    results = page[page.index('id="results-title"') :]
    assert results.index("Ways to a DOI") < results.index("Base and tuned by what they write")
    for shown in ("Does it know when it is right?", "made up", "Answered without evidence"):
        assert shown in results
    assert "Of 3 ways to a DOI, “topics to &lt;sentence&gt;” was right most often" in page
    assert "<sentence>" not in page


def test_the_sentence_has_the_numbers_of_the_best_way(ways: list[WayScores]) -> None:
    told = ways_sentence(ways)
    assert f"70.0{NBSP}% of 40 questions" in told
    assert f"10.0{NBSP}%, gave no answer in 20.0{NBSP}%" in told


def test_a_run_that_compared_no_ways_has_no_such_part(tmp_path: Path) -> None:
    run = make_run(tmp_path / "plain", "evaluate", items=12)
    assert read_ways(run.path / "evaluate") == []
    assert "Ways to a DOI" not in render(run)


def scored_ways() -> list[WayScores]:
    """Three ways to a DOI: one that knows when it is wrong, one that makes all up, one wrong."""
    known = {f"10.5555/{number}" for number in range(40)}
    gold = {f"question {number}?": {f"10.5555/{number}"} for number in range(40)}
    answers = [
        answer for number in range(40) for answer in _answers_of(f"question {number}?", number)
    ]
    return score_ways(answers, gold, known, seed=0)


def _answers_of(question: str, number: int) -> Iterator[Answer]:
    right = (f"10.5555/{number}",)
    other = (f"10.5555/{(number + 1) % 40}",)
    common = {"question": question, "article": f"article {number % 8}"}
    is_right, is_silent = number % 10 != 0, number % 5 == 4
    first = right if is_right else other
    for without in (False, True):
        abstained = without or is_silent
        yield Answer(
            way="topics to <sentence>",
            dois=() if abstained else first,
            abstained=abstained,
            without=without,
            looked_at=((other if without else first),),
            confidence=0.1 if without else 0.3 if is_silent or not is_right else 0.9,
            seconds=0.01 + number // 16 / 1000,
            batch=number // 16,
            **common,
        )
    yield Answer(way="tuned, any text", dois=("10.1/made.up",), abstained=False, **common)
    yield Answer(way="tuned, only known DOIs", dois=other, abstained=False, seconds=1.0, **common)
