from __future__ import annotations

import json

import pytest

from cauce.errors import DataRefused, UserError
from cauce.twin.scales.files import scale_answers, scale_file


def test_each_line_of_answers_becomes_a_total(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text(
        '{"id": 1, "answers": {"level": 4}}\n\n{"id": "b", "answers": {"level": null}}\n', "utf-8"
    )
    first, second = map(json.loads, scale_file("clinical-frailty", path))
    assert first == {
        "id": 1,
        "scale": "clinical-frailty",
        "total": 4,
        "band": "very_mild",
        "missing": [],
        "lowest": 4,
        "highest": 4,
    }
    assert (second["total"], second["missing"]) == (None, ["level"])
    assert (second["lowest"], second["highest"]) == (1, 9)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("level 4", "not answers to a scale"),
        ('{"id": 1}', "not answers to a scale"),
        ('{"id": 1, "answers": [4]}', "not answers to a scale"),
        ('{"id": 1, "answers": {"level": [4]}}', "not answers to a scale"),
        ('{"id": 1, "answers": {"level": 12}}', "level has no option"),
        ('{"id": 1, "answers": {"stage": 4}}', "no item 'stage'"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_place(tmp_path, line, reason):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"id": 0, "answers": {"level": 1}}\n' + line, "utf-8")
    totals = scale_file("clinical-frailty", path)
    next(totals)
    with pytest.raises(DataRefused, match=rf"answers.jsonl, line 2:\s.*{reason}"):
        next(totals)


def test_answers_may_be_written_on_the_command_line():
    row = json.loads(scale_answers("frail", ["fatigue=1", "weight_loss=no"]))
    assert (row["total"], row["lowest"], row["highest"]) == (None, 1, 4)


@pytest.mark.parametrize("answers", [["fatigue"], ["fatigue=1", "fatigue=0"]])
def test_what_is_no_answer_is_refused(answers):
    with pytest.raises(UserError, match="is no answer"):
        scale_answers("frail", answers)
