"""Whether the LoRA of all sites become one change exactly: against what peft itself merges."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.training.shapes import build
from cauce.federated.aggregation import SiteAdapter, exact_lora, naive
from cauce.federated.lowrank import LowRank, zero
from cauce.federated.model import TrainedPart, lora_layers
from cauce.models.adapters import attach
from cauce.models.loading import LoadedModel
from cauce.models.settings import ModelSettings

RANKS = {"avila": 2, "lugo": 4, "soria": 8, "zamora": 16}
ALPHAS = {"avila": 16, "lugo": 4, "soria": 16, "zamora": 8}
SHARES = {"avila": 0.1, "lugo": 0.45, "soria": 0.25, "zamora": 0.2}
LAYOUTS = {"nn.Linear": "llama-60m", "Conv1D of GPT-2": "gpt2-tiny", "T5": "t5-tiny"}
ROUNDS = 3

Dense = dict[str, Tensor]
"""A weight or a change by layer, outputs by inputs, in float64."""


def aggregation() -> None:
    """The shared change after each round against the mean of the merged models, per layout."""
    for layout, shape in LAYOUTS.items():
        exact, baseline = _errors(shape)
        report(f"{layout}, ranks 2 to 16, {ROUNDS} rounds: exact, relative error", exact, 1e-6)
        report(f"{layout}, ranks 2 to 16, first round: naive, relative error", baseline, None)


def _errors(shape: str) -> tuple[float, float]:
    """The largest error of any layer and round; the largest of naive means in the first round."""
    sites = {site: _site(shape, site) for site in RANKS}
    parts = {site: TrainedPart(loaded, seed=0) for site, loaded in sites.items()}
    base = _merged(sites["avila"], with_adapter=False)
    changes = {name: zero(*weight.shape) for name, weight in base.items()}
    exact, baseline = 0.0, 0.0
    for number in range(ROUNDS):
        models: list[Dense] = []
        adapters: dict[str, SiteAdapter] = {}
        for place, (site, loaded) in enumerate(sites.items()):
            parts[site].put(_sent(changes))
            _train_a_little(loaded, seed=10 * number + place)
            models.append(_merged(loaded, with_adapter=True))
            adapters[site] = SiteAdapter(_factors(loaded), ALPHAS[site] / RANKS[site])
        wanted = {
            name: sum(
                (share * model[name] for share, model in zip(SHARES.values(), models, strict=True)),
                -weight,
            )
            for name, weight in base.items()
        }
        if number == 0:
            baseline = _error(naive(adapters, SHARES), wanted)
        changes = exact_lora(changes, adapters, SHARES)
        exact = max(exact, _error(changes, wanted))
    return exact, baseline


def _site(shape: str, site: str) -> LoadedModel:
    settings = ModelSettings(adapter="lora", lora_rank=RANKS[site], lora_alpha=ALPHAS[site])
    return attach(build(shape), settings, seed=0)


def _train_a_little(loaded: LoadedModel, *, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for product in _factors(loaded, copies=False).values():
            for factor in product:
                factor.add_(0.02 * torch.randn(factor.shape, generator=generator))


def _factors(loaded: LoadedModel, *, copies: bool = True) -> dict[str, LowRank]:
    found = {}
    for name, layer in lora_layers(loaded).items():
        product = LowRank(layer.lora_B["default"].weight, layer.lora_A["default"].weight)
        found[name] = LowRank(*(it.detach().clone() for it in product)) if copies else product
    return found


def _merged(loaded: LoadedModel, *, with_adapter: bool) -> Dense:
    found = {}
    for name, own in lora_layers(loaded).items():
        layer: Any = copy.deepcopy(own).double()
        if with_adapter:
            layer.merge()
        weight = layer.get_base_layer().weight.detach()
        found[name] = weight.T if layer.fan_in_fan_out else weight
    return found


def _sent(changes: dict[str, LowRank]) -> dict[str, Tensor]:
    return {
        f"{name}.change_{half}": factor
        for name, change in changes.items()
        for half, factor in change._asdict().items()
    }


def _error(changes: dict[str, LowRank], wanted: Dense) -> float:
    return max(
        float((changes[name].dense() - dense).norm() / dense.norm())
        for name, dense in wanted.items()
    )
