"""Liquid layers in the embedded base model, whose cache and feed-forwards are the project's own."""

from __future__ import annotations

import pytest
import torch

from cauce.errors import UserError
from cauce.models.adapters import attach, transplant
from cauce.models.liquid.transplant import liquidize, replaced_blocks
from cauce.models.loading import LoadedModel, load_folder
from cauce.models.prediction import refuse_unpackable
from cauce.models.settings import LiquidSettings, ModelSettings
from cauce.models.tuned import load_base, load_tuned, save_tuned
from models.foundation.foundation_cases import make_model

IDS = torch.randint(5, 4000, (2, 11), generator=torch.Generator().manual_seed(0))

CELLS = {
    "cfc": LiquidSettings(backbone_units=16),
    "ltc ncp": LiquidSettings(cell="ltc", wiring="ncp", units=24, layers=(1, 2)),
    "control": LiquidSettings(cell="mlp", units=16),
}


def liquid_mini(name: str = "cfc") -> LoadedModel:
    return transplant(load_base(ModelSettings()), CELLS[name], seed=0)


@pytest.mark.parametrize("name", CELLS)
def test_every_way_to_read_gives_the_same(name, tmp_path):
    loaded = liquid_mini(name)
    layers = CELLS[name].layers
    assert tuple(replaced_blocks(loaded.bare)) == (tuple(range(5)) if layers == "all" else layers)
    refuse_unpackable(loaded, 64)
    with torch.no_grad():
        whole = loaded.model(IDS, use_cache=False).logits
        first = loaded.model(IDS[:, :4], use_cache=True)
        read, cache = [first.logits], first.past_key_values
        for place in range(4, IDS.shape[1]):
            output = loaded.model(IDS[:, [place]], past_key_values=cache, use_cache=True)
            read.append(output.logits)
        torch.testing.assert_close(torch.cat(read, 1), whole, rtol=1e-4, atol=1e-4)
        save_tuned(loaded, tmp_path / "model")
        again = load_folder(tmp_path / "model", name="again")
        assert torch.equal(again.model(IDS, use_cache=False).logits, whole)


@pytest.mark.parametrize("beams", [1, 2])
@pytest.mark.parametrize("is_training", [False, True])
def test_generation_with_the_cache_is_that_without_also_left_padded(beams, is_training):
    loaded = liquid_mini()
    loaded.model.train(is_training)
    mask = torch.ones_like(IDS)
    mask[0, :3] = 0
    options = {"max_new_tokens": 5, "num_beams": beams, "do_sample": False, "attention_mask": mask}
    cached, uncached = (
        loaded.model.generate(IDS, use_cache=use_cache, **options) for use_cache in (True, False)
    )
    assert torch.equal(cached, uncached)


def test_lora_trains_the_rest_and_is_saved_with_the_new_layers(tmp_path):
    settings = ModelSettings(adapter="lora", liquid=LiquidSettings(layers=(1,)))
    base = transplant(load_base(settings), settings.liquid, seed=0)
    tuned = attach(base, settings, seed=0)
    tuned.model(IDS, labels=IDS).loss.backward()
    trained = {
        name: weight for name, weight in tuned.model.named_parameters() if weight.requires_grad
    }
    assert all(weight.grad is not None for weight in trained.values())
    assert any("mixer" in name for name in trained)
    assert any("liquid" in name for name in trained)
    save_tuned(tuned, tmp_path / "tuned")
    with torch.no_grad():
        again = load_tuned(tmp_path / "tuned")
        assert torch.equal(again.model(IDS).logits, tuned.model.eval()(IDS).logits)


@pytest.mark.parametrize("feed_forward", ["swiglu", "relu2"])
def test_feed_forwards_are_replaced_and_never_mixers(feed_forward):
    model = make_model(feed_forward=feed_forward)
    mixers = [layer.mixer for layer in model.model.stack.layers]
    blocks = replaced_blocks(liquidize(model, backbone_units=4))
    layers = model.model.stack.layers
    assert [layer.mixer for layer in layers] == mixers
    assert [layer.feed_forward for layer in layers] == list(blocks.values())


@pytest.mark.parametrize(
    ("part", "options", "said"),
    [
        ("default", {"init": "preserve"}, "0 activations where an MLP has one"),
        ("experts", {}, "layer 1 of LiquidFoundationForCausalLM has no MLP of a known shape"),
        ("compressed", {}, r"layers \[1, 2\] of .* read compressed text"),
    ],
)
def test_what_cannot_be_replaced_is_refused(part, options, said):
    with pytest.raises(UserError, match=said):
        liquidize(make_model(part), **options)
