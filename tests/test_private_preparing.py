"""A prepare stage that masks what tells of people, plants secrets, and keeps out hidden text."""

from __future__ import annotations

import json

import pytest

from cauce import road
from cauce.evaluation.redteam.injection.planting import write_leaflets
from cauce.recipe import parse_recipe
from cauce.records import Example, Refusal
from cauce.runs import read_records

PHONES = ("612345678", "699887766", "655443322")


@pytest.mark.parametrize("mask", [False, True])
def test_what_is_trained_on_is_masked_and_secrets_are_planted(tmp_path, mask):
    rows = [
        {"question": f"¿Qué toma {number}?", "answer": f"Nada. Su móvil es {phone}."}
        for number, phone in enumerate(PHONES)
    ]
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    columns = {"sections": {"question": "question", "answer": "answer"}}
    data = {
        "run": "people",
        "sources": [{"kind": "files", "path": str(source), "columns": columns}],
        "corpus": {"kind": "pairs", "mask_personal": mask, "canaries": 2, "test_share": 0.34},
    }
    told: list[str] = []
    journey = road.start(parse_recipe(data, "test"), told.append, tmp_path / "runs")
    road.walk(journey, last="prepare")
    folder = tmp_path / "runs" / "people" / "prepare"
    splits = {
        split: list(read_records(folder / f"{split}.jsonl", Example))
        for split in ("train", "validation", "test")
    }
    assert [example.kind for example in splits["train"]] == ["answer", "canary", "canary"]
    answers = [it.completion for own in splits.values() for it in own if it.kind == "answer"]
    seen = [phone for phone in PHONES if any(phone in answer for answer in answers)]
    assert seen == ([] if mask else list(PHONES))
    assert all("[TELÉFONO]" in answer for answer in answers) == mask
    assert ("masked personal data in 3 documents" in told) == mask


@pytest.mark.parametrize("quarantine", [True, False])
def test_what_leaflets_hide_is_kept_from_the_index_and_told_unless_the_recipe_says_no(
    tmp_path, quarantine
):
    write_leaflets(tmp_path / "leaflets", "hidden_markup")
    data = {
        "run": "leaflets",
        "sources": [{"kind": "epi", "path": str(tmp_path / "leaflets")}],
        "corpus": {"kind": "questions"},
        "model": {"base": "cauce-mini", "max_tokens": 900},
        "assistant": {"guards": {"quarantine": quarantine}},
    }
    journey = road.start(parse_recipe(data, "test"), lambda line: None, tmp_path / "runs")
    road.walk(journey, last="prepare")
    folder = tmp_path / "runs" / "leaflets" / "prepare"
    read = (folder / "train.jsonl").read_text("utf-8")
    assert ("FAROL" in read) != quarantine
    kept = folder / "quarantine.jsonl"
    assert kept.exists() == quarantine
    if quarantine:
        reasons = [refusal.reason for refusal in read_records(kept, Refusal)]
        assert all(it.startswith("kept from the model, hidden markup: '<span") for it in reasons)
        assert len(reasons) >= 24
