"""The one loop trains a prefix: accumulated, packed and resumed as any other model."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor
from torch.testing import assert_close

from cauce.corpus.tokens import Tokens
from cauce.errors import Interrupted
from cauce.models.adapters import attach
from cauce.models.loading import LoadedModel
from cauce.models.prefix import add_prefix, scales_of, show
from cauce.models.settings import ModelSettings
from cauce.records import Measurements
from cauce.training.loop import train
from cauce.training.settings import TrainingSettings
from models.tiny import tiny_model
from training.examples import chats

SERIES = [Measurements.of_text(f"glucose 0:{90 + 9 * n} {n + 1}:{200 - 7 * n}") for n in range(12)]


def prepared(kind: str = "llama", adapter: str = "none") -> tuple[LoadedModel, list[Tokens]]:
    loaded = add_prefix(tiny_model(kind), scales_of(SERIES), vectors=4, seed=0)
    loaded = attach(loaded, ModelSettings(adapter=adapter, lora_rank=2), seed=0)
    items = [
        item._replace(prompt=[*show(loaded, one), *item.prompt])
        for one, item in zip(SERIES, chats(loaded, len(SERIES)), strict=True)
    ]
    return loaded, items


def trained(
    folder: Path,
    kind: str = "llama",
    adapter: str = "none",
    *,
    progress: Callable[[str], None] = len,
    **changes: Any,
) -> dict[str, Tensor]:
    """The prefix that a short training leaves."""
    loaded, items = prepared(kind, adapter)
    changed = {"steps": 4, "batch_size": 4, "lr": 1e-2, "precision": "fp32", **changes}
    settings = TrainingSettings.model_validate(changed)
    train(loaded, items[:10], items[10:], settings, folder, seed=0, progress=progress)
    return load_file(folder / "model" / "prefix.safetensors")


def losses(folder: Path) -> list[float]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


@pytest.mark.parametrize(("kind", "adapter"), [("llama", "none"), ("t5", "lora")])
def test_it_learns_and_the_log_tells(kind, adapter, tmp_path):
    trained(tmp_path, kind, adapter, steps=6, batch_size=10, lr=5e-2)
    assert losses(tmp_path)[-1] < losses(tmp_path)[0] - 0.01


def test_accumulated_batches_are_one_batch(tmp_path):
    whole = trained(tmp_path / "a", batch_size=10, steps=2)
    parts = trained(tmp_path / "b", batch_size=2, accumulation=5, steps=2)
    assert losses(tmp_path / "a") == pytest.approx(losses(tmp_path / "b"), rel=1e-5)
    assert_close(parts, whole, rtol=1e-3, atol=1e-4)


def test_packed_rows_are_those_of_each_alone(tmp_path):
    alone = trained(tmp_path / "a", batch_size=10, steps=2)
    packed = trained(tmp_path / "b", pack_tokens=128, batch_size=32, steps=2)
    assert_close(packed, alone, rtol=1e-3, atol=1e-4)


def test_resumed_it_ends_with_the_weights_of_one_that_was_never_stopped(tmp_path):
    options = {"checkpoint_every": 2, "evaluate_every": 2}
    straight = trained(tmp_path / "straight", **options)

    def stop(line: str) -> None:
        if line.startswith("step 2 "):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted, match="SIGTERM after step 2 of 4"):
        trained(tmp_path / "resumed", progress=stop, **options)
    resumed = trained(tmp_path / "resumed", **options)
    assert_close(resumed, straight, rtol=0, atol=0)
