from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from cauce.assistant.holding import Threshold
from cauce.errors import DataRefused, NotFound, UserError
from cauce.evaluation.calibrating import CLAIMS, calibrate
from cauce.evaluation.conformal import Guarantee
from cauce.evaluation.log import Score, item_of, write_items
from cauce.evaluation.made_by import read_trial
from cauce.records import Citation, Reply
from cauce.runs import Run, sha256_of_file
from evaluation.fixtures import example


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "run").mkdir()
    return Run(tmp_path / "run")


def written(run: Run, rows: Sequence[object]) -> Path:
    path = run.path.parent / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def judged(count: int, *, wrong: int = 5) -> list[dict[str, object]]:
    """The least sure answers are wrong."""
    return [
        {"id": place, "confidence": place / count, "right": place >= wrong, "text": "Tome 1 g."}
        for place in range(count)
    ]


def reply(confidence: float | None, *, abstained: bool = False) -> Reply:
    return Reply(
        text="Tome 400 mg.",
        citations=(
            Citation(
                source="s", id="1", version="1", section="4.2", quote="q", title="Ibu · Dosis"
            ),
        ),
        abstained=abstained,
        confidence=confidence,
        language="es",
    )


def test_local_answers_set_what_is_shown(run: Run) -> None:
    found = calibrate(run, written(run, judged(40)), alpha=0.1)
    assert found.threshold == 1 / 40  # 41 x 0.1 leaves three wrong ones above it
    assert found.shown == 38 / 40
    threshold = Threshold.read(run)
    assert threshold is not None
    sure, unsure, unknown = threshold.shown([reply(0.5), reply(1 / 40), reply(None)])
    assert sure == reply(0.5)
    for held in (unsure, unknown):
        assert held.abstained
        assert held.text.endswith("Léalo en su fuente: «Ibu · Dosis».")
        assert held.citations == sure.citations
        assert "at most 10.0% are answered wrongly" in held.reason
    own = reply(0.0, abstained=True)
    assert threshold.shown([own]) == [own]


def test_what_made_the_threshold_stands_with_it(run: Run) -> None:
    answers = written(run, judged(40, wrong=0))
    found = calibrate(run, answers, alpha=0.2)
    told, made_by = read_trial(run.path / "calibrate" / "threshold.json")
    assert Guarantee.model_validate(told) == found, "minus infinity too"
    assert made_by is not None and made_by.is_of(run)
    assert made_by.command == f"cauce calibrate run --answers {answers} --alpha 0.2 --among all"
    assert made_by.data_sha256 == sha256_of_file(answers)


def test_a_run_that_was_not_calibrated_has_no_threshold(run: Run) -> None:
    assert Threshold.read(run) is None
    with pytest.raises(NotFound, match="no evaluation of an assistant"):
        calibrate(run)


def test_a_promise_ends_when_the_run_is_trained_anew(run: Run) -> None:
    calibrate(run, written(run, judged(40)))
    run.update_manifest(stages={"train": {"fingerprint": "another"}})
    with pytest.raises(UserError, match="before it was prepared or trained anew"):
        Threshold.read(run)


def test_all_may_be_shown_where_nothing_is_wrong(run: Run) -> None:
    calibrate(run, written(run, judged(40, wrong=0)))
    threshold = Threshold.read(run)
    assert threshold is not None
    assert threshold.shown([reply(0.0)]) == [reply(0.0)]


def test_an_abstention_is_not_wrong(run: Run) -> None:
    rows = [{"id": row["id"], "abstained": True, "confidence": None} for row in judged(5)]
    found = calibrate(run, written(run, [*rows, *judged(30, wrong=0)]))
    assert found.threshold == float("-inf")


def test_each_group_has_a_threshold_and_the_highest_holds(run: Run) -> None:
    rows = [{**row, "group": "es"} for row in judged(40)]
    rows += [{**row, "group": "ca"} for row in judged(40, wrong=20)]
    found = calibrate(run, written(run, rows))
    assert set(found.by_group) == {"es", "ca"}
    assert found.threshold == found.by_group["ca"] > found.by_group["es"]


def test_claims_have_a_threshold_of_their_own(run: Run) -> None:
    claims = [{"score": 0.9, "right": True}, {"score": 0.2, "right": False}]
    found = calibrate(
        run, written(run, [{"id": n, "claims": claims} for n in range(30)]), among="claims"
    )
    assert (found.threshold, found.shown) == (0.2, 0.5)
    assert (run.path / CLAIMS).is_file()
    assert Threshold.read(run) is None


def test_what_is_shown_can_be_promised_too(run: Run) -> None:
    found = calibrate(run, written(run, judged(100, wrong=20)), among="shown")
    assert (found.threshold, found.shown) == (0.24, 0.75)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": 1, "confidence": 0.5}, "line 31: not a JudgedAnswer"),
        ({"id": 1, "claims": []}, "1 of 31 answers have claims"),
        ({"id": 7, "confidence": 0.5, "right": True, "group": "x"}, "30 answers have no group"),
    ],
)
def test_a_line_that_does_not_fit_refuses_the_file(
    run: Run, row: dict[str, object], said: str
) -> None:
    with pytest.raises(DataRefused, match=said):
        calibrate(run, written(run, [*judged(30), row]))
    assert not (run.path / "calibrate").exists()


def test_answers_that_were_held_back_cannot_be_judged(run: Run) -> None:
    calibrate(run, written(run, judged(40)))
    threshold = Threshold.read(run)
    assert threshold is not None
    [held] = threshold.shown([reply(0.0)])
    row = {"id": "q", "abstained": held.abstained, "reason": held.reason, "confidence": 0.0}
    with pytest.raises(DataRefused, match="1 answers were held back by an earlier threshold"):
        calibrate(run, written(run, [*judged(40), row]))


def test_groups_have_no_promise_on_what_is_shown(run: Run) -> None:
    rows = [{**row, "group": "es"} for row in judged(40)]
    with pytest.raises(DataRefused, match="Leave the groups out"):
        calibrate(run, written(run, rows), among="shown")


def test_too_few_are_refused(run: Run) -> None:
    with pytest.raises(UserError, match="24; at least 25 are needed"):
        calibrate(run, written(run, judged(24)))


def test_the_log_of_the_evaluation_is_read(run: Run) -> None:
    items = []
    for place in range(40):
        item = item_of(example(str(place)), reply(place / 40), system="assistant", cpu_s=0)
        right = Score(value=float(place >= 5))
        made_up = Score(value=float(place == 5))
        items.append(
            item.model_copy(
                update={"scores": {"right_drug": right, "unsupported_numbers": made_up}}
            )
        )
    (run.path / "evaluate").mkdir()
    write_items(run.path / "evaluate" / "assistant.jsonl", items)
    assert calibrate(run).threshold == 2 / 40
    write_items(
        run.path / "evaluate" / "assistant.jsonl",
        [item.model_copy(update={"confidence": None}) for item in items],
    )
    with pytest.raises(DataRefused, match="none of 40 answers tells how sure it is"):
        calibrate(run)
