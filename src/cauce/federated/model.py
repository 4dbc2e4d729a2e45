"""What of a model is trained at the sites: LoRA layers, and weights trained whole.

A LoRA layer computes with W + s B A, s = alpha / rank. Tensors are named for their layer:
`LAYER.change_b` and `LAYER.change_a` are factors of a change of W that all sites share, of any
rank. Every other tensor is a difference: `LAYER.lora_b` and `LAYER.lora_a` from the LoRA that the
change and the seed make, and a weight that is trained whole, by its name, from the base's.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

import torch

from cauce.federated.aggregation import SiteAdapter, exact_lora
from cauce.federated.lowrank import (
    LowRank,
    adapter,
    changed,
    fresh_rows,
    split,
    weighted_sum,
    zero,
)
from cauce.models.loading import LoadedModel
from cauce.training.optimizer import trainable_parameters

if TYPE_CHECKING:
    from torch import Tensor

ADAPTER = "default"
Factor = Literal["a", "b"]


class TrainedPart:
    """The trained part of one loaded model, and the weights under it as they were."""

    def __init__(self, loaded: LoadedModel, *, seed: int, shares_factor: bool = False) -> None:
        """`seed` decides what a fresh LoRA is, the same at every site.

        With `shares_factor`, the larger factor of each LoRA stays as the seed made it.
        """
        self._seed = seed
        self._lora = lora_layers(loaded)
        self._before = {
            name: layer.get_base_layer().weight.detach().clone()
            for name, layer in self._lora.items()
        }
        self._fixed: dict[str, Factor] = {}
        if shares_factor:
            self._fixed = {name: larger_factor(layer) for name, layer in self._lora.items()}
        for name, fixed in self._fixed.items():
            _weight(self._lora[name], fixed).requires_grad_(False)
        factors = {id(_weight(it, half)) for it in self._lora.values() for half in ("a", "b")}
        trained = trainable_parameters(loaded.model)
        self._whole = {name: it for name, it in trained.items() if id(it) not in factors}
        self._base = {name: it.detach().clone() for name, it in self._whole.items()}
        self._put: dict[str, Tensor] = {}
        self._rests: dict[str, LowRank] = {}

    @property
    def scaling(self) -> float:
        """alpha / rank, the same in all layers; 1 without LoRA."""
        return next((float(it.scaling[ADAPTER]) for it in self._lora.values()), 1.0)

    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Makes the model what the tensors say; of what they do not speak is untrained."""
        with torch.no_grad():
            for name, layer in self._lora.items():
                self._put_layer(name, layer, tensors)
            for name, weight in self._whole.items():
                weight.copy_(self._base[name])
                if name in tensors:
                    weight.add_(tensors[name].to(weight))
        self._put = self._trained()

    def moved(self) -> dict[str, Tensor]:
        """The differences of the trained tensors from what was put, on the CPU in fp32."""
        return {name: now - self._put[name] for name, now in self._trained().items()}

    def changes(self) -> dict[str, LowRank]:
        """How the weight that each LoRA layer computes with differs from the base's."""
        return {
            name: weighted_sum(
                [(1.0, self._rests[name]), (self.scaling, LowRank(_copy(b), _copy(a)))]
            )
            for name, layer in self._lora.items()
            for a, b in [(_weight(layer, "a"), _weight(layer, "b"))]
        }

    @property
    def whole(self) -> dict[str, Tensor]:
        """The weights that are trained whole, as they are now."""
        return {name: _copy(weight) for name, weight in self._whole.items()}

    def _trained(self) -> dict[str, Tensor]:
        found = {name: _copy(weight) for name, weight in self._whole.items()}
        for name, layer in self._lora.items():
            for half in ("a", "b"):
                if self._fixed.get(name) != half:
                    found[f"{name}.lora_{half}"] = _copy(_weight(layer, half))
        return found

    def _put_layer(self, name: str, layer: Any, tensors: Mapping[str, Tensor]) -> None:
        a, b, base = _weight(layer, "a"), _weight(layer, "b"), layer.get_base_layer().weight
        base.copy_(self._before[name])
        own = self._untrained(name, layer)
        self._rests[name] = zero(b.shape[0], a.shape[1])
        if f"{name}.change_a" in tensors:
            change = LowRank(tensors[f"{name}.change_b"], tensors[f"{name}.change_a"])
            leading, rest = split(change, a.shape[0])
            own = adapter(leading, own.a, scale=self.scaling)
            base.copy_(changed(base, rest, is_transposed=layer.fan_in_fan_out))
            self._rests[name] = rest
        for weight, made, half in ((a, own.a, "a"), (b, own.b, "b")):
            weight.copy_(made)
            if f"{name}.lora_{half}" in tensors:
                weight.add_(tensors[f"{name}.lora_{half}"].to(weight))

    def _untrained(self, name: str, layer: Any) -> LowRank:
        """A drawn factor, the one that stays fixed if one does, beside one of zeros."""
        (rank, inputs), outputs = _weight(layer, "a").shape, _weight(layer, "b").shape[0]
        seed = seed_of(self._seed, name)
        if self._fixed.get(name) == "b":
            return LowRank(fresh_rows(rank, outputs, seed=seed).T, torch.zeros(rank, inputs))
        return LowRank(torch.zeros(outputs, rank), fresh_rows(rank, inputs, seed=seed))


def added(tensors: Mapping[str, Tensor], moved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What to put for the model that was `tensors` and has `moved` since."""
    both = {name: tensors[name] + moved[name] for name in tensors.keys() & moved.keys()}
    return {**tensors, **moved, **both}


def combined_changes(
    sent: Mapping[str, Tensor],
    moved: Mapping[str, Mapping[str, Tensor]],
    scales: Mapping[str, float],
    weights: Mapping[str, float],
    *,
    seed: int,
) -> dict[str, Tensor]:
    """The shared change after a round, exact whatever the sites' ranks.

    `sent` is what they were sent, `moved` how far each one's LoRA moved from what that made.
    """
    first = next(iter(moved.values()))
    layers = sorted(name.removesuffix(".lora_a") for name in first if name.endswith(".lora_a"))
    changes = {name: _change(sent, name, first) for name in layers}
    adapters = {
        site: SiteAdapter(
            {
                name: _after(changes[name], name, own, scale=scales[site], seed=seed)
                for name in layers
            },
            scales[site],
        )
        for site, own in moved.items()
    }
    found: dict[str, Tensor] = {}
    for name, change in exact_lora(changes, adapters, weights).items():
        found[f"{name}.change_a"], found[f"{name}.change_b"] = change.a, change.b
    return found


def without_lora(moved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that are trained whole."""
    return {name: it for name, it in moved.items() if not name.endswith((".lora_a", ".lora_b"))}


def _change(sent: Mapping[str, Tensor], name: str, moved: Mapping[str, Tensor]) -> LowRank:
    if f"{name}.change_a" in sent:
        return LowRank(sent[f"{name}.change_b"], sent[f"{name}.change_a"])
    return zero(moved[f"{name}.lora_b"].shape[0], moved[f"{name}.lora_a"].shape[1])


def _after(
    change: LowRank, name: str, moved: Mapping[str, Tensor], *, scale: float, seed: int
) -> LowRank:
    """A site's LoRA after a round: what `change` and the seed made, and how far that moved."""
    a, b = moved[f"{name}.lora_a"], moved[f"{name}.lora_b"]
    fresh = fresh_rows(*a.shape, seed=seed_of(seed, name))
    start = adapter(split(change, a.shape[0]).leading, fresh, scale=scale)
    return LowRank(start.b + b, start.a + a)


def lora_layers(loaded: LoadedModel) -> dict[str, Any]:
    """The layers of the model that have a LoRA, by name."""
    if loaded.adapter == "none":
        return {}
    from peft.tuners.lora import LoraLayer

    modules = cast(Any, loaded.model).named_modules()
    return {name: module for name, module in modules if isinstance(module, LoraLayer)}


def larger_factor(layer: Any) -> Factor:
    """Which of A (rank x in) and B (out x rank) has more weights; A where they are alike."""
    return "b" if _weight(layer, "b").numel() > _weight(layer, "a").numel() else "a"


def seed_of(seed: int, *names: object) -> int:
    """A seed of its own for each thing named, the same on every machine."""
    return zlib.crc32("/".join(map(str, (seed, *names))).encode())


def _weight(layer: Any, half: str) -> Any:
    return (layer.lora_A if half == "a" else layer.lora_B)[ADAPTER].weight


def _copy(weight: Tensor) -> Tensor:
    return weight.detach().to("cpu", torch.float32).clone()
