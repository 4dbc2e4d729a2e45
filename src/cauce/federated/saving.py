"""A model of a job as a folder that any other verb takes: `cauce ask`, `evaluate`, `serve`.

A shared change has more directions than one site's LoRA: it is saved as a LoRA of as many as it
has, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from cauce.federated.model import ADAPTER, TrainedPart, lora_layers
from cauce.models.adapters import attach
from cauce.models.loading import LoadedModel
from cauce.models.settings import ModelSettings
from cauce.models.tuned import save_tuned

if TYPE_CHECKING:
    from torch import Tensor


def save_model(
    part: TrainedPart,
    tensors: Mapping[str, Tensor],
    folder: Path,
    *,
    settings: ModelSettings,
    load_base: Callable[[], LoadedModel],
) -> None:
    """Writes the model that `tensors` are to `folder`; `part` is left as that model."""
    part.put(tensors)
    changes = part.changes()
    rank = max((change.rank for change in changes.values()), default=0) or settings.lora_rank
    wide = settings.model_copy(update={"lora_rank": rank, "lora_alpha": rank, "lora_dropout": 0.0})
    loaded = attach(load_base(), wide, seed=0)
    with torch.no_grad():
        for name, layer in lora_layers(loaded).items():
            a, b = layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight
            a.zero_()
            b.zero_()
            a[: changes[name].rank] = changes[name].a
            b[:, : changes[name].rank] = changes[name].b
        weights = dict(cast(Any, loaded.model).named_parameters())
        for name, weight in part.whole.items():
            weights[name].copy_(weight)
    save_tuned(loaded, folder)
