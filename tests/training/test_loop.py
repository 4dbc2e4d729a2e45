from __future__ import annotations

import json
import sys

import pytest
import torch

from cauce.errors import MissingExtra, TrainingRefused
from cauce.models.adapters import attach, load_trainable
from cauce.models.loading import load_tuned, save_tuned
from cauce.models.settings import ModelSettings
from cauce.training.log import TrainingLog, open_writers
from cauce.training.loop import train
from cauce.training.objective import mean_loss
from cauce.training.settings import TrainingSettings
from models.tiny import logits, tiny_decoder, tiny_model
from training.examples import chats


def run(loaded, folder, *, validation=4, progress=lambda line: None, **settings):
    items = chats(loaded, 16 + validation)
    checked = TrainingSettings.model_validate({"batch_size": 4, "lr": 1e-2, **settings})
    return train(loaded, items[:16], items[16:], checked, folder, seed=2, progress=progress)


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["gpt2", "llama", "mistral", "biogpt", "t5"])
def test_training_lowers_the_loss_and_saves_what_is_in_memory(kind, tmp_path):
    loaded = tiny_model(kind)
    summary = run(loaded, tmp_path, epochs=6)
    assert summary["best_validation_loss"] < 0.8 * summary["first_validation_loss"]
    assert (summary["steps"], summary["stopped"]) == (24, "max_steps")
    assert summary["parameters"] == summary["trainable_parameters"]
    assert torch.equal(logits(load_tuned(tmp_path / "model")), logits(loaded))


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_lora_training_changes_the_adapter_alone(kind, tmp_path):
    save_tuned(tiny_model(kind), tmp_path / "base")
    settings = ModelSettings(base=str(tmp_path / "base"), adapter="lora", lora_rank=4)
    loaded = load_trainable(settings, seed=2)
    frozen = {name: w.clone() for name, w in loaded.model.named_parameters() if not w.requires_grad}
    summary = run(loaded, tmp_path / "train", epochs=2)
    assert summary["trainable_parameters"] < summary["parameters"]
    after = dict(loaded.model.named_parameters())
    assert all(torch.equal(after[name], weight) for name, weight in frozen.items())
    assert torch.equal(logits(load_tuned(tmp_path / "train" / "model")), logits(loaded))


def test_log_lines_hold_what_the_report_draws(tmp_path):
    summary = run(tiny_decoder("gpt2"), tmp_path, steps=4, evaluate_every=2)
    lines = log_of(tmp_path)
    steps = [line for line in lines if "loss" in line]
    checks = [line for line in lines if "validation_loss" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4]
    assert set(steps[0]) == {"step", "epoch", "loss", "lr", "grad_norm", "tokens", "cpu_s"}
    assert [line["step"] for line in checks] == [0, 2, 4]
    assert sum(line["tokens"] for line in steps) == summary["supervised_tokens_seen"]
    assert checks[0]["validation_loss"] == summary["first_validation_loss"]


def test_accumulated_training_equals_that_of_large_batches(tmp_path):
    one, many = tiny_decoder("llama"), tiny_decoder("llama")
    run(one, tmp_path / "one", batch_size=16, epochs=3, precision="fp32")
    run(many, tmp_path / "many", batch_size=3, accumulation=6, epochs=3, precision="fp32")
    assert torch.allclose(logits(one), logits(many), atol=1e-4)


def overfit(loaded, folder, progress=lambda line: None):
    """A training whose validation contradicts it, so that the best weights come early."""
    items = chats(loaded, 4)
    contrary = [item._replace(completion=[*reversed(item.completion[:-1]), 2]) for item in items]
    settings = TrainingSettings(
        batch_size=4,
        steps=60,
        lr=2e-2,
        schedule="constant",
        evaluate_every=1,
        patience=3,
        checkpoint_every=1,
        precision="fp32",
    )
    summary = train(loaded, items, contrary, settings, folder, seed=2, progress=progress)
    return summary, mean_loss(loaded, [contrary], "fp32").loss


def test_early_stopping_returns_the_best_weights(tmp_path):
    summary, loss = overfit(tiny_decoder("gpt2"), tmp_path)
    assert summary["stopped"] == "early"
    assert summary["best_step"] == summary["steps"] - 3 < 57
    lines = [line for line in log_of(tmp_path) if "validation_loss" in line and line["step"]]
    assert loss == pytest.approx(min(line["validation_loss"] for line in lines))
    assert loss == pytest.approx(summary["best_validation_loss"])


def test_best_weights_survive_a_crash_after_them(tmp_path):
    straight = tiny_decoder("gpt2")
    summary, _ = overfit(straight, tmp_path / "straight")

    def crash(line):
        if line.startswith(f"step {summary['best_step'] + 3} "):
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        overfit(tiny_decoder("gpt2"), tmp_path / "crashed", crash)
    resumed = tiny_decoder("gpt2")
    again, _ = overfit(resumed, tmp_path / "crashed")
    assert again["resumed_from"] == summary["best_step"] + 2
    assert again["best_step"] == summary["best_step"]
    assert torch.equal(logits(resumed), logits(straight))


def test_without_validation_the_last_weights_stay(tmp_path):
    summary = run(tiny_decoder("gpt2"), tmp_path, validation=0, steps=3)
    assert summary["best_validation_loss"] is None
    assert summary["best_step"] == 0


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    run(tiny_decoder("gpt2"), tmp_path, steps=7, checkpoint_every=2, keep_checkpoints=2)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["step-000006", "step-000007"]


def test_a_training_that_diverges_is_stopped(tmp_path):
    loaded = tiny_decoder("gpt2")
    with pytest.raises(TrainingRefused, match=r"diverged at a learning rate.*\n.*Lower train.lr"):
        run(loaded, tmp_path, steps=60, lr=1e30, warmup=0.0, weight_decay=0.0, clip_norm=1e30)


def test_bf16_trains_over_fp32_weights(tmp_path):
    loaded = tiny_decoder("llama")
    summary = run(loaded, tmp_path, steps=4, precision="bf16")
    assert summary["precision"] == "bf16"
    assert all(weight.dtype == torch.float32 for weight in loaded.model.parameters())


def test_an_adapter_without_effect_is_refused(tmp_path):
    loaded = attach(tiny_decoder("llama"), ModelSettings(adapter="lora"), seed=0)
    with pytest.raises(TrainingRefused, match="bit for bit"):
        run(loaded, tmp_path, steps=1, lr=1e-30)


def test_the_loop_prints_nothing(tmp_path, capfd):
    said = []
    run(tiny_decoder("gpt2"), tmp_path, steps=2, progress=said.append)
    assert capfd.readouterr() == ("", "")
    assert said[0].startswith("step 0 of 2: validation loss")


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:tensorboard")
def test_tensorboard_gets_the_numbers_of_the_log(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(tiny_decoder("gpt2"), tmp_path, steps=3, writers=["tensorboard"])
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    losses = [line["loss"] for line in log_of(tmp_path) if "loss" in line]
    assert [event.value for event in events.Scalars("loss")] == pytest.approx(losses)


def test_a_writer_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingExtra, match=r"Weights & Biases.*\n.*pip install"):
        open_writers(["wandb"], tmp_path, step=0)


def test_log_is_cut_back_to_its_position(tmp_path):
    log = TrainingLog(tmp_path / "log.jsonl")
    log.write({"step": 1})
    position = log.sync()
    log.write({"step": 2})
    log.close()
    TrainingLog(tmp_path / "log.jsonl", position=position).close()
    assert (tmp_path / "log.jsonl").read_text() == '{"step": 1}\n'
