"""Other models are asked what base and tuned are asked, and stand in the same table."""

import json

import pytest

from cauce import road
from cauce.errors import NotFound, RecipeError
from cauce.evaluation.compare import compare_all, read_logs
from cauce.evaluation.summary import scores_table
from cauce.recipe import parse_recipe
from models.tiny import tiny_model


@pytest.fixture
def described(tmp_path):
    rows = [{"id": f"{n}", "q": f"¿Dosis {n}?", "a": f"Tome {n % 5} al día."} for n in range(30)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for kind in ("gpt2", "t5"):
        loaded = tiny_model(kind)
        loaded.model.save_pretrained(tmp_path / kind)
        loaded.tokenizer.save_pretrained(tmp_path / kind)
    return {
        "run": "beside",
        "sources": [
            {
                "kind": "files",
                "path": str(tmp_path / "rows.jsonl"),
                "columns": {"id": "id", "sections": {"q": "question", "a": "answer"}},
                "language": "es",
            }
        ],
        "corpus": {"kind": "pairs"},
        "model": {"base": str(tmp_path / "gpt2")},
        "training": {"steps": 2, "batch_size": 4, "compile": False, "precision": "fp32"},
        "evaluation": {
            "beside": [str(tmp_path / "t5")], "max_new_tokens": 6, "bootstrap_draws": 200,
        },
    }  # fmt: skip


def test_a_model_beside_is_asked_the_same(described, tmp_path):
    recipe = parse_recipe(described, "test")
    journey = road.start(recipe, lambda line: None, tmp_path / "runs")
    road.walk(journey, "evaluate")
    folder = journey.run.path / "evaluate"
    systems = json.loads((folder / "scores.json").read_text())["systems"]
    (other,) = [name for name in systems if name not in ("base", "tuned")]
    assert other.endswith("t5")
    assert other in scores_table(folder / "scores.json")
    logs = read_logs([(name, folder / f"{name}.jsonl") for name in ("base", "tuned", other)])
    assert [it.b for it in compare_all(logs, draws=200)] == ["tuned", other]


def test_a_model_that_is_not_there_is_refused_before_any_work(described, tmp_path):
    described["evaluation"]["beside"] = ["nobody/nothing"]
    with pytest.raises(NotFound, match="no model 'nobody/nothing'"):
        road.start(parse_recipe(described, "test"), print, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_text_is_not_asked_of_other_models(described):
    described["corpus"] = {"kind": "text"}
    described["training"]["objective"] = {"kind": "pretrain"}
    with pytest.raises(RecipeError, match=r"evaluation\.beside names models"):
        parse_recipe(described, "test")
