"""AdamW with decay where decay belongs (Loshchilov & Hutter 2017, arXiv 1711.05101)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cauce.models.protocol import LanguageModel
from cauce.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import AdamW

FUSED_DEVICES = ("cpu", "cuda")


def trainable_parameters(model: LanguageModel) -> dict[str, Tensor]:
    """The parameters that training changes, by name; tied ones once."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def make_optimizer(model: LanguageModel, settings: TrainingSettings) -> AdamW:
    """AdamW over the trainable parameters; norms and biases are not pulled towards zero."""
    from torch.optim import AdamW

    parameters = trainable_parameters(model)
    decayed = [weight for name, weight in parameters.items() if _is_decayed(name, weight)]
    kept = [weight for name, weight in parameters.items() if not _is_decayed(name, weight)]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    device = next(iter(parameters.values())).device.type
    return AdamW(
        [group for group in groups if group["params"]],
        lr=settings.lr,
        betas=(0.9, 0.95),
        fused=device in FUSED_DEVICES,
    )


def _is_decayed(name: str, weight: Tensor) -> bool:
    """False for vectors, and for T5's table of relative position biases."""
    return weight.ndim >= 2 and "bias" not in name
