"""What a run's model gives away: one that knows its examples by heart, and one that learnt none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cauce.corpus.tokens import tokenize
from cauce.errors import NotFound
from cauce.evaluation.made_by import read_trial
from cauce.evaluation.privacy import adapter
from cauce.evaluation.privacy.adapter import CANARY, canary_examples, privacy
from cauce.models.loading import LoadedModel
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, save_tuned
from cauce.records import Citation, Example, Message
from cauce.runs import Run, write_records
from models.tiny import tiny_model
from training.engines import alone, engine_of

WORDS = "fiebre tos dolor mareo pastilla jarabe crema gotas agua sal pan leche".split()  # noqa: SIM905
PHONES = ("612345678", "699887766", "655443322", "677889900")


def example(number: int, completion: str, group: str) -> Example:
    asked = Message(role="user", content=f"Caso {number}?")
    cited = Citation(source="x", id=str(number), version="", section="", quote="")
    return Example(
        id=f"e{number}",
        messages=(asked,),
        completion=completion,
        question=asked.content,
        evidence=cited,
        group=group,
        kind="answer",
        language="es",
    )


def examples(start: int, count: int) -> list[Example]:
    """Texts of random words, two to a group."""
    draw = torch.Generator().manual_seed(start)
    found = []
    for number in range(start, start + count):
        picked = torch.randint(len(WORDS), (6,), generator=draw).tolist()
        words = " ".join(WORDS[place] for place in picked)
        found.append(example(number, words, f"g{number // 2}"))
    return found


def learn(loaded: LoadedModel, items: list[Example], steps: int) -> None:
    tokens = [
        tokenize(
            loaded.tokenizer, it.messages, it.completion, is_encoder_decoder=False, max_tokens=512
        )
        for it in items
    ]
    with engine_of(loaded, lr=1e-2) as engine:
        for _ in range(steps):
            engine.optimizer.zero_grad()
            engine.accumulate_gradients([alone(tokens)])
            engine.optimizer.step()


def run_of(folder: Path, *, steps: int) -> Run:
    """A run whose model has learned its examples for so many steps from a tiny base."""
    base = tiny_model("llama")
    save_tuned(base, folder / "base")
    loaded = load_base(ModelSettings(base=str(folder / "base")))
    told = [
        example(100 + number, f"Su móvil es {phone}", f"p{number}")
        for number, phone in enumerate(PHONES)
    ]
    learned = [*examples(0, 16), *told, *canary_examples(1, seed=3)]
    if steps:
        learn(loaded, learned, steps)
    run = Run(folder / "run")
    save_tuned(loaded, run.folder("train") / "model")
    write_records(run.folder("prepare") / "train.jsonl", learned)
    write_records(run.path / "prepare" / "validation.jsonl", examples(30, 8))
    write_records(run.path / "prepare" / "test.jsonl", examples(40, 12))
    return run


def test_a_model_that_knows_its_examples_is_red_and_its_secrets_come_out(tmp_path, monkeypatch):
    monkeypatch.setattr(adapter, "CANDIDATES", 255)
    scores = privacy(run_of(tmp_path, steps=70), batch_size=128)
    told = scores["membership"]
    assert told["is_red"]
    assert told["tuned"]["auc"]["value"] > 0.9
    assert told["reference"]["auc"]["low"] > told["red_above"] > told["base"]["auc"]["low"]
    assert scores["exposure"]["tuned"][0]["value"] > 6 > scores["exposure"]["base"][0]["value"]
    assert scores["personal"]["base"]["value"] == 0
    assert scores["personal"]["tuned"]["value"] >= 0.75
    assert scores["personal"]["tuned"]["n"] == len(PHONES)
    written, made_by = read_trial(tmp_path / "run" / "privacy" / "scores.json")
    assert written == scores
    assert made_by is not None and made_by.is_of(Run(tmp_path / "run"))
    assert (made_by.command, bool(made_by.data_sha256)) == ("cauce privacy run", True)


def test_a_model_that_learned_nothing_gives_nothing_away(tmp_path, monkeypatch):
    monkeypatch.setattr(adapter, "CANDIDATES", 15)
    scores = privacy(run_of(tmp_path, steps=0), batch_size=128)
    told = scores["membership"]
    assert told["reference"]["auc"]["value"] == 0.5
    assert told["tuned"] == told["base"]
    assert scores["exposure"]["tuned"] == scores["exposure"]["base"]
    assert scores["examples"] == {"members": 20, "others": 20, "personal": 4}


def test_a_run_without_a_model_is_told_to_train(tmp_path):
    with pytest.raises(NotFound, match="no trained model"):
        privacy(Run(tmp_path))


def test_canaries_are_the_same_each_time_and_differ_by_seed():
    two = list(canary_examples(2, seed=0))
    assert two == list(canary_examples(2, seed=0))
    assert {it.group for it in two} == {CANARY}
    numbers = {it.completion for it in [*two, *canary_examples(2, seed=1)]}
    assert len(numbers) == 4
