"""What tuning added to a model, made smaller or turned: two remedies that train nothing.

Both change the weights in memory; `save_tuned` writes them. With a LoRA the weights of a layer are
W + s B A, and only B (out x rank) is changed: the rank stays, and so does the adapter's size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cauce.errors import UserError
from cauce.models.loading import LoadedModel

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

THRESHOLD = 0.35
"""Cosine below which an update is projected: a layer whose update lies along alignment is left."""


def scale_adapter(tuned: LoadedModel, alpha: float) -> None:
    """Makes what the LoRA adds `alpha` (0..1) times as large: 0 is the base, 1 changes nothing.

    Raises UserError where there is no LoRA, or where more than a LoRA was trained.
    """
    import torch

    with torch.no_grad():
        for layer in _adapted(tuned).values():
            layer.lora_B["default"].weight.mul_(alpha)


def interpolate(tuned: LoadedModel, base: LoadedModel, alpha: float) -> None:
    """Makes every weight base + alpha (tuned - base), for a model that was trained whole.

    Wortsman et al. 2021, arXiv 2109.01903. Raises UserError when they are not the same network.
    """
    import torch

    before = dict(base.model.named_parameters())
    after = dict(tuned.model.named_parameters())
    if {name: it.shape for name, it in before.items()} != {n: it.shape for n, it in after.items()}:
        raise _not_alike(base.name, tuned.name)
    with torch.no_grad():
        for name, weight in after.items():
            weight.lerp_(before[name].to(weight), 1 - alpha)


def project(
    tuned: LoadedModel,
    *,
    aligned: LoadedModel,
    unaligned: LoadedModel,
    threshold: float = THRESHOLD,
) -> dict[str, float]:
    """Turns the LoRA towards what alignment once changed; the cosine of each layer, by name.

    Safe LoRA (Hsu et al. 2024, arXiv 2405.16833). V = W_aligned - W_unaligned of a layer spans what
    alignment changed, and C = V V' / |V V'|_2 turns an update B A into C B A. Where the cosine of
    the two (as vectors) is below `threshold`, the update leaves that subspace: B becomes C B. The
    paper divides V V' by |V|_F instead, so that the size of what is left depends on the size of V;
    here C keeps what lies along the main direction of V as large as it was. Cosines are the same
    either way. A layer that alignment did not change, or tuning did not, is left as it is.

    Raises UserError as `scale_adapter` does, or when the models are not the same network.
    """
    import torch

    cosines = {}
    with torch.no_grad():
        for name, layer in _adapted(tuned).items():
            outer, inner = layer.lora_B["default"].weight, layer.lora_A["default"].weight
            change = _weight(aligned, name, layer) - _weight(unaligned, name, layer)
            if not change.any() or not outer.any():
                continue
            turned = turn(outer, change.to(outer))
            cosines[name] = _cosine(outer, turned, inner)
            if cosines[name] < threshold:
                outer.copy_(turned)
    return cosines


def turn(outer: Float[Tensor, "out rank"], change: Float[Tensor, "out in"]) -> Tensor:
    """C B for C = V V' / |V V'|_2, without ever holding C (out x out)."""
    import torch

    largest: Tensor = torch.linalg.matrix_norm(change, 2)
    return change @ (change.mT @ outer) / largest**2


def _cosine(outer: Tensor, turned: Tensor, inner: Float[Tensor, "rank in"]) -> float:
    """Of B A and C B A, from rank x rank products: <B A, D A> is the sum of (B' D) * (A A')."""
    gram = inner @ inner.T

    def product(left: Tensor, right: Tensor) -> Tensor:
        return ((left.T @ right) * gram).sum()

    size = (product(outer, outer) * product(turned, turned)).sqrt()
    return float(product(outer, turned) / size) if size > 0 else 1.0


def _adapted(tuned: LoadedModel) -> dict[str, Any]:
    """The layers with a LoRA, by their names in the base."""
    from peft.tuners.lora import LoraLayer

    if tuned.adapter == "none" or tuned.liquid is not None:
        what = "has no adapter" if tuned.adapter == "none" else "trained liquid layers whole"
        raise UserError(
            f"{tuned.name} {what}: there is no LoRA alone to change.\n"
            "Tune with model.adapter=lora and without model.liquid."
        )
    prefix = "base_model.model."
    return {
        name.removeprefix(prefix): part
        for name, part in tuned.model.named_modules()
        if isinstance(part, LoraLayer)
    }


def _weight(loaded: LoadedModel, name: str, layer: Any) -> Float[Tensor, "out in"]:
    """The weight of the layer of that name; GPT-2 keeps it transposed."""
    parts: dict[str, Any] = dict(loaded.bare.named_modules())
    if name not in parts:
        raise _not_alike(loaded.name, name)
    weight: Tensor = parts[name].weight
    if {*weight.shape} != {layer.in_features, layer.out_features}:
        raise _not_alike(loaded.name, name)
    return weight.mT if layer.fan_in_fan_out else weight


def _not_alike(first: str, second: str) -> UserError:
    return UserError(
        f"{first} is not the same network as what was tuned ({second}).\n"
        "Name the model that was tuned, or the one that it was aligned from."
    )
