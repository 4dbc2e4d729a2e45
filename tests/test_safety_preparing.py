"""A prepare stage that mixes safety examples into what is learned, and into nothing else."""

from __future__ import annotations

import json

from cauce import road
from cauce.recipe import parse_recipe
from cauce.records import Example
from cauce.runs import read_records


def test_safety_examples_are_learned_and_neither_judged_by_nor_evaluated_on(tmp_path):
    source = tmp_path / "rows.jsonl"
    rows = [
        {"question": f"¿Dónde guardo la caja {number}?", "answer": f"En el estante {number}."}
        for number in range(30)
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    columns = {"sections": {"question": "question", "answer": "answer"}}
    data = {
        "run": "safe",
        "sources": [{"kind": "files", "path": str(source), "columns": columns}],
        "corpus": {"kind": "pairs", "safety_share": 0.2},
    }
    told: list[str] = []
    journey = road.start(parse_recipe(data, "test"), told.append, tmp_path / "runs")
    road.walk(journey, last="prepare")
    folder = tmp_path / "runs" / "safe" / "prepare"
    kinds = {
        split: [example.kind for example in read_records(folder / f"{split}.jsonl", Example)]
        for split in ("train", "validation", "test")
    }
    added = kinds["train"].count("safety")
    assert added == round(kinds["train"].count("answer") / 4) > 0
    assert {*kinds["validation"], *kinds["test"]} == {"answer"}
    summary = journey.run.manifest["stages"]["prepare"]["summary"]
    assert summary["safety_examples"] == added
    share = added / len(kinds["train"])
    assert f"added {added} safety examples: {share:.1%} of what is learned" in told
