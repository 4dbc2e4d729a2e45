from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean

import numpy as np
import pytest
import torch

from cauce.corpus.tokens import Tokens
from cauce.errors import UserError
from cauce.evaluation.privacy.attacks import canary, exposure, membership, token_recovery
from cauce.models.adapters import attach
from cauce.models.loading import LoadedModel
from cauce.models.settings import ModelSettings
from models.tiny import tiny_model
from training.engines import alone, engine_of

CHANCE = np.random.default_rng(0)
RANDOM = torch.Generator().manual_seed(0)


def texts(loaded: LoadedModel, count: int) -> list[Tokens]:
    """Six tokens are read in each, none of them twice."""
    ids = CHANCE.permutation(np.arange(4, loaded.vocabulary))[: 6 * count].tolist()
    rows = [ids[start : start + 6] for start in range(0, len(ids), 6)]
    return [Tokens(row, [5, 2]) if loaded.is_encoder_decoder else Tokens([], row) for row in rows]


def with_lora(kind: str) -> LoadedModel:
    settings = ModelSettings(base=kind, adapter="lora", lora_rank=16, lora_targets="all-linear")
    loaded = attach(tiny_model(kind), settings, seed=0)
    torch.manual_seed(1)
    for name, weight in loaded.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)
    return loaded


def gradient(loaded: LoadedModel, items: Sequence[Tokens]) -> dict[str, torch.Tensor]:
    with engine_of(loaded) as engine:
        engine.accumulate_gradients([alone(items)])
        found = {name: it.grad.clone() for name, it in engine.parameters.items()}  # type: ignore[union-attr]
        engine.optimizer.zero_grad()
    return found


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
@pytest.mark.parametrize("made", [tiny_model, with_lora])
def test_a_gradient_tells_what_was_read_and_noise_does_not(kind: str, made: object) -> None:
    loaded = made(kind)  # type: ignore[operator]
    items = texts(loaded, 2)
    update = gradient(loaded, items)
    told = token_recovery(loaded, update, items)
    assert told.found.n == 12
    assert told.chance == 12 / loaded.vocabulary
    assert told.found.value >= 10 / 12  # what stands last is read for nothing
    assert told.found.low is not None
    assert told.found.low > 10 * told.chance
    noise = {name: torch.randn(it.shape, generator=RANDOM) for name, it in update.items()}
    guessed = [token_recovery(loaded, noise, texts(loaded, 10)) for _ in range(4)]
    assert mean(it.found.value for it in guessed) < 2 * guessed[0].chance


def test_some_tokens_stand_for_all_of_them() -> None:
    loaded = tiny_model("llama")
    items = texts(loaded, 16)
    update = gradient(loaded, items)
    whole = token_recovery(loaded, update, items)
    assert token_recovery(loaded, update, items, tried=loaded.vocabulary) == whole
    some = token_recovery(loaded, update, items, tried=48)
    assert (some.found.n, whole.found.n) == (48, 96)
    assert some.chance == whole.chance
    assert some.found.low is not None and some.found.high is not None
    assert 2 * whole.chance < some.found.low < whole.found.value < some.found.high


def test_noise_as_large_as_a_gradient_hides_what_was_read() -> None:
    loaded = tiny_model("llama")
    items = texts(loaded, 2)
    update = gradient(loaded, items)
    noisy = {
        name: it + it.abs().max() * torch.randn(it.shape, generator=RANDOM)
        for name, it in update.items()
    }
    assert token_recovery(loaded, update, items).found.value >= 10 / 12
    assert token_recovery(loaded, noisy, items).found.value <= 3 / 12


def test_an_update_by_lora_layer_is_read_as_one_by_parameter() -> None:
    loaded = with_lora("gpt2")
    items = texts(loaded, 2)
    update = gradient(loaded, items)
    by_layer = {
        name.replace(".lora_A.default.weight", ".lora_a").replace(
            ".lora_B.default.weight", ".lora_b"
        ): it
        for name, it in update.items()
    }
    assert by_layer.keys().isdisjoint(update)
    assert token_recovery(loaded, by_layer, items) == token_recovery(loaded, update, items)
    with pytest.raises(UserError, match="names that the model's parameters have"):
        token_recovery(loaded, {"other.weight": torch.ones(2, 2)}, items)


def test_an_update_that_did_not_move_tells_nothing() -> None:
    loaded = tiny_model("llama")
    still = {name: torch.zeros_like(it) for name, it in loaded.model.named_parameters()}
    items = [Tokens([], [300, 301, 302])]
    assert token_recovery(loaded, still, items).found.value == 0


def test_the_area_is_that_of_all_pairs() -> None:
    members, others = CHANCE.normal(0, 1, 40).round(1), CHANCE.normal(0.5, 1, 60).round(1)
    pairs = [(a < b) + (a == b) / 2 for a in members for b in others]
    told = membership(members.tolist(), others.tolist())
    assert told.auc.value == pytest.approx(np.mean(pairs))
    assert told.auc.n == 100


def test_intervals_hold_the_true_area_nearly_as_often_as_they_say() -> None:
    """Of normal losses a distance apart the true area is that of the normal distribution."""
    true = 0.5 * (1 + math.erf(0.7 / 2))
    held = 0
    for _ in range(300):
        auc = membership(CHANCE.normal(0, 1, 40).tolist(), CHANCE.normal(0.7, 1, 50).tolist()).auc
        assert auc.low is not None
        assert auc.high is not None
        held += auc.low <= true <= auc.high
    assert 0.90 <= held / 300 <= 0.99


def test_members_are_caught_below_all_but_one_percent_of_the_others() -> None:
    others = [float(number) for number in range(200)]
    told = membership([-1.0, 0.5, 1.5, 2.5], others)
    assert told.caught.value == 0.75  # below 2.0: two of two hundred are taken for members
    assert membership([0.0, 0.0], [0.0, 0.0]).auc.value == 0.5
    with pytest.raises(UserError, match="at least two of each"):
        membership([1.0], others)


def test_exposure_is_the_rank_in_bits() -> None:
    candidates = [float(number) for number in range(1, 1024)]
    best = exposure(0.0, candidates)
    assert (best.value, best.high) == (10.0, None)
    assert best.low is not None
    assert 8 < best.low < 10
    middle = exposure(511.5, candidates)
    assert middle.value == pytest.approx(1.0, abs=0.01)
    assert middle.low is not None
    assert middle.high is not None
    assert middle.low < 1 < middle.high < 1.2
    assert exposure(2000.0, candidates).value == 0


def test_canaries_are_numbers_in_the_models_own_tokens() -> None:
    loaded = tiny_model("gpt2")
    one = canary(loaded, "Ana", candidates=5)
    assert one == canary(loaded, "Ana", candidates=5)
    assert one != canary(loaded, "Eva", candidates=5)
    written = [loaded.tokenizer.decode(it.completion[:-1]) for it in [one.planted, *one.candidates]]
    assert len({*written}) == 6
    assert all(text.isdecimal() and len(text) == 9 for text in written)


def test_copies_of_one_example_count_once() -> None:
    members, others = CHANCE.normal(0, 1, 30).tolist(), CHANCE.normal(0.5, 1, 40).tolist()
    alone = membership(members, others)
    groups = ([str(it) for it in range(30)] * 3, [str(it) for it in range(40)] * 3)
    thrice = membership(members * 3, others * 3, groups=groups)
    assert thrice.auc.value == pytest.approx(alone.auc.value)
    assert thrice.auc.low == pytest.approx(alone.auc.low)
    assert thrice.auc.high == pytest.approx(alone.auc.high)
    blind = membership(members * 3, others * 3)
    assert blind.auc.low is not None
    assert thrice.auc.low is not None
    assert blind.auc.low > thrice.auc.low
