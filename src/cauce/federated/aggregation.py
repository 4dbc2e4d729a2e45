"""Many sites' results become one: sorted by site, summed in float64, equal bits on every run.

Where one factor of every LoRA is frozen and the same at all sites, `average` of the other is exact
(FFA-LoRA, Sun et al. 2024, arXiv 2403.12313); where both are trained, `exact_lora` is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from cauce.errors import DataRefused
from cauce.federated.lowrank import LowRank, weighted_sum

Tensors = dict[str, Tensor]


class SiteAdapter(NamedTuple):
    """What a site's LoRA adds to each layer: `scale` (its alpha / rank) times the product."""

    layers: Mapping[str, LowRank]
    scale: float


def average(updates: Mapping[str, Mapping[str, Tensor]], weights: Mapping[str, float]) -> Tensors:
    """The weighted mean of the sites' tensors, name by name (FedAvg).

    McMahan et al. 2016, arXiv 1602.05629. `updates` and `weights` are by site. Raises DataRefused
    for a site whose tensors are not those of the first site in order of names.
    """
    sites = sorted(updates)
    first = updates[sites[0]]
    for site in sites:
        if fault := unlike(updates[site], first):
            raise _refused(site, fault)
    total = sum(weights[site] for site in sites)
    return {
        name: sum(
            (weights[site] / total * updates[site][name].double() for site in sites),
            torch.zeros(first[name].shape, dtype=torch.float64),
        ).float()
        for name in sorted(first)
    }


def exact_lora(
    changes: Mapping[str, LowRank],
    adapters: Mapping[str, SiteAdapter],
    weights: Mapping[str, float],
) -> dict[str, LowRank]:
    """The weighted mean of what the layers of all sites compute, by layer, whatever their ranks.

    `changes` is the shared change that the sites started from, as this function (or
    `weighted_sum`) gave it: each site trained its first directions, as many as its rank, and left
    the rest as they were. Raises DataRefused for a site with other layers.
    """
    total = sum(weights[site] for site in adapters)
    shares = {site: weights[site] / total for site in sorted(adapters)}
    for site in shares:
        if fault := _unlike_layers(adapters[site].layers, changes):
            raise _refused(site, fault)
    return {
        layer: weighted_sum(
            [
                (1.0, _untrained(change, layer, adapters, shares)),
                *(
                    (share * adapters[site].scale, adapters[site].layers[layer])
                    for site, share in shares.items()
                ),
            ]
        )
        for layer, change in sorted(changes.items())
    }


def naive(adapters: Mapping[str, SiteAdapter], weights: Mapping[str, float]) -> dict[str, LowRank]:
    """Product of the means of the factors, which is not the mean of the products: a baseline.

    Smaller ranks are filled up with zeros, scales are folded into B.
    """
    sites = sorted(adapters)
    found = {}
    for layer in sorted(adapters[sites[0]].layers):
        rank = max(adapters[site].layers[layer].rank for site in sites)
        factors = {
            site: _filled(adapters[site].layers[layer], rank, adapters[site].scale)
            for site in sites
        }
        found[layer] = LowRank(**average(factors, weights))
    return found


class AdamState(NamedTuple):
    """Moments of the sites' mean change, by the tensors' names."""

    first: Tensors
    second: Tensors

    def tensors(self) -> Tensors:
        """Both in one, as a file holds them."""
        return {
            f"{moment}/{name}": tensor
            for moment, held in self._asdict().items()
            for name, tensor in sorted(held.items())
        }

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> AdamState:
        """The state that `tensors` wrote."""
        held: dict[str, Tensors] = {"first": {}, "second": {}}
        for key, tensor in tensors.items():
            moment, _, name = key.partition("/")
            held[moment][name] = tensor
        return cls(**held)


class Step(NamedTuple):
    """The shared tensors after a round, and what the next round's step remembers."""

    tensors: Tensors
    state: AdamState


def adam_step(
    current: Mapping[str, Tensor],
    mean: Mapping[str, Tensor],
    state: AdamState | None,
    *,
    rate: float,
    tau: float = 1e-3,
) -> Step:
    """`current` moved by Adam as if its distance to the sites' `mean` were a gradient.

    FedAdam (Reddi et al. 2020, arXiv 2003.00295, algorithm 2) with its moments of 0.9 and 0.99, no
    correction of their start, and `tau` against small steps. `state` is None in the first round.
    """
    names = sorted(current)
    if state is None:
        state = AdamState(
            {name: torch.zeros_like(current[name]) for name in names},
            {name: torch.full_like(current[name], tau**2) for name in names},
        )
    moved: Tensors = {}
    first: Tensors = {}
    second: Tensors = {}
    for name in names:
        change = mean[name] - current[name]
        first[name] = 0.9 * state.first[name] + 0.1 * change
        second[name] = 0.99 * state.second[name] + 0.01 * change.square()
        moved[name] = current[name] + rate * first[name] / (second[name].sqrt() + tau)
    return Step(moved, AdamState(first, second))


def unlike(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """What keeps `tensors` from being averaged with `expected`; empty where nothing does."""
    if odd := sorted(tensors.keys() ^ expected.keys()):
        return f"{odd[0]!r} is only in one of them ({len(odd)} such)"
    for name in sorted(expected):
        if tensors[name].shape != expected[name].shape:
            shapes = tuple(tensors[name].shape), tuple(expected[name].shape)
            return f"{name!r} has the shape {shapes[0]}, and {shapes[1]} is expected"
        if not bool(torch.isfinite(tensors[name]).all()):
            return f"{name!r} holds a value that is no number"
    return ""


def _unlike_layers(layers: Mapping[str, LowRank], changes: Mapping[str, LowRank]) -> str:
    """The same for layers, whose ranks may differ."""
    if odd := sorted(layers.keys() ^ changes.keys()):
        return f"the layer {odd[0]!r} is only in one of them ({len(odd)} such)"
    for layer, change in sorted(changes.items()):
        shapes = [(it.b.shape[0], it.a.shape[1]) for it in (layers[layer], change)]
        if shapes[0] != shapes[1]:
            return f"the layer {layer!r} is {shapes[0]}, and {shapes[1]} is expected"
        if not all(bool(torch.isfinite(factor).all()) for factor in layers[layer]):
            return f"the layer {layer!r} holds a value that is no number"
    return ""


def _untrained(
    change: LowRank,
    layer: str,
    adapters: Mapping[str, SiteAdapter],
    shares: Mapping[str, float],
) -> LowRank:
    """The mean over the sites of what each left as it was: the directions beyond its rank."""
    kept = torch.zeros(change.rank, dtype=torch.float64)
    for site, share in shares.items():
        kept[adapters[site].layers[layer].rank :] += share
    return LowRank(change.b.double() * kept, change.a)


def _filled(product: LowRank, rank: int, scale: float) -> Tensors:
    spare = rank - product.rank
    return {
        "b": torch.nn.functional.pad(scale * product.b, (0, spare)),
        "a": torch.nn.functional.pad(product.a, (0, 0, 0, spare)),
    }


def _refused(site: str, fault: str) -> DataRefused:
    return DataRefused(
        f"the update of {site} does not fit: {fault}.\n"
        "All sites must train the same model by the same recipe; leave the site out of this round."
    )
