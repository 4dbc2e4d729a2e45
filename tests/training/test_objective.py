from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cauce.corpus.tokens import Tokens
from cauce.training.objective import (
    accumulate_gradients,
    choose_precision,
    mean_loss,
    summed_loss,
    supervised_tokens,
)
from cauce.training.optimizer import make_optimizer
from cauce.training.settings import TrainingSettings
from models.tiny import DECODERS, tiny_model
from training.examples import chats

KINDS = [*DECODERS, "t5"]


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


@pytest.mark.parametrize("kind", KINDS)
def test_completion_only_loss_equals_plain_loops(kind):
    loaded = tiny_model(kind)
    items = chats(loaded, 3)
    with torch.no_grad():
        found = summed_loss(loaded, items, "fp32").item()
    assert found == pytest.approx(loss_in_plain_loops(loaded, items), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_mean_loss_weighs_every_token_alike(kind):
    loaded = tiny_model(kind)
    items = chats(loaded, 5)
    tokens = sum(len(item.completion) for item in items)
    found = mean_loss(loaded, [items[:4], items[4:]], "fp32")
    assert found.tokens == tokens
    assert found.loss == pytest.approx(loss_in_plain_loops(loaded, items) / tokens, rel=1e-5)


def gradients(loaded, batches):
    loaded.model.zero_grad()
    mean = accumulate_gradients(loaded, batches, "fp32")
    return mean, torch.cat([weight.grad.flatten() for weight in loaded.model.parameters()])


@pytest.fixture(scope="module")
def models():
    return {kind: tiny_model(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(1, 6), max_size=3), first=st.integers(0, 30))
def test_gradient_of_uneven_microbatches_is_that_of_one_batch(models, kind, cuts, first):
    loaded = models[kind]
    items = chats(loaded, 7, first=first)
    edges = [0, *sorted(set(cuts)), len(items)]
    batches = [items[start:end] for start, end in itertools.pairwise(edges)]
    whole, expected = gradients(loaded, [items])
    parts, found = gradients(loaded, batches)
    assert parts.tokens == whole.tokens
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
    assert float((found - expected).norm() / expected.norm()) < 1e-6


def test_bf16_is_near_fp32():
    loaded = tiny_model("llama")
    items = chats(loaded, 4)
    exact, rough = (mean_loss(loaded, [items], precision).loss for precision in ("fp32", "bf16"))
    assert rough == pytest.approx(exact, rel=0.02)
    assert rough != exact


def test_a_first_token_that_nothing_precedes_is_not_counted():
    decoder, encoder_decoder = tiny_model("llama"), tiny_model("t5")
    assert supervised_tokens(decoder, Tokens([], [5, 6, 2])) == 2
    assert supervised_tokens(encoder_decoder, Tokens([], [5, 6, 2])) == 3
    loss = summed_loss(decoder, [Tokens([], [5, 6, 2])], "fp32").item()
    assert loss == pytest.approx(2 * math.log(384), rel=0.1)


@pytest.mark.parametrize("wanted", ["fp32", "bf16"])
def test_precision_is_as_asked(wanted):
    assert choose_precision(wanted, torch.device("cpu")) == wanted


def test_norms_and_biases_are_not_decayed():
    for kind in KINDS:
        model = tiny_model(kind).model
        decayed, kept = make_optimizer(model, TrainingSettings(weight_decay=0.3)).param_groups
        assert (decayed["weight_decay"], kept["weight_decay"]) == (0.3, 0.0)
        names = {weight: name for name, weight in model.named_parameters()}
        assert all("bias" not in names[weight] for weight in decayed["params"])
        assert all(weight.ndim == 1 or "bias" in names[weight] for weight in kept["params"])
        assert len(decayed["params"]) + len(kept["params"]) == len(names)
