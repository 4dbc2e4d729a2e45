"""The road of judged answers: from lines of JSON to a tuned model, alone and at two sites."""

from __future__ import annotations

import json

import pytest

from cauce.errors import DataRefused, RecipeError, TrainingRefused
from cauce.federating import simulate
from cauce.recipe import parse_recipe
from cauce.records import Example
from cauce.road import start, walk
from cauce.runs import read_records
from models.tiny import tiny_model
from training.judged import CHECKS, log


def write(path, count, **changes):
    rows = [
        {
            "prompt": f"¿Qué dosis de ibuprofeno {number}?",
            "chosen": f"Se toman {number} mg al día.",
            "rejected": "Mucha" + " y más" * (number % 4),
            **changes,
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def recipe(tmp_path):
    loaded = tiny_model("gpt2")
    for part in (loaded.model, loaded.tokenizer):
        part.save_pretrained(tmp_path / "tiny")
    write(tmp_path / "judged.jsonl", 24)
    return {
        "run": "judged",
        "sources": [{"kind": "preferences", "path": str(tmp_path / "judged.jsonl")}],
        "corpus": {"kind": "preferences"},
        "model": {"base": str(tmp_path / "tiny"), "adapter": "lora", "lora_rank": 4},
        "training": {
            "objective": {"kind": "dpo"}, "batch_size": 4, "steps": 4, "lr": 5e-3,
            "precision": "fp32", "compile": False, "evaluate_every": 2,
        },
        "evaluation": {"max_new_tokens": 4, "max_items": 3},
    }  # fmt: skip


def test_the_whole_road(recipe, tmp_path):
    parsed = parse_recipe(recipe, "test")
    journey = start(parsed, lambda line: None, tmp_path / "runs")
    walk(journey)
    stages = journey.run.manifest["stages"]
    assert stages["prepare"]["summary"]["examples"] == {"train": 17, "validation": 2, "test": 5}
    assert log(journey.run.path / "train")[-1]["validation_accuracy"] == 1.0
    assert (journey.run.path / "train/reference/reference.json").is_file()
    [*examples] = read_records(journey.run.path / "prepare/train.jsonl", Example)
    assert all(it.rejected for it in examples)


def test_long_answers_are_left_out_whichever_they_are(recipe, tmp_path):
    lines = (tmp_path / "judged.jsonl").read_text()
    long = {"prompt": "¿Larga?", "chosen": "Sí.", "rejected": "muy " * 200}
    (tmp_path / "judged.jsonl").write_text(lines + json.dumps(long))
    recipe["model"]["max_tokens"] = 200
    journey = start(parse_recipe(recipe, "test"), lambda line: None, tmp_path / "runs")
    walk(journey, "prepare")
    assert journey.run.manifest["stages"]["prepare"]["summary"]["too_long"] == 1


def test_two_sites_learn_from_what_theirs_liked(recipe, tmp_path):
    sites = {name: str(tmp_path / f"{name}.jsonl") for name in ("norte", "sur")}
    for name in sites:
        write(tmp_path / f"{name}.jsonl", 18, chosen=f"Se toma como dice {name}.")
    recipe["federated"] = {
        "sites": sites, "rounds": 2, "steps": 1, "personal_steps": 0, "gate": "report",
    }  # fmt: skip
    result = simulate(parse_recipe(recipe, "test"), lambda line: None, tmp_path / "runs")
    assert sorted(result.sites) == ["norte", "sur"]
    home = tmp_path / "runs/judged/sites/norte/federated"
    kept = {it.parent.relative_to(home).as_posix() for it in home.rglob("reference.json")}
    assert kept == {"reference", "reference-validation"}


def test_what_is_liked_alone_is_refused_by_dpo_and_taken_by_kto(recipe, tmp_path):
    rows = [
        {"prompt": f"¿{n}?", "completion": f"Son {n} mg.", "label": n % 2 == 0} for n in range(20)
    ]
    (tmp_path / "judged.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    journey = start(parse_recipe(recipe, "test"), lambda line: None, tmp_path / "runs")
    with pytest.raises(TrainingRefused, match=r"Set objective\.kind to kto"):
        walk(journey, "train")
    recipe["training"]["objective"] = {"kind": "kto"}
    walk(start(parse_recipe(recipe, "test"), lambda line: None, tmp_path / "runs"), "train")


def test_a_source_without_judgements_is_refused(recipe, tmp_path):
    (tmp_path / "judged.jsonl").write_text('{"prompt": "¿Y?", "chosen": "Sí."}\n')
    journey = start(parse_recipe(recipe, "test"), lambda line: None, tmp_path / "runs")
    with pytest.raises(DataRefused, match="holds no judged answer"):
        walk(journey, "prepare")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"corpus": {"kind": "pairs"}}, "set corpus.kind to preferences"),
        ({"training": {"objective": {"kind": "sft"}}}, "set it to dpo, kto or grpo"),
        (
            {
                "training": {"objective": {"kind": "grpo", "beta": 0.1, **CHECKS}},
                "model": {"adapter": "none"},
            },
            "set model.adapter to lora, or beta to 0",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(recipe, changes, said):
    with pytest.raises(RecipeError, match=said):
        parse_recipe({**recipe, **changes}, "test")
