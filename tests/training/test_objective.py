from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional
from transformers import Gemma2Config, Gemma2ForCausalLM

from cauce.corpus.tokens import IGNORED, Tokens
from cauce.models.adapters import attach
from cauce.models.head import set_aside
from cauce.models.loading import assemble
from cauce.models.prediction import predict, predict_with_states
from cauce.models.settings import ModelSettings
from cauce.training.losses import summed_loss
from cauce.training.objective import Distillation, batch_of, supervised_tokens
from cauce.training.objectives import Distil, Pretrain, Sft
from cauce.training.optimizer import make_optimizer
from cauce.training.settings import TrainingSettings
from models.tiny import DECODERS, tiny_decoder, tiny_model
from training.engines import alone, engine_of, gradient_of, mean_loss
from training.examples import chats, tiny_llama_with_auxiliary

KINDS = [*DECODERS, "t5"]


def tiny_gemma():
    """A decoder that caps its logits, so that its head cannot be set aside."""
    config = Gemma2Config(
        vocab_size=384,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        final_logit_softcapping=2.0,
    )
    torch.manual_seed(0)
    return assemble(Gemma2ForCausalLM(config), tiny_decoder("llama").tokenizer, name="tiny-gemma")


def some(kind):
    return tiny_gemma() if kind == "gemma" else tiny_model(kind)


def loss_in_plain_loops(loaded, items):
    """One example and one token at a time, without padding: the completion's tokens alone count."""
    total = 0.0
    start = loaded.model.generation_config.decoder_start_token_id
    for item in items:
        for place, token in enumerate(item.completion):
            before = item.completion[:place]
            if loaded.is_encoder_decoder:
                inputs = {"input_ids": [item.prompt], "decoder_input_ids": [[start, *before]]}
            else:
                inputs = {"input_ids": [item.prompt + before]}
            tensors = {name: torch.tensor(value) for name, value in inputs.items()}
            with torch.no_grad():
                scores = loaded.model(**tensors).logits[0, -1].double()
            total -= float(scores[token] - scores.exp().sum().log())
    return total


def computed(module, batch):
    """What the module gives, with its head set aside as an engine does."""
    with torch.no_grad(), set_aside(module.head):
        return module(batch).item()


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("kind", [*KINDS, "gemma"])
def test_completion_only_loss_equals_plain_loops(kind, mode):
    loaded = some(kind)
    items = chats(loaded, 3)
    module = summed_loss(loaded, Sft(), "fp32").train(mode == "train")
    assert (module.head is None) == (kind == "gemma")
    expected = loss_in_plain_loops(loaded, items)
    assert computed(module, batch_of(loaded, alone(items))) == pytest.approx(expected, rel=1e-5)
    if kind not in ("gemma",):
        assert computed(module, batch_of(loaded, [items])) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", [*KINDS, "gemma"])
def test_mean_loss_weighs_every_token_alike(kind):
    loaded = some(kind)
    items = chats(loaded, 5)
    tokens = sum(len(item.completion) for item in items)
    found = mean_loss(loaded, [alone(items[:4]), alone(items[4:])])
    assert found.tokens == tokens
    assert found.loss == pytest.approx(loss_in_plain_loops(loaded, items) / tokens, rel=1e-5)
    assert type(loaded.model.get_output_embeddings()) is torch.nn.Linear


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_mean_loss_with_an_adapter_or_in_packed_rows_is_the_same(kind):
    loaded = attach(tiny_model(kind), ModelSettings(adapter="lora"), seed=0)
    items = chats(loaded, 4)
    expected = mean_loss(tiny_model(kind), [alone(items)])
    assert mean_loss(loaded, [[items[:3], items[3:]]]).loss == pytest.approx(expected.loss)


def test_mean_loss_is_without_dropout():
    loaded, calm = tiny_model("gpt2", dropout=0.5), tiny_model("gpt2")
    loaded.model.train()
    items = chats(loaded, 3)
    assert mean_loss(loaded, [alone(items)]) == mean_loss(calm, [alone(items)])


def test_bf16_is_near_fp32():
    loaded = tiny_model("llama")
    batches = [alone(chats(loaded, 4))]
    exact, rough = (mean_loss(loaded, batches, precision).loss for precision in ("fp32", "bf16"))
    assert rough == pytest.approx(exact, rel=0.02)
    assert rough != exact


def test_a_first_token_that_nothing_precedes_is_not_counted():
    decoder, encoder_decoder = tiny_model("llama"), tiny_model("t5")
    assert supervised_tokens(decoder, Tokens([], [5, 6, 2])) == 2
    assert supervised_tokens(encoder_decoder, Tokens([], [5, 6, 2])) == 3
    module = summed_loss(decoder, Sft(), "fp32")
    loss = computed(module, batch_of(decoder, [[Tokens([], [5, 6, 2])]]))
    assert loss == pytest.approx(2 * math.log(384), rel=0.1)


def smoothed_or_focal(loaded, batch, smoothing, gamma):
    """From the model's own logits, by the formulas."""
    with torch.no_grad():
        log_p = predict(loaded.model, batch).log_softmax(-1)[batch.targets != IGNORED]
    wanted = batch.targets[batch.targets != IGNORED, None]
    of_token = log_p.gather(1, wanted).squeeze(1)
    each = -(1 - smoothing) * of_token - smoothing * log_p.mean(-1)
    return ((1 - of_token.exp()) ** gamma * each).sum().item()


@pytest.mark.parametrize(("smoothing", "gamma"), [(0.0, 0.0), (0.2, 0.0), (0.0, 2.0), (0.2, 0.5)])
@pytest.mark.parametrize("kind", ["gpt2", "t5", "gemma"])
def test_smoothing_and_focal_weights_are_of_training_alone(kind, smoothing, gamma):
    loaded = some(kind)
    batch = batch_of(loaded, alone(chats(loaded, 3)))
    objective = Sft(label_smoothing=smoothing, focal_gamma=gamma)
    module = summed_loss(loaded, objective, "fp32")
    expected = smoothed_or_focal(loaded, batch, smoothing, gamma)
    assert computed(module.train(), batch) == pytest.approx(expected, rel=1e-5)
    plain = smoothed_or_focal(loaded, batch, 0.0, 0.0)
    assert computed(module.eval(), batch) == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_pretraining_a_decoder_counts_every_token_but_the_first(kind):
    loaded = tiny_model(kind)
    [item] = chats(loaded, 1)
    text = Tokens([], [*item.prompt, *item.completion])
    module = summed_loss(loaded, Pretrain(), "fp32")
    assert module.count(text) == len(item.prompt) + len(item.completion) - 1
    ids = torch.tensor([text.completion])
    with torch.no_grad():
        expected = loaded.model(input_ids=ids, labels=ids).loss.item()
    found = computed(module, batch_of(loaded, [[text]]))
    assert found == pytest.approx(expected * module.count(text), rel=1e-5)


def test_to_distil_a_teacher_is_needed():
    with pytest.raises(ValueError, match="learns from 'big': pass it as teacher"):
        summed_loss(tiny_model("gpt2"), Distil(teacher="big"), "fp32")


def student_and_teacher(kind):
    student, teacher = tiny_model(kind), tiny_model(kind, seed=1)
    return student, teacher, batch_of(student, alone(chats(student, 3)))


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_first_updates_match_states_and_the_others_distributions(kind):
    student, teacher, batch = student_and_teacher(kind)
    objective = Distil(teacher="it", hidden_share=0.25, temperature=2.0)
    module = summed_loss(student, objective, "fp32", teacher=teacher)
    assert isinstance(module, Distillation)
    with torch.no_grad():
        mine = predict_with_states(student.model, batch)
        its = predict_with_states(teacher.model, batch)
    reals = [batch.is_real, batch.targets != IGNORED]
    states = sum(
        (own[real] - other[real]).square().mean(-1).sum() / len(mine_part)
        for mine_part, its_part, real in zip(mine.states, its.states, reals, strict=False)
        for own, other in zip(mine_part, its_part, strict=True)
    )
    learned = batch.targets != IGNORED
    divergence = 4 * functional.kl_div(
        (mine.logits[learned] / 2).log_softmax(-1),
        (its.logits[learned] / 2).log_softmax(-1),
        reduction="sum",
        log_target=True,
    )
    for step, expected in ((0, states), (1, states), (2, divergence), (7, divergence)):
        module.train().begin(step, 8)
        assert computed(module, batch) == pytest.approx(float(expected), rel=1e-4), step


def test_what_is_counted_is_what_is_summed_over():
    student, teacher, _ = student_and_teacher("gpt2")
    module = summed_loss(student, Distil(teacher="it"), "fp32", teacher=teacher).train()
    item = Tokens([5, 6, 7], [8, 2])
    module.begin(0, 10)
    assert module.count(item) == 5
    assert module.eval().count(item) == 2
    module.train().begin(9, 10)
    assert module.count(item) == 2


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_a_validation_while_distilling_is_the_likelihood(kind):
    student, teacher, batch = student_and_teacher(kind)
    module = summed_loss(student, Distil(teacher="it"), "fp32", teacher=teacher).eval()
    assert computed(module, batch) == pytest.approx(
        loss_in_plain_loops(student, chats(student, 3)), rel=1e-5
    )


@pytest.mark.parametrize("hidden_share", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_distilling_comes_nearer_to_the_teacher_and_leaves_it_alone(kind, hidden_share):
    student, teacher, _ = student_and_teacher(kind)
    before = {name: weight.clone() for name, weight in teacher.model.named_parameters()}
    objective = Distil(teacher="it", hidden_share=hidden_share)
    batches = [alone(chats(student, 4))]
    with engine_of(student, teacher=teacher, objective=objective, weight_decay=0.0) as engine:
        losses = [engine.update(batches, 1e-2, (step, 8)).mean.loss for step in range(8)]
    assert losses[-1] < 0.8 * losses[0]
    for name, weight in teacher.model.named_parameters():
        assert weight.grad is None and torch.equal(weight, before[name])


def test_norms_and_biases_are_not_decayed():
    for kind in KINDS:
        model = tiny_model(kind).model
        decayed, kept = make_optimizer(model, TrainingSettings(weight_decay=0.3)).param_groups
        assert (decayed["weight_decay"], kept["weight_decay"]) == (0.3, 0.0)
        names = {weight: name for name, weight in model.named_parameters()}
        assert all("bias" not in names[weight] for weight in decayed["params"])
        assert all(weight.ndim == 1 or "bias" in names[weight] for weight in kept["params"])
        assert len(decayed["params"]) + len(kept["params"]) == len(names)


def test_what_a_model_adds_to_its_loss_is_a_mean_per_token():
    loaded, plain = tiny_llama_with_auxiliary(), tiny_model("llama")
    items = chats(loaded, 5)
    with engine_of(loaded) as engine, engine_of(plain) as reference:
        expected, gradient = gradient_of(reference, [alone(items)])
        for batches in ([alone(items)], [alone(items[:1]), alone(items[1:])]):
            engine.summed_loss.begin(0, 1)
            mean, found = gradient_of(engine, batches)
            assert mean.loss == pytest.approx(expected.loss + 5.0, rel=1e-6)
            assert engine.summed_loss.auxiliary.item() == pytest.approx(5.0)
            difference = dict(zip(engine.parameters, pieces(found - gradient, engine), strict=True))
            pull = difference.pop("model.norm.weight")
            torch.testing.assert_close(pull, torch.ones_like(pull))
            assert max(it.abs().max() for it in difference.values()) < 1e-5
        assert engine.validate([alone(items)]).loss == reference.validate([alone(items)]).loss


def pieces(flat, engine):
    return flat.split([weight.numel() for weight in engine.parameters.values()])


def test_what_a_model_adds_is_in_the_update_that_names_it():
    loaded = tiny_llama_with_auxiliary()
    batches = [alone(chats(loaded, 3)), alone(chats(loaded, 2))]
    with engine_of(loaded) as engine:
        first, second = [engine.update(batches, 1e-3, (step, 2)) for step in range(2)]
    assert first.auxiliary == pytest.approx(5.0)
    assert second.auxiliary == pytest.approx(5.0 - 0.032, abs=1e-3)
    with engine_of(tiny_model("llama")) as engine:
        assert engine.update(batches, 1e-3, (0, 2)).auxiliary is None
