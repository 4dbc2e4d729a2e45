"""Vision-language models in the one loop: added up, interrupted, adapted, refused where untrue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from cauce.corpus.pairs import pair_of
from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused
from cauce.models.adapters import attach
from cauce.models.head import set_aside
from cauce.models.loading import LoadedModel, load_folder
from cauce.models.prediction import predict, refuse_unpackable
from cauce.models.prefix import tokens_of_example
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_tuned
from cauce.training.examples import Examples
from cauce.training.loop import train
from cauce.training.objective import Likelihood, batch_of
from cauce.training.objectives import Pretrain, Sft
from cauce.training.overlap import find_overlaps
from cauce.training.settings import TrainingSettings
from seeing import COLOURS, KINDS, Kind, document_of, make_folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Any:
    made: dict[Kind, Path] = {}

    def folder_of(kind: Kind) -> Path:
        if kind not in made:
            made[kind] = make_folder(kind, tmp_path_factory.mktemp(kind))
        return made[kind]

    return folder_of


def items(loaded: LoadedModel, count: int, *, first: int = 0) -> list[Tokens]:
    colours = list(COLOURS)
    examples = [pair_of(document_of(first + it, colours[it % 3])) for it in range(count)]
    return [tokens_of_example(loaded, it, it.completion) for it in examples if it]


def trained(folder: Path, out: Path, progress: Any = lambda line: None, **settings: Any) -> Any:
    loaded = load_folder(folder, name=str(folder))
    chosen = {"steps": 4, "lr": 5e-3, "precision": "fp32", "evaluate_every": 2, **settings}
    learned, judged = items(loaded, 8), items(loaded, 3, first=100)
    return train(
        loaded, learned, judged, TrainingSettings(**chosen), out, seed=0, progress=progress
    )


def weights(out: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(out / "model" / "model.safetensors")


@pytest.mark.parametrize("kind", KINDS)
def test_batches_added_up_are_one_large_batch(kind, folders):
    loaded = load_folder(folders(kind), name=kind)
    rows = [[item] for item in items(loaded, 4)]
    loss = Likelihood(loaded, Sft(), "fp32").train()
    gradients = []
    for parts in ([rows], [rows[:1], rows[1:3], rows[3:]]):
        loaded.model.zero_grad()
        with set_aside(loss.head):
            for part in parts:
                torch.autograd.backward(loss(batch_of(loaded, part)))
        found = loaded.model.named_parameters()
        gradients.append({name: it.grad.clone() for name, it in found if it.grad is not None})
    whole, added = gradients
    assert whole.keys() == added.keys()
    assert any("vis" in name and it.any() for name, it in whole.items()) or kind == "gemma3"
    for name, gradient in whole.items():
        torch.testing.assert_close(added[name], gradient, rtol=1e-3, atol=1e-5)


def test_a_resumed_training_ends_with_the_bits_of_one_that_was_never_stopped(folders, tmp_path):
    folder = folders("qwen2_5_vl")
    small = {"batch_size": 2, "accumulation": 2, "checkpoint_every": 2, "monitor_every": 0}
    trained(folder, tmp_path / "straight", **small)

    def broken(line: str) -> None:
        if line.startswith("step 4"):
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="the power went"):
        trained(folder, tmp_path / "broken", broken, **small)
    assert trained(folder, tmp_path / "broken", **small)["resumed_from"] == 2
    straight = weights(tmp_path / "straight")
    assert all(torch.equal(it, straight[name]) for name, it in weights(tmp_path / "broken").items())


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_row_says_does_not_depend_on_the_images_beside_it(kind, folders):
    loaded = load_folder(folders(kind), name=kind)
    rows = items(loaded, 3)
    alone = [predict(loaded.model, batch_of(loaded, [[item]]))[0] for item in rows]
    together = predict(loaded.model, batch_of(loaded, [[item] for item in rows]))
    for mine, its, item in zip(alone, together, rows, strict=True):
        torch.testing.assert_close(its[: item.length], mine, rtol=1e-4, atol=1e-5)


def adapted(folder: Path) -> LoadedModel:
    settings = ModelSettings(base=str(folder), adapter="lora", lora_rank=2)
    return attach(load_folder(folder, name=str(folder)), settings, seed=0)


@pytest.mark.parametrize("kind", KINDS)
def test_lora_adapts_the_language_part_alone(kind, folders):
    loaded = adapted(folders(kind))
    names = [name for name, it in loaded.model.named_parameters() if it.requires_grad]
    assert len(names) == 2 * 2 * 7, "two layers of seven matrices"
    assert not [name for name in names if "vision" in name or "connector" in name]


def test_a_lora_comes_back(folders, tmp_path):
    loaded = adapted(folders("llava"))
    quick = TrainingSettings(steps=2, batch_size=2, precision="fp32", monitor_every=0)
    train(loaded, items(loaded, 4), [], quick, tmp_path, seed=0, progress=lambda line: None)
    again = load_tuned(tmp_path / "model")
    batch = batch_of(loaded, [[item] for item in items(loaded, 2)])
    assert torch.equal(predict(again.model, batch), predict(loaded.model, batch))


def test_packed_rows_and_pretraining_are_refused(folders):
    loaded = load_folder(folders("llava"), name="llava")
    with pytest.raises(TrainingRefused, match=r"reads images, and training\.pack_tokens is 64"):
        refuse_unpackable(loaded, 64)
    with pytest.raises(TrainingRefused, match="Set objective to sft"):
        Examples(items(loaded, 1), loaded, Pretrain(), seed="0")


def test_examples_are_copies_where_their_images_are(folders):
    loaded = load_folder(folders("llava"), name="llava")
    learned, held_out = items(loaded, 6), items(loaded, 6, first=3)
    found = find_overlaps(learned, held_out)
    assert [(it.held_out, it.train, it.similarity) for it in found] == [
        (0, 3, 1.0),
        (1, 4, 1.0),
        (2, 5, 1.0),
    ]
