from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cauce.errors import TrainingRefused
from cauce.training import distillation
from cauce.training.distillation import (
    divergence,
    hidden_state_loss,
    matching_layers,
    refuse_unlike,
)
from models.tiny import tiny_model

INPUT_IDS = torch.arange(4, 36).reshape(2, 16)


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def kl_of_torch(student, teacher, temperature):
    return temperature**2 * torch.nn.functional.kl_div(
        torch.log_softmax(student / temperature, -1),
        torch.log_softmax(teacher / temperature, -1),
        reduction="sum",
        log_target=True,
    )


@pytest.fixture(params=[2**20, 22], ids=["one chunk", "chunks of two tokens"])
def chunk(request, monkeypatch):
    monkeypatch.setattr(distillation, "CHUNK_VALUES", request.param)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_divergence_and_gradient_equal_torch_s(temperature, chunk):
    student, again = (drawn(7, 11).requires_grad_() for _ in range(2))
    teacher = drawn(7, 11, seed=1)
    found, expected = (
        divergence(student, teacher, temperature),
        kl_of_torch(again, teacher, temperature),
    )
    (found * 0.3).backward()
    (expected * 0.3).backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    assert torch.allclose(student.grad, again.grad, rtol=1e-9, atol=1e-12)


def test_divergence_gradcheck(chunk):
    teacher = drawn(5, 11, seed=1)
    student = drawn(5, 11).requires_grad_()
    assert torch.autograd.gradcheck(lambda logits: divergence(logits, teacher, 2.0), (student,))


def test_divergence_in_plain_loops():
    student, teacher = drawn(3, 4), drawn(3, 4, seed=1)
    total = 0.0
    for mine, its in zip(student.tolist(), teacher.tolist(), strict=True):
        p, q = ([math.exp(z / 3) for z in row] for row in (its, mine))
        total += sum(
            a / sum(p) * math.log((a / sum(p)) / (b / sum(q))) for a, b in zip(p, q, strict=True)
        )
    assert divergence(student, teacher, 3.0).item() == pytest.approx(9 * total, rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_student_equal_to_its_teacher_has_nothing_to_learn(dtype):
    student = drawn(6, 40, dtype=dtype).requires_grad_()
    loss = divergence(student, student.detach().clone(), 2.0)
    loss.backward()
    assert loss.item() == 0
    assert not student.grad.any()


@given(seed=st.integers(0, 1000), temperature=st.floats(0.25, 8))
def test_divergence_is_never_negative(seed, temperature):
    student, teacher = drawn(3, 9, seed=seed), drawn(3, 9, seed=seed + 1)
    assert divergence(student, teacher, temperature).item() >= 0


def test_at_high_temperature_centred_logits_are_matched():
    """Hinton et al. 2015, section 2.1: the limit is the squared distance over 2 v."""
    student, teacher = drawn(4, 13), drawn(4, 13, seed=1)
    distance = (student - student.mean(-1, True)) - (teacher - teacher.mean(-1, True))
    limit = distance.square().sum().item() / (2 * 13)
    assert divergence(student, teacher, 1e4).item() == pytest.approx(limit, rel=1e-3)


def test_half_precision_logits_are_compared_in_fp32():
    student, teacher = (drawn(8, 50, seed=seed, dtype=torch.bfloat16) for seed in (0, 1))
    found = divergence(student, teacher, 1.0)
    assert found.dtype == torch.float32
    expected = kl_of_torch(student.double(), teacher.double(), 1.0).item()
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_nothing_is_learned_by_the_teacher_nor_without_gradients():
    student, teacher = (drawn(3, 5, seed=seed).requires_grad_() for seed in (0, 1))
    divergence(student, teacher, 1.0).backward()
    assert teacher.grad is None
    with torch.no_grad():
        assert not divergence(student, teacher, 1.0).requires_grad


def test_hidden_states_in_plain_loops():
    student = [drawn(2, 3, 4, seed=seed) for seed in (0, 1)]
    teacher = [drawn(2, 3, 4, seed=seed) for seed in (2, 3)]
    is_real = torch.tensor([[True, True, False], [True, False, False]])
    total = 0.0
    for mine, its in zip(student, teacher, strict=True):
        for row, place in is_real.nonzero().tolist():
            for unit in range(4):
                total += float(mine[row, place, unit] - its[row, place, unit]) ** 2 / (2 * 4)
    found = hidden_state_loss(student, teacher, is_real)
    assert found.item() == pytest.approx(total, rel=1e-12)


def test_hidden_states_gradcheck():
    first, second = (drawn(2, 3, 4, seed=seed).requires_grad_() for seed in (0, 1))
    teacher = [drawn(2, 3, 4, seed=seed) for seed in (2, 3)]
    is_real = torch.tensor([[True, True, False], [True, False, True]])
    assert torch.autograd.gradcheck(
        lambda *states: hidden_state_loss(states, teacher, is_real), (first, second)
    )


def test_padding_has_no_say_even_where_it_is_no_number():
    student = drawn(1, 3, 4)
    student[0, 2] = math.nan
    is_real = torch.tensor([[True, True, False]])
    student.requires_grad_()
    loss = hidden_state_loss([student], [torch.zeros(1, 3, 4)], is_real)
    loss.backward()
    assert loss.isfinite() and student.grad.isfinite().all()
    assert not student.grad[0, 2].any()


def test_half_precision_states_are_compared_in_fp32():
    student = torch.full((1, 2, 4), 300.0, dtype=torch.float16)
    loss = hidden_state_loss([student], [-student], torch.ones(1, 2, dtype=torch.bool))
    assert (loss.dtype, loss.item()) == (torch.float32, 720_000.0)


@pytest.mark.parametrize("counts", [(0, 0), (2, 1)])
def test_layers_must_come_in_pairs(counts):
    student, teacher = ([drawn(1, 1, 1)] * count for count in counts)
    with pytest.raises(ValueError, match=f"{counts[0]} layers .* against {counts[1]} .*matching"):
        hidden_state_loss(student, teacher, torch.ones(1, 1, dtype=torch.bool))


@given(student=st.integers(1, 40), teacher=st.integers(1, 40))
def test_layers_are_matched_in_order_evenly_and_to_the_end(student, teacher):
    pairs = matching_layers(student, teacher)
    assert len(pairs) == min(student, teacher)
    assert pairs[-1] == (student - 1, teacher - 1)
    mine, its = zip(*pairs, strict=True)
    assert (sorted({*mine}), sorted({*its})) == ([*mine], [*its])
    deeper = its if teacher > student else mine
    ratio = max(student, teacher) / len(pairs)
    assert all(abs(deep + 1 - (place + 1) * ratio) < 1 for place, deep in enumerate(deeper))
    assert [pair[::-1] for pair in pairs] == matching_layers(teacher, student)


def test_layers_of_equal_depth_are_matched_one_to_one():
    assert matching_layers(3, 3) == [(0, 0), (1, 1), (2, 2)]
    assert matching_layers(4, 12) == [(0, 2), (1, 5), (2, 8), (3, 11)]


def with_perturbed_layer(kind):
    loaded = tiny_model(kind)
    place = "model.layers.1" if kind == "llama" else "decoder.block.1"
    layer = dict(loaded.model.named_modules())[place]
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    return loaded, list(layer.parameters())


def outputs(loaded):
    inputs = {"input_ids": INPUT_IDS}
    if loaded.is_encoder_decoder:
        inputs["decoder_input_ids"] = INPUT_IDS
    output = loaded.model(**inputs, output_hidden_states=True, use_cache=False)
    states = output.decoder_hidden_states if loaded.is_encoder_decoder else output.hidden_states
    return states[1:], output.logits.flatten(0, 1)


@pytest.mark.parametrize("kind", ["llama", "t5"])
@pytest.mark.parametrize("stage", ["hidden states", "logits"])
def test_a_student_with_one_perturbed_layer_recovers(kind, stage):
    teacher = tiny_model(kind)
    student, parameters = with_perturbed_layer(kind)
    with torch.no_grad():
        states, logits = outputs(teacher)
    is_real = torch.ones_like(INPUT_IDS, dtype=torch.bool)
    optimizer = torch.optim.Adam(parameters, lr=0.01)
    losses = []
    for _ in range(150):
        found_states, found_logits = outputs(student)
        loss = (
            hidden_state_loss(found_states, states, is_real)
            if stage == "hidden states"
            else divergence(found_logits, logits, 1.0)
        )
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.01 * losses[0]


def test_models_alike_are_accepted():
    refuse_unlike(tiny_model("llama"), tiny_model("mistral"))
    refuse_unlike(tiny_model("t5"), tiny_model("t5"))


def with_width(loaded, field, value):
    setattr(loaded.model.config, field, value)
    return loaded


@pytest.mark.parametrize(
    ("student", "teacher", "reason"),
    [
        (
            lambda: tiny_model("llama"),
            lambda: tiny_model("t5"),
            "differ in kind: the one has a decoder, the other an encoder-decoder",
        ),
        (
            lambda: tiny_model("llama"),
            lambda: with_width(tiny_model("llama"), "vocab_size", 400),
            "differ in vocabulary: the one has 384, the other 400",
        ),
        (
            lambda: with_width(tiny_model("t5"), "d_model", 64),
            lambda: tiny_model("t5"),
            "differ in width: the one has 64, the other 32",
        ),
    ],
)
def test_models_unlike_are_refused_with_the_fix(student, teacher, reason):
    with pytest.raises(TrainingRefused, match=rf"{reason}.*\n.*training\.objective\.teacher"):
        refuse_unlike(student(), teacher())


def test_another_tokenizer_is_refused_naming_a_token():
    student, teacher = tiny_model("llama"), tiny_model("llama")
    vocabulary = student.tokenizer.get_vocab()
    first, second = sorted(vocabulary)[5:7]

    class Swapped:
        def get_vocab(self):
            return {**vocabulary, first: vocabulary[second], second: vocabulary[first]}

    other = dataclasses.replace(teacher, tokenizer=Swapped())
    with pytest.raises(
        TrainingRefused, match=r"differ in tokenizer: the one has 2 tokens, '.*' of"
    ):
        refuse_unlike(student, other)
