from __future__ import annotations

import functools
import itertools
import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cauce.corpus.packing import pack
from cauce.models import attention
from cauce.models.adapters import attach
from cauce.models.settings import ModelSettings
from cauce.training.monitor import find_blocks
from models.tiny import DECODERS, logits, tiny_decoder, tiny_model
from training.engines import alone, distance, engine_of, gradient_of, mean_loss
from training.examples import chats, tiny_llama_with_auxiliary

KINDS = [*DECODERS, "t5"]


@pytest.fixture(scope="module")
def engines():
    made = {kind: engine_of(tiny_model(kind)) for kind in KINDS}
    yield made
    for engine in made.values():
        engine.__exit__(None)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 6), max_size=3), first=st.integers(0, 30))
def test_gradient_of_uneven_microbatches_is_that_of_one_batch(engines, kind, cuts, first):
    engine = engines[kind]
    items = chats(engine.loaded, 7, first=first)
    edges = [0, *sorted(set(cuts)), len(items)]
    batches = [alone(items[start:end]) for start, end in itertools.pairwise(edges)]
    whole, expected = gradient_of(engine, [alone(items)])
    parts, found = gradient_of(engine, batches)
    assert parts.tokens == whole.tokens
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
    assert distance(found, expected) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_packed_documents_teach_what_they_teach_alone(engines, kind):
    engine = engines[kind]
    items = chats(engine.loaded, 9)
    packing = pack(items, 192, is_encoder_decoder=engine.loaded.is_encoder_decoder)
    rows = [[items[index] for index in row] for row in packing.rows]
    assert len(rows) < len(items)
    apart, expected = gradient_of(engine, [alone(items)])
    validated = engine.validate([alone(items)])
    engine.width, before = packing.width, engine.width
    packed, found = gradient_of(engine, [rows[:1], rows[1:]])
    engine.width = before
    assert packed.loss == pytest.approx(apart.loss, rel=1e-6)
    assert distance(found, expected) < 2e-6
    assert engine.validate([rows], packing.width).loss == pytest.approx(validated.loss, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_logits(engines, kind):
    """Of the whole logits and torch's own loss, by the attention that the model came with."""
    engine, plain = engines[kind], tiny_model(kind)
    items = chats(plain, 4)
    _, found = gradient_of(engine, [alone(items)])
    engine_again = engine_of(plain)
    batch_loss = 0.0
    engine_again.__exit__(None)
    start = [] if not plain.is_encoder_decoder else [plain.decoder_start_id]
    for item in items:
        if plain.is_encoder_decoder:
            inputs = {
                "input_ids": torch.tensor([item.prompt]),
                "decoder_input_ids": torch.tensor([start + item.completion[:-1]]),
            }
            said = plain.model(**inputs).logits[0]
        else:
            ids = torch.tensor([item.prompt + item.completion])
            said = plain.model(input_ids=ids).logits[0, len(item.prompt) - 1 : -1]
        wanted = torch.tensor(item.completion)
        batch_loss += torch.nn.functional.cross_entropy(said, wanted, reduction="sum")
    (batch_loss / sum(len(item.completion) for item in items)).backward()
    expected = torch.cat([weight.grad.flatten() for weight in plain.model.parameters()])
    assert distance(found, expected) < 1e-5


def first_leaf(block):
    return next(part for part in block.modules() if not list(part.children()))


def blocks_run(engine, batches):
    """How often any block computes while the gradient of `batches` is formed."""
    calls = []
    blocks = find_blocks(engine.loaded.model).values()
    # What is computed again is a block's `forward`, past its own hooks.
    hooks = [
        first_leaf(block).register_forward_pre_hook(lambda *_: calls.append(1)) for block in blocks
    ]
    result = gradient_of(engine, batches)
    for hook in hooks:
        hook.remove()
    return len(calls), result


@pytest.mark.parametrize("adapter", ["none", "lora"])
@pytest.mark.parametrize("kind", KINDS)
def test_checkpointing_gives_the_same_gradients(kind, adapter):
    found = []
    for is_checkpointing in (False, True):
        loaded = attach(tiny_model(kind, dropout=0.2), ModelSettings(adapter=adapter), seed=0)
        items = chats(loaded, 5)
        with engine_of(loaded, gradient_checkpointing=is_checkpointing) as engine:
            torch.manual_seed(3)
            found.append(blocks_run(engine, [alone(items[:2]), alone(items[2:])]))
    (once, (plain, expected)), (twice, (again, gradient)) = found
    assert twice == 2 * once > 0
    assert again == plain
    assert distance(gradient, expected) < 1e-6


def test_an_update_is_the_optimizers_on_a_clipped_gradient():
    ours, theirs = tiny_decoder("llama"), tiny_decoder("llama")
    items = chats(ours, 4)
    with engine_of(theirs) as engine:
        mean, gradient = gradient_of(engine, [alone(items)])
        norm = float(gradient.norm())
        scale = 0.1 / norm
        for weight in engine.parameters.values():
            weight.grad *= scale
        for group in engine.optimizer.param_groups:
            group["lr"] = 3e-3
        engine.optimizer.step()
    with engine_of(ours, clip_norm=0.1) as engine:
        update = engine.update([alone(items[:3]), alone(items[3:])], 3e-3, (0, 1))
        assert all(weight.grad is None for weight in engine.parameters.values())
    assert update.mean.loss == pytest.approx(mean.loss, rel=1e-6)
    assert update.mean.tokens == mean.tokens
    assert update.grad_norm == pytest.approx(norm, rel=1e-5)
    assert (update.fault, update.is_overflow, dict(update.figures)) == ("", False, {})
    torch.testing.assert_close(logits(ours), logits(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
@pytest.mark.parametrize(
    "objective", [{"kind": "sft", "label_smoothing": 0.3}, {"kind": "pretrain", "focal_gamma": 2.0}]
)
def test_validation_is_the_plain_likelihood_without_dropout(kind, objective):
    loaded = tiny_model(kind, dropout=0.4)
    items = chats(loaded, 5)
    with engine_of(loaded, objective=objective) as engine:
        found = engine.validate([alone(items[:3]), alone(items[3:])])
    expected = mean_loss(loaded, [alone(items)])
    assert found.tokens == expected.tokens
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_bf16_follows_fp32(kind):
    """Products are in 16 bits, the loss and the weights are not."""
    losses = []
    for precision in ("fp32", "bf16"):
        loaded = tiny_model(kind)
        batches = [alone(chats(loaded, 6))]
        with engine_of(loaded, precision=precision) as engine:
            assert engine.width.step == (1 if precision == "fp32" else 32)
            losses.append([engine.update(batches, 5e-3, (step, 8)).mean.loss for step in range(8)])
            assert {it.dtype for it in engine.parameters.values()} == {torch.float32}
    exact, rough = losses
    assert rough == pytest.approx(exact, rel=0.02)
    assert rough != exact and rough[-1] < 0.9 * rough[0]


def snapshot(engine):
    return torch.cat([weight.detach().flatten() for weight in engine.parameters.values()])


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_fp16_trains_with_a_scale(optimizer):
    loaded = tiny_decoder("llama")
    batches = [alone(chats(loaded, 6))]
    options = {"optimizer": optimizer, "lr": 5e-3}
    with engine_of(loaded, precision="fp16", **options) as engine:
        assert engine.scaler.get_scale() > 1
        updates = [engine.update(batches, 5e-3, (step, 8)) for step in range(8)]
    done = [update for update in updates if not update.fault]
    assert done[-1].mean.loss < 0.9 * done[0].mean.loss
    with engine_of(tiny_decoder("llama")) as engine:
        exact = engine.update(batches, 5e-3, (0, 8))
    assert done[0].mean.loss == pytest.approx(exact.mean.loss, rel=0.01)
    assert done[0].grad_norm == pytest.approx(exact.grad_norm, rel=0.05)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_an_overflow_of_fp16_costs_an_update_and_lowers_the_scale(optimizer):
    loaded = tiny_decoder("llama")
    batches = [alone(chats(loaded, 4))]
    with engine_of(loaded, precision="fp16", optimizer=optimizer) as engine:
        engine.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**60)
        before = snapshot(engine)
        update = engine.update(batches, 5e-3, (0, 4))
        assert update.is_overflow
        assert update.fault == "the gradient overflows in fp16 at a scale of 1.15292e+18"
        assert math.isfinite(update.mean.loss)
        assert torch.equal(snapshot(engine), before)
        assert engine.scaler.get_scale() == 2.0**59
        assert not engine.optimizer.state
        engine.scaler.update(1024.0)
        assert not engine.update(batches, 5e-3, (1, 4)).fault
        assert not torch.equal(snapshot(engine), before)


def poison_weight(loaded):
    with torch.no_grad():
        loaded.model.transformer.h[1].mlp.c_fc.weight[0, 0] = torch.inf


def poison_output(loaded):
    loaded.model.transformer.h[1].mlp.register_forward_hook(lambda *_: _[-1] * torch.nan)


def poison_gradient(loaded):
    loaded.model.transformer.h[0].ln_1.weight.register_hook(lambda gradient: gradient * torch.nan)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("poison", "fault"),
    [
        (
            poison_weight,
            "before any computation, not finite: the parameter transformer.h.1.mlp.c_fc.weight",
        ),
        (poison_output, "the output of transformer.h.1.mlp (GPT2MLP) has "),
        (
            poison_gradient,
            "but not the gradient of the parameter transformer.h.0.ln_1.weight",
        ),
    ],
    ids=["weight", "output", "gradient"],
)
def test_what_is_not_finite_is_traced_to_its_layer_and_updates_nothing(poison, fault, precision):
    loaded = tiny_decoder("gpt2", dropout=0.1)
    batches = [alone(chats(loaded, 3))]
    with engine_of(loaded, precision=precision) as engine:
        poison(loaded)
        before = snapshot(engine)
        update = engine.update(batches, 1e-2, (0, 4))
        assert fault in update.fault
        assert not update.is_overflow
        assert torch.equal(snapshot(engine), before)
        assert all(weight.grad is None for weight in engine.parameters.values())


def test_after_a_fault_the_next_update_is_as_any_other():
    batches = [alone(chats(tiny_decoder("gpt2"), 3))]
    ends = []
    for is_faulty in (True, False):
        loaded = tiny_decoder("gpt2", dropout=0.1)
        with engine_of(loaded) as engine:
            torch.manual_seed(1)
            if is_faulty:
                hook = loaded.model.transformer.h[1].register_forward_hook(
                    lambda *_: (
                        (_[-1][0] * torch.inf,) if isinstance(_[-1], tuple) else _[-1] * torch.inf
                    )
                )
                assert engine.update(batches, 1e-2, (0, 3)).fault
                hook.remove()
            torch.manual_seed(2)
            engine.update(batches, 1e-2, (1, 3))
            ends.append(snapshot(engine))
    assert torch.equal(*ends)


def test_a_loss_that_is_no_number_in_fp16_is_no_overflow():
    loaded = tiny_decoder("gpt2")
    with engine_of(loaded, precision="fp16") as engine:
        poison_output(loaded)
        update = engine.update([alone(chats(loaded, 2))], 1e-2, (0, 1))
    assert not update.is_overflow
    assert "transformer.h.1.mlp" in update.fault


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_figures_are_taken_when_it_is_time_and_change_nothing(kind):
    ends = []
    for every in (0, 2):
        loaded = tiny_model(kind)
        batches = [alone(chats(loaded, 2)), alone(chats(loaded, 3))]
        with engine_of(loaded, monitor_every=every, clip_norm=1e-3) as engine:
            updates = [engine.update(batches, 1e-3, (step, 5)) for step in range(5)]
            ends.append(snapshot(engine))
    assert [bool(update.figures) for update in updates] == [False, True, False, True, False]
    assert torch.equal(*ends)
    figures = updates[1].figures
    parts = [size for name, size in figures.items() if name.startswith("gradient_norm/")]
    assert math.hypot(*parts) == pytest.approx(updates[1].grad_norm, rel=1e-5)
    assert sum(name.startswith("activation_rms/") for name in figures) == (4 if kind == "t5" else 2)


def test_figures_of_fp16_are_without_the_scale():
    loaded = tiny_decoder("llama")
    with engine_of(loaded, precision="fp16", monitor_every=1) as engine:
        update = engine.update([alone(chats(loaded, 2))], 1e-3, (0, 5))
    parts = [size for name, size in update.figures.items() if name.startswith("gradient_norm/")]
    assert math.hypot(*parts) == pytest.approx(update.grad_norm, rel=1e-3)


def state_of(loaded):
    """What an engine changes while it lives."""
    modules = list(loaded.model.modules())
    return (
        [type(part) for part in modules],
        [len(part._forward_hooks) for part in modules],
        [part.config._attn_implementation for part in modules if hasattr(part, "config")],
        [getattr(part, "gradient_checkpointing", None) for part in modules],
    )


@pytest.mark.parametrize("adapter", ["none", "lora"])
@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_after_an_exception_the_model_is_as_it_was(kind, adapter):
    loaded = attach(tiny_model(kind), ModelSettings(adapter=adapter), seed=0)
    before, said = state_of(loaded), logits(loaded)
    with (
        pytest.raises(ConnectionAbortedError),
        engine_of(loaded, precision="bf16", gradient_checkpointing=True, monitor_every=1) as engine,
    ):
        assert engine.choices["attention"].value == attention.NAME
        within = state_of(loaded)
        raise ConnectionAbortedError
    assert all(mine != its for mine, its in zip(within[::2], before[::2], strict=True))
    assert state_of(loaded) == before
    assert torch.equal(logits(loaded), said)


def test_after_a_batch_that_fails_the_model_is_as_it_was():
    loaded = tiny_decoder("gpt2")
    before = state_of(loaded)
    with pytest.raises(IndexError), engine_of(loaded, monitor_every=1) as engine:
        items = [chats(loaded, 1)[0]._replace(prompt=[9999])]
        engine.update([alone(items)], 1e-3, (0, 1))
    assert state_of(loaded) == before


def test_an_engine_that_cannot_be_made_leaves_the_model_as_it_was():
    loaded = tiny_model("t5")
    before = state_of(loaded)
    with pytest.raises(ValueError, match="pass it as teacher") as caught:
        engine_of(loaded, objective={"kind": "distil", "teacher": "big"})
    assert caught.tb is not None  # Which keeps the engine that was begun.
    assert state_of(loaded) == before


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_weights_and_moments_are_put_back(optimizer):
    loaded = tiny_decoder("gpt2")
    batches = [alone(chats(loaded, 3))]
    with engine_of(loaded, optimizer=optimizer) as engine:
        engine.update(batches, 1e-2, (0, 3))
        weights, moments = engine.weights(), engine.optimizer_state()
        kept = {name: weight.clone() for name, weight in weights.items()}
        engine.update(batches, 1e-2, (1, 3))
        after = snapshot(engine)
        assert all(torch.equal(weights[name], kept[name]) for name in kept)
        engine.put_weights(weights)
        engine.put_optimizer_state(moments)
        assert not torch.equal(snapshot(engine), after)
        engine.update(batches, 1e-2, (1, 3))
        assert torch.equal(snapshot(engine), after)


def test_the_digest_knows_every_weight_frozen_or_not():
    def digest(change=None):
        loaded = attach(tiny_decoder("llama"), ModelSettings(adapter="lora"), seed=0)
        if change:
            with torch.no_grad():
                dict(loaded.model.named_parameters())[change].flatten()[-1].add_(1e-3)
        with engine_of(loaded) as engine:
            return engine.digest

    names = [
        name
        for name, _ in attach(
            tiny_decoder("llama"), ModelSettings(adapter="lora"), seed=0
        ).model.named_parameters()
    ]
    frozen = next(name for name in names if "lora" not in name)
    adapted = next(name for name in names if "lora" in name)
    assert len({digest(), digest(frozen), digest(adapted)}) == 3
    assert digest() == digest()


def test_a_compiled_engine_computes_what_the_plain_one_does(monkeypatch):
    """By the graph that is traced; one test of the loop has it translated too."""
    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    results = []
    for is_compiled in (False, True):
        loaded = tiny_llama_with_auxiliary()
        batches = [alone(chats(loaded, 6))]
        with engine_of(loaded, compile=is_compiled, monitor_every=2) as engine:
            assert engine.choices["compile"].value == ("yes" if is_compiled else "no")
            updates = [engine.update(batches, 1e-3, (step, 3)) for step in range(3)]
            assert updates[0].auxiliary == pytest.approx(5.0)
            results.append(([it.mean.loss for it in updates], snapshot(engine)))
    (losses, weights), (again, compiled) = results
    assert again == pytest.approx(losses, rel=1e-5)
    assert distance(compiled, weights) < 1e-4
