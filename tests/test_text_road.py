"""The road of a new model on plain text, and of one that is adapted to it; seconds in all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from cauce import road
from cauce.assistant.assistant import Assistant
from cauce.corpus.rows import TextRows
from cauce.corpus.tokenizer import make_tokenizer
from cauce.errors import DataRefused, NotFound
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_tuned
from cauce.recipe import load_recipe, parse_recipe
from cauce.runs import STAGES, Run

LLAMA = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
RECIPE: dict[str, Any] = {
    "run": "text",
    "corpus": {"kind": "text", "row_tokens": 32, "validation_share": 0.2, "test_share": 0.2},
    "model": {"new": {"architecture": "llama", "vocabulary": 320, "config": LLAMA}},
    "training": {
        "objective": {"kind": "pretrain"},
        "steps": 5,
        "batch_size": 4,
        "lr": 1e-2,
        "evaluate_every": 5,
    },
    "evaluation": {"max_items": 4, "max_new_tokens": 4, "bootstrap_draws": 100},
}


def chapter(number: int) -> str:
    words = (f"{word} {number * k}" for k, word in enumerate(("sal", "mar", "sol") * 9))
    return f"El capítulo {number} trata de {number**2} niños.\n" + " ".join(words)


def walked(folder: Path, lines: list[str], last: str = "report", **sections: Any) -> Run:
    path = folder / "texts.txt"
    if not path.exists():
        path.write_text("\n\n".join(map(chapter, range(10))))
    source = {"path": str(path), "separator": "\n\n", "language": "es"}
    recipe = parse_recipe({**RECIPE, "sources": [source], **sections}, "text.yaml")
    journey = road.start(recipe, lines.append, folder / "runs")
    road.walk(journey, last)
    return journey.run


def sums(path: Path, *others: dict[str, str]) -> dict[str, Any]:
    """A source of twenty questions with their answers, and of `others`."""
    rows = [
        {"question": f"¿Cuánto es {n} más {n}?", "answer": f"Es {2 * n}."} for n in range(20, 40)
    ]
    path.write_text("\n".join(map(json.dumps, [*rows, *others])))
    columns = {"sections": {"question": "question", "answer": "answer"}}
    return {"path": str(path), "columns": columns, "language": "es"}


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Run:
    return walked(tmp_path_factory.mktemp("text"), [])


def test_the_road_ends_in_its_report(done):
    assert set(done.manifest["stages"]) == set(STAGES)
    summary = done.manifest["stages"]["prepare"]["summary"]
    assert summary["documents"] == {"train": 6, "validation": 2, "test": 2}
    assert summary["repeated"] == {"validation": 0, "test": 0}
    scores = json.loads((done.path / "evaluate" / "scores.json").read_bytes())["systems"]
    assert set(scores) == {"base", "tuned"}
    assert scores["tuned"]["metrics"]["bits_per_byte"]["value"] > 0


def test_the_untrained_model_is_the_base_and_training_moved_it(done):
    base = load_base(ModelSettings(base=str(done.path / "prepare" / "model")))
    tuned = load_tuned(done.path / "train" / "model")
    assert base.tokenizer.get_vocab() == tuned.tokenizer.get_vocab()
    assert any(
        not torch.equal(weight, tuned.bare.get_parameter(name))
        for name, weight in base.bare.named_parameters()
    )
    train = done.manifest["stages"]["train"]["summary"]
    assert train["best_validation_loss"] < train["first_validation_loss"]
    rows = TextRows.open(done.path / "prepare", "train")
    assert train["supervised_tokens_seen"] <= rows.learned_tokens


def test_nothing_that_has_not_changed_is_done_again(done):
    lines: list[str] = []
    walked(done.path.parent.parent, lines)
    assert lines == [f"{stage}: nothing has changed, nothing to do" for stage in STAGES]


def test_the_recipe_that_is_kept_can_be_walked_again(done):
    recipe = load_recipe(done.path / "recipe.yaml")
    assert (recipe.model.base, recipe.corpus.kind) == ("", "text")


def test_such_a_run_has_no_assistant(done):
    with pytest.raises(NotFound, match=r"has no index of sections.*\n.*corpus\.kind"):
        Assistant.load(done)


def test_an_encoder_decoder_is_pretrained_by_its_gaps(tmp_path):
    t5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    new = {"architecture": "t5", "vocabulary": 400, "config": t5}
    run = walked(tmp_path, [], "train", model={"new": new})
    assert load_tuned(run.path / "train" / "model").is_encoder_decoder


def test_an_encoder_decoder_from_nothing_learns_text_and_then_pairs(tmp_path):
    config = {
        "encoder_mixers": ["convolution", "attention"],
        "mixers": ["convolution", "attention"],
        "hidden_size": 32,
        "intermediate_size": 32,
        "window": 16,
        "expert_layers": [1],
        "num_experts": 4,
    }
    new = {"architecture": "liquid_foundation", "vocabulary": 400, "config": config}
    training = {**RECIPE["training"], "optimizer": "muon", "lr": 4e-3, "schedule": "wsd"}
    text = walked(tmp_path, [], "train", model={"new": new}, training=training)
    summary = text.manifest["stages"]["train"]["summary"]
    assert summary["best_validation_loss"] < summary["first_validation_loss"]
    pairs = walked(
        tmp_path,
        [],
        run="pairs",
        sources=[sums(tmp_path / "pairs.jsonl")],
        corpus={"kind": "pairs"},
        model={"base": str(text.path / "train" / "model")},
        training={"steps": 8, "batch_size": 4, "lr": 3e-3, "pack_tokens": 64},
    )
    assert load_tuned(pairs.path / "train" / "model").is_encoder_decoder
    scores = json.loads((pairs.path / "evaluate" / "scores.json").read_bytes())["systems"]
    losses = [scores[name]["metrics"]["loss"]["value"] for name in ("base", "tuned")]
    assert losses[1] < losses[0]


def test_a_new_model_learns_pairs_with_a_tokenizer_that_was_made(tmp_path):
    odd = {"question": "¿Qué cierra?", "answer": "Esto: <|end|> y más."}
    source = sums(tmp_path / "pairs.jsonl", odd)
    texts = [(tmp_path / "pairs.jsonl").read_text()]
    make_tokenizer(texts, vocabulary=300).save_pretrained(tmp_path / "made")
    new = {"architecture": "llama", "tokenizer": str(tmp_path / "made"), "config": LLAMA}
    run = walked(
        tmp_path,
        [],
        sources=[source],
        corpus={"kind": "pairs"},
        model={"new": new},
        training={"steps": 2, "batch_size": 2, "evaluate_every": 2},
    )
    summary = run.manifest["stages"]["prepare"]["summary"]
    assert (sum(summary["examples"].values()), summary["too_long"]) == (20, 1)
    scores = json.loads((run.path / "evaluate" / "scores.json").read_bytes())["systems"]
    assert set(scores) == {"base", "tuned"}


def test_a_model_that_exists_goes_on_with_text(done, tmp_path):
    model = {"base": str(done.path / "train" / "model"), "adapter": "lora"}
    run = walked(tmp_path, [], "train", model=model)
    assert load_tuned(run.path / "train" / "model").adapter == "lora"
    assert not (run.path / "prepare" / "model").exists()


def test_held_out_rows_that_are_trained_too_are_left_out(tmp_path):
    folder = tmp_path / "same"
    folder.mkdir()
    text = "Se permite la copia de este texto, entera y sin cambios, a quien la quiera. "
    for name, words in (("a", "uno"), ("b", "dos"), ("c", "tres")):
        (folder / f"{name}.txt").write_text(text * 4 + f"{words} " * 40)
    sources = [
        {"path": str(folder / f"{name}.txt"), "split": split}
        for name, split in (("a", "train"), ("b", "validation"), ("c", "test"))
    ]
    run = walked(tmp_path, [], "train", sources=sources)
    summary = run.manifest["stages"]["prepare"]["summary"]
    for split in ("validation", "test"):
        rows = TextRows.open(run.path / "prepare", split)
        assert summary["repeated"][split] == summary["rows"][split] - len(rows) > 0


def test_a_split_of_copies_is_refused(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text("Siempre el mismo texto, palabra por palabra. " * 9)
    sources = [
        {"path": str(tmp_path / f"{name}.txt"), "split": split}
        for name, split in (("a", "train"), ("b", "validation"), ("c", "test"))
    ]
    with pytest.raises(DataRefused, match=r"all \d+ rows of validation stand in the training rows"):
        walked(tmp_path, [], "prepare", sources=sources)
