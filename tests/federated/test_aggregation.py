from __future__ import annotations

import copy

import pytest
import torch

from cauce.errors import DataRefused
from cauce.federated.aggregation import (
    AdamState,
    SiteAdapter,
    adam_step,
    average,
    exact_lora,
    naive,
)
from cauce.federated.lowrank import LowRank, adapter, changed, fresh_rows, split, zero
from cauce.models.adapters import attach
from cauce.models.settings import ModelSettings
from models.tiny import logits, tiny_model

RANKS = {"zaragoza": 2, "avila": 4, "soria": 8, "lugo": 16}
ALPHAS = {"zaragoza": 2, "avila": 16, "soria": 8, "lugo": 4}
WEIGHTS = {"zaragoza": 0.1, "avila": 0.45, "soria": 0.25, "lugo": 0.2}
KINDS = ["llama", "gpt2", "t5"]


def site_model(kind, site):
    settings = ModelSettings(adapter="lora", lora_rank=RANKS[site], lora_alpha=ALPHAS[site])
    return attach(tiny_model(kind), settings, seed=0)


def lora_layers(loaded):
    return {name: it for name, it in loaded.model.named_modules() if hasattr(it, "lora_A")}


def factors(layer):
    return layer.lora_B["default"].weight, layer.lora_A["default"].weight


def train_a_little(loaded, *, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in lora_layers(loaded).values():
            for factor in factors(layer):
                factor.add_(0.1 * torch.randn(factor.shape, generator=generator))


def adapter_of(loaded, site):
    layers = {
        name: LowRank(*(it.detach().clone() for it in factors(layer)))
        for name, layer in lora_layers(loaded).items()
    }
    return SiteAdapter(layers, ALPHAS[site] / RANKS[site])


def start_from(loaded, site, changes, before):
    """What a site does at the start of a round."""
    with torch.no_grad():
        for name, layer in lora_layers(loaded).items():
            leading, rest = split(changes[name], RANKS[site])
            b, a = factors(layer)
            fresh = fresh_rows(*a.shape, seed=1)
            own = adapter(leading, fresh, scale=ALPHAS[site] / RANKS[site])
            b.copy_(own.b)
            a.copy_(own.a)
            weight = layer.get_base_layer().weight
            is_transposed = layer.fan_in_fan_out
            weight.copy_(changed(before[name], rest, is_transposed=is_transposed))


def merged(loaded):
    """The weights that peft itself makes of base and adapter, outputs by inputs, in float64."""
    found = {}
    for name, own in lora_layers(loaded).items():
        layer = copy.deepcopy(own).double()
        layer.merge()
        weight = layer.get_base_layer().weight.detach()
        found[name] = weight.T if layer.fan_in_fan_out else weight
    return found


def base_weights(loaded):
    return {
        name: layer.get_base_layer().weight.detach().clone()
        for name, layer in lora_layers(loaded).items()
    }


def off_by(changes, wanted):
    return max(
        float((changes[it].dense() - wanted[it]).norm() / wanted[it].norm()) for it in wanted
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_shared_change_is_the_mean_of_the_merged_models_round_after_round(kind):
    sites = {site: site_model(kind, site) for site in RANKS}
    before = base_weights(sites["avila"])
    layout = {name: it.fan_in_fan_out for name, it in lora_layers(sites["avila"]).items()}
    assert any(layout.values()) == (kind == "gpt2")
    base = {name: (it.T if layout[name] else it).double() for name, it in before.items()}
    changes = {name: zero(*it.shape) for name, it in base.items()}
    for number in range(2):
        for place, (site, loaded) in enumerate(sites.items()):
            start_from(loaded, site, changes, before)
            train_a_little(loaded, seed=10 * number + place)
        models = {site: merged(loaded) for site, loaded in sites.items()}
        wanted = {
            name: sum(WEIGHTS[site] * models[site][name] for site in sites) - weight
            for name, weight in base.items()
        }
        adapters = {site: adapter_of(loaded, site) for site, loaded in sites.items()}
        changes = exact_lora(changes, adapters, WEIGHTS)
        # The frozen part was rounded to fp32 when it was put into the weights.
        assert off_by(changes, wanted) < (1e-7 if number == 0 else 1e-6)
        if number == 0:
            assert off_by(naive(adapters, WEIGHTS), wanted) > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_sites_of_all_ranks_start_a_round_with_the_same_model(kind):
    sites = {site: site_model(kind, site) for site in RANKS}
    before = base_weights(sites["avila"])
    for place, loaded in enumerate(sites.values()):
        train_a_little(loaded, seed=place)
    nothing = {
        name: zero(*it.dense().shape) for name, it in adapter_of(loaded, "lugo").layers.items()
    }
    adapters = {site: adapter_of(loaded, site) for site, loaded in sites.items()}
    changes = exact_lora(nothing, adapters, WEIGHTS)
    assert all(it.rank > max(RANKS.values()) for it in changes.values())
    said = []
    for site, loaded in sites.items():
        start_from(loaded, site, changes, before)
        said.append(logits(loaded))
    for one in said[1:]:
        torch.testing.assert_close(one, said[0], rtol=1e-4, atol=1e-5)


def adapters_of(seed, ranks=RANKS):
    generator = torch.Generator().manual_seed(seed)
    return {
        site: SiteAdapter(
            {"layer": LowRank(*(torch.randn(*it, generator=generator) for it in ((9, r), (r, 7))))},
            0.5 * r,
        )
        for site, r in ranks.items()
    }


def test_the_order_of_replies_and_of_names_changes_no_bit():
    adapters = adapters_of(0)
    backwards = dict(reversed(adapters.items()))
    changes = {"layer": zero(9, 7)}
    for there, back in zip(
        exact_lora(changes, adapters, WEIGHTS)["layer"],
        exact_lora(changes, backwards, dict(reversed(WEIGHTS.items())))["layer"],
        strict=True,
    ):
        assert torch.equal(there, back)
    updates = {
        site: it.layers["layer"]._asdict()
        for site, it in adapters_of(1, dict.fromkeys(RANKS, 3)).items()
    }
    there = average(updates, WEIGHTS)
    back = average(
        {site: dict(reversed(updates[site].items())) for site in reversed(updates)}, WEIGHTS
    )
    assert list(there) == list(back) == ["a", "b"]
    assert all(torch.equal(there[name], back[name]) for name in there)


def test_the_mean_is_that_of_the_weights_of_those_who_replied():
    updates = {"a": {"x": torch.tensor([1.0, 2.0])}, "b": {"x": torch.tensor([5.0, -2.0])}}
    found = average(updates, {"a": 0.3, "b": 0.1, "lost": 0.6})
    torch.testing.assert_close(found["x"], torch.tensor([2.0, 1.0]))
    found = exact_lora({"layer": zero(9, 7)}, adapters_of(2, {"a": 2}), {"a": 0.2, "lost": 0.8})
    expected = adapters_of(2, {"a": 2})["a"].layers["layer"].dense()
    torch.testing.assert_close(found["layer"].dense(), expected)


@pytest.mark.parametrize("frozen", ["a", "b"])
def test_with_a_factor_that_all_share_the_mean_of_the_other_is_exact(frozen):
    adapters = adapters_of(3, dict.fromkeys(RANKS, 4))
    shared = adapters["avila"].layers["layer"]._asdict()[frozen]
    products = {
        site: it.layers["layer"]._replace(**{frozen: shared}) for site, it in adapters.items()
    }
    other = "b" if frozen == "a" else "a"
    mean = average({site: {other: it._asdict()[other]} for site, it in products.items()}, WEIGHTS)
    found = LowRank(**{frozen: shared, other: mean[other]})
    wanted = sum(WEIGHTS[site] * it.dense() for site, it in products.items())
    assert off_by({"layer": found}, {"layer": wanted}) < 1e-7


def test_an_update_that_does_not_fit_is_refused_and_its_site_named():
    good = {"x": torch.ones(2), "y": torch.ones(3)}
    for bad, reason in (
        ({"x": torch.ones(2)}, "'y' is only in one"),
        ({**good, "y": torch.ones(4)}, r"'y' has the shape \(4,\), and \(3,\) is expected"),
        ({**good, "x": torch.tensor([1.0, torch.nan])}, "'x' holds a value that is no number"),
    ):
        with pytest.raises(DataRefused, match=f"update of soria does not fit: .*{reason}"):
            average({"avila": good, "soria": bad}, WEIGHTS)
    adapters = adapters_of(4)
    for changes, reason in (
        ({"other": zero(9, 7)}, "'layer' is only in one"),
        ({"layer": zero(9, 8)}, r"is \(9, 7\), and \(9, 8\)"),
    ):
        with pytest.raises(DataRefused, match=reason):
            exact_lora(changes, adapters, WEIGHTS)
    adapters["soria"].layers["layer"].b[0, 0] = torch.inf
    with pytest.raises(DataRefused, match=r"soria.*no number"):
        exact_lora({"layer": zero(9, 7)}, adapters, WEIGHTS)


def test_adam_over_rounds_is_the_published_algorithm_in_plain_numbers():
    current, means = 1.0, (1.5, 1.2, 2.0, -1.0)
    tensors, state, first, second = {"x": torch.tensor([current])}, None, 0.0, 0.05**2
    for mean in means:
        moved = adam_step(tensors, {"x": torch.tensor([mean])}, state, rate=0.3, tau=0.05)
        change = mean - current
        first, second = 0.9 * first + 0.1 * change, 0.99 * second + 0.01 * change**2
        current += 0.3 * first / (second**0.5 + 0.05)
        tensors, state = moved.tensors, AdamState.of(moved.state.tensors())
        assert tensors["x"].item() == pytest.approx(current, rel=1e-5)


def test_adam_stays_where_all_sites_agree():
    tensors = {"x": torch.randn(5)}
    moved = adam_step(tensors, tensors, None, rate=1.0)
    assert torch.equal(moved.tensors["x"], tensors["x"])
