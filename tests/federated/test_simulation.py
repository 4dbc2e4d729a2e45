"""A recipe at three sites on one machine, to the model that each keeps."""

import json

import pytest

from cauce.errors import RecipeError
from cauce.federated.fairness import result_table
from cauce.federating import job_id, simulate
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_tuned
from cauce.recipe import parse_recipe
from models.tiny import tiny_model


def rows(topic, count):
    return "".join(
        json.dumps({"id": f"{topic} {n}", "q": f"¿{topic} {n}?", "a": f"{topic} sí {n % 3}."})
        + "\n"
        for n in range(count)
    )


@pytest.fixture
def recipe(tmp_path):
    for site, topic in (("norte", "agua"), ("sur", "dolor"), ("este", "dosis")):
        (tmp_path / f"{site}.jsonl").write_text(rows(topic, 24))
    tiny = tmp_path / "tiny"
    loaded = tiny_model("gpt2")
    loaded.model.save_pretrained(tiny)
    loaded.tokenizer.save_pretrained(tiny)
    return {
        "run": "hospitals",
        "sources": [
            {
                "kind": "files",
                "path": str(tmp_path / "norte.jsonl"),
                "columns": {"id": "id", "sections": {"q": "question", "a": "answer"}},
                "language": "es",
            }
        ],
        "corpus": {"kind": "pairs"},
        "model": ModelSettings(base=str(tiny), adapter="lora", lora_rank=4).model_dump(mode="json"),
        "training": {"batch_size": 4, "lr": 5e-3, "precision": "fp32", "compile": False},
        "federated": {
            "sites": {site: str(tmp_path / f"{site}.jsonl") for site in ("norte", "sur", "este")},
            "rounds": 2,
            "steps": 2,
            "personal_steps": 2,
        },
    }


def test_a_simulation_ends_with_the_models_that_are_kept(recipe, tmp_path):
    parsed = parse_recipe(recipe, "test")
    result = simulate(parsed, lambda line: None, tmp_path / "runs")
    assert sorted(result.sites) == ["este", "norte", "sur"]
    assert [line.split()[0] for line in result_table(result).splitlines()[1:4]] == [
        "este", "norte", "sur",
    ]  # fmt: skip
    for site in result.sites:
        assert load_tuned(tmp_path / f"runs/hospitals/sites/{site}/train/model").adapter == "lora"
    load_tuned(tmp_path / "runs/hospitals/train/model")
    again = simulate(parsed, pytest.fail, tmp_path / "runs")
    assert again == result


def test_a_job_is_named_by_what_all_sites_share(recipe):
    first = job_id(parse_recipe(recipe, "test"))
    recipe["sources"][0]["path"] = "elsewhere"
    recipe["run"] = "other"
    assert job_id(parse_recipe(recipe, "test")) == first
    recipe["training"]["lr"] = 1e-3
    assert job_id(parse_recipe(recipe, "test")) != first


def test_what_cannot_be_shared_is_refused(recipe, tmp_path):
    recipe["federated"]["sites"] = {"norte": "x"}
    with pytest.raises(RecipeError, match="names 1 sites; a simulation needs two"):
        simulate(parse_recipe(recipe, "test"), print, tmp_path)
    recipe["federated"]["sites"] = {"norte": "x", "sur": "y", "este": "z"}
    recipe["federated"]["secure"] = True
    with pytest.raises(RecipeError, match=r"federated\.aggregation is exact, which needs each"):
        simulate(parse_recipe(recipe, "test"), print, tmp_path)
