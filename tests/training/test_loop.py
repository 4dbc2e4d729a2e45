from __future__ import annotations

import functools
import json
import math
import shutil
import sys

import pytest
import torch

from cauce.errors import MissingExtra, TrainingRefused
from cauce.models.adapters import attach
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_tuned, save_tuned
from cauce.training.acceleration import COMPILERS
from cauce.training.engine import Engine
from cauce.training.log import TrainingLog, open_writers
from cauce.training.loop import train
from cauce.training.settings import TrainingSettings
from models.tiny import logits, tiny_decoder, tiny_model
from training.engines import alone, mean_loss
from training.examples import chats, tiny_llama_with_auxiliary, tiny_t5_with_sentinels


def run(loaded, folder, *, validation=4, progress=lambda line: None, teacher=None, **settings):
    items = chats(loaded, 16 + validation)
    checked = TrainingSettings.model_validate({"batch_size": 4, "lr": 1e-2, **settings})
    return train(
        loaded,
        items[:16],
        items[16:],
        checked,
        folder,
        seed=2,
        progress=progress,
        teacher=teacher,
    )


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
    loaded = attach(load_base(settings), settings, seed=2)
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
    assert set(summary) == {
        "steps",
        "skipped_updates",
        "best_step",
        "best_validation_loss",
        "first_validation_loss",
        "supervised_tokens_seen",
        "trainable_parameters",
        "parameters",
        "precision",
        "attention",
        "compile",
        "processes",
        "packed_fill",
        "stopped",
        "resumed_from",
        "tokens_per_cpu_second",
    }
    assert (summary["processes"], summary["packed_fill"], summary["skipped_updates"]) == (
        1,
        None,
        0,
    )


def test_what_a_model_adds_to_its_loss_is_in_the_log(tmp_path):
    run(tiny_llama_with_auxiliary(), tmp_path, validation=0, steps=2, optimizer="muon")
    first, second = [line["auxiliary"] for line in log_of(tmp_path) if "loss" in line]
    assert first == pytest.approx(5.0) and second < first


def test_figures_of_the_layers_are_in_the_log(tmp_path):
    run(tiny_decoder("gpt2"), tmp_path, steps=6, monitor_every=2)
    lines = [line for line in log_of(tmp_path) if "activation_rms/transformer.h.0" in line]
    assert [line["step"] for line in lines] == [2, 4, 6]
    assert lines[0]["gradient_norm/transformer.h.1"] > 0


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_packed_training_is_that_of_the_same_examples_alone(kind, tmp_path):
    """One update an epoch, of all examples: what shares a row is all that differs."""
    packed, apart = tiny_model(kind), tiny_model(kind)
    same = {"batch_size": 16, "epochs": 4, "precision": "fp32", "lr": 1e-3}
    filled = run(packed, tmp_path / "packed", pack_tokens=192, **same)
    summary = run(apart, tmp_path / "apart", **same)
    assert 0.5 < filled["packed_fill"] <= 1.0
    names = ("steps", "supervised_tokens_seen")
    assert [filled[name] for name in names] == [summary[name] for name in names]
    for name in ("first_validation_loss", "best_validation_loss"):
        assert filled[name] == pytest.approx(summary[name], rel=1e-5)
    assert torch.allclose(logits(packed), logits(apart), atol=1e-4)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_pretraining_lowers_its_loss(kind, tmp_path):
    loaded = tiny_t5_with_sentinels() if kind == "t5" else tiny_model(kind)
    summary = run(loaded, tmp_path, epochs=6, objective={"kind": "pretrain"})
    assert summary["best_validation_loss"] < 0.9 * summary["first_validation_loss"]
    if kind == "gpt2":
        read = sum(len(it.prompt) + len(it.completion) - 1 for it in chats(loaded, 16))
        assert summary["supervised_tokens_seen"] == 6 * read


DISTIL = {"kind": "distil", "teacher": "it", "hidden_share": 0.5}


def test_distilling_needs_its_teacher(tmp_path):
    with pytest.raises(ValueError, match="learns from 'it': pass it as teacher"):
        run(tiny_decoder("gpt2"), tmp_path, objective=DISTIL)


def test_a_teacher_with_another_width_is_refused(tmp_path):
    teacher = tiny_model("llama")
    teacher.model.config.hidden_size = 64
    with pytest.raises(TrainingRefused, match="differ in width"):
        run(tiny_model("llama"), tmp_path, objective=DISTIL, teacher=teacher)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_a_student_ends_nearer_to_what_its_teacher_learned(kind, tmp_path):
    teacher = tiny_model(kind, seed=1)
    run(teacher, tmp_path / "teacher", epochs=6)
    summary = run(
        tiny_model(kind), tmp_path / "student", epochs=8, objective=DISTIL, teacher=teacher
    )
    assert summary["best_validation_loss"] < 0.9 * summary["first_validation_loss"]


def test_after_an_exception_the_model_is_as_it_was(tmp_path):
    def crash(line):
        if line.startswith("step 2 "):
            raise ConnectionAbortedError

    loaded = tiny_decoder("gpt2")
    before = [type(part) for part in loaded.model.modules()]
    with pytest.raises(ConnectionAbortedError):
        run(loaded, tmp_path, steps=4, precision="bf16", evaluate_every=1, progress=crash)
    assert [type(part) for part in loaded.model.modules()] == before
    assert loaded.model.config._attn_implementation == "sdpa"
    assert logits(loaded).shape[-1] == 384


RESUMED = {
    "packed": ("gpt2", {"pack_tokens": 192}),
    "packed t5": ("t5", {"pack_tokens": 192}),
    "spans cut anew in each epoch": ("t5", {"objective": {"kind": "pretrain"}}),
    "spans, packed": ("t5", {"objective": {"kind": "pretrain"}, "pack_tokens": 192}),
    "fp16": ("llama", {"precision": "fp16"}),
    "bf16": ("llama", {"precision": "bf16"}),
    "distilled": ("gpt2", {"objective": DISTIL}),
    "checkpointed": ("gpt2", {"gradient_checkpointing": True}),
    "with an update left out": ("gpt2", {"non_finite": "skip"}),
}


def train_and_crash(kind, folder, settings, crash_at=None):
    """Six updates in two or more epochs, ended before the checkpoint of update `crash_at`."""

    def crash(line):
        if line.startswith(f"step {crash_at} of"):
            raise ConnectionAbortedError

    if settings.get("objective", {}).get("kind") == "pretrain":
        loaded = tiny_t5_with_sentinels(dropout=0.1)
    else:
        loaded = tiny_model(kind, dropout=0.1)
    teacher = tiny_model(kind, seed=1) if settings.get("objective") == DISTIL else None
    often = {"evaluate_every": 1, "checkpoint_every": 1, "steps": 6, "batch_size": 6}
    summary = run(loaded, folder, progress=crash, teacher=teacher, **{**often, **settings})
    return summary, logits(loaded)


def same_after_a_crash(kind, settings, tmp_path):
    expected, says = train_and_crash(kind, tmp_path / "straight", settings)
    with pytest.raises(ConnectionAbortedError):
        train_and_crash(kind, tmp_path / "crashed", settings, crash_at=5)
    found, says_again = train_and_crash(kind, tmp_path / "crashed", settings)
    assert (expected["resumed_from"], found["resumed_from"]) == (None, 4)
    assert torch.equal(says, says_again)
    assert found["best_validation_loss"] == expected["best_validation_loss"]
    assert found["skipped_updates"] == expected["skipped_updates"]
    straight, resumed = log_of(tmp_path / "straight"), log_of(tmp_path / "crashed")
    for line in (*straight, *resumed):
        line.pop("cpu_s", None)
    # Compared as text, since what was skipped is no number.
    assert json.dumps(resumed) == json.dumps(straight)
    return expected


@pytest.mark.parametrize(("kind", "settings"), RESUMED.values(), ids=RESUMED)
def test_a_resumed_training_ends_with_the_same_bits(kind, settings, request, tmp_path):
    is_broken = settings.get("non_finite") == "skip"
    if is_broken:
        request.getfixturevalue("broken_in_update_3")
    expected = same_after_a_crash(kind, settings, tmp_path)
    assert expected["skipped_updates"] == int(is_broken)


# 2026-11: torch 2.13's own compiler uses what torch deprecates.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")
@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="there is no C++ compiler here")
@pytest.mark.slow
def test_a_resumed_training_that_is_compiled_ends_with_the_same_bits(tmp_path):
    expected = same_after_a_crash("gpt2", {"compile": True, "pack_tokens": 192}, tmp_path)
    assert expected["compile"] == "yes"
    plain, _ = train_and_crash("gpt2", tmp_path / "plain", {"compile": False, "pack_tokens": 192})
    first = "first_validation_loss"
    assert expected[first] == pytest.approx(plain[first], rel=1e-3)


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
    return summary, mean_loss(loaded, [alone(contrary)]).loss


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


DIVERGING = {"lr": 1e30, "warmup": 0.0, "weight_decay": 0.0, "clip_norm": 1e30}


def test_a_training_that_diverges_is_stopped(tmp_path):
    with pytest.raises(
        TrainingRefused,
        match=r"at step \d+, at a learning rate of 1e\+30, the loss is .*transformer.*\n"
        r"Lower training.lr.*non_finite=skip",
    ):
        run(tiny_decoder("gpt2"), tmp_path, steps=60, **DIVERGING)


@pytest.fixture
def broken_in_update_3(monkeypatch):
    """In that update alone, a layer gives infinity."""
    update = Engine.update

    def broken(self, batches, rate, place):
        if place[0] != 2:
            return update(self, batches, rate, place)
        layer = self.loaded.model.transformer.h[1].mlp
        hook = layer.register_forward_hook(lambda part, inputs, output: output * torch.inf)
        try:
            return update(self, batches, rate, place)
        finally:
            hook.remove()

    monkeypatch.setattr(Engine, "update", broken)


def test_a_value_that_is_no_number_stops_the_training_and_its_layer_is_named(
    broken_in_update_3, tmp_path
):
    loaded = tiny_decoder("gpt2")
    with pytest.raises(
        TrainingRefused, match=r"at step 3, .* nan: the output of transformer.h.1.mlp \(GPT2MLP\)"
    ):
        run(loaded, tmp_path, steps=6, checkpoint_every=1)
    assert [line["step"] for line in log_of(tmp_path) if "loss" in line] == [1, 2]
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_or_costs_one_update_that_is_counted(broken_in_update_3, tmp_path):
    said = []
    loaded = tiny_decoder("gpt2")
    summary = run(loaded, tmp_path, steps=6, non_finite="skip", progress=said.append)
    assert (summary["steps"], summary["skipped_updates"]) == (6, 1)
    [line] = [line for line in said if "skipped" in line]
    assert line.startswith("step 3 skipped: the output of transformer.h.1.mlp (GPT2MLP) has")
    losses = [line["loss"] for line in log_of(tmp_path) if "loss" in line]
    assert [math.isfinite(loss) for loss in losses] == [True, True, False, True, True, True]
    assert summary["best_validation_loss"] < summary["first_validation_loss"]


def test_an_overflow_of_fp16_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(
        torch.amp, "GradScaler", functools.partial(torch.amp.GradScaler, init_scale=2.0**40)
    )
    said = []
    summary = run(tiny_decoder("llama"), tmp_path, steps=40, precision="fp16", progress=said.append)
    assert 1 <= summary["skipped_updates"] < 40
    assert "the gradient overflows in fp16 at a scale of 1.09951e+12" in said[4]
    assert summary["best_validation_loss"] < summary["first_validation_loss"]


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
    assert [line.split(":")[0] for line in said[:3]] == ["precision", "attention", "compile"]
    assert all(line.endswith(")") for line in said[:3])
    assert said[3].startswith("step 0 of 2: validation loss")


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
