"""LoRA: small trained matrices beside frozen weights (Hu et al. 2021, arXiv 2106.09685).

The frozen ones may be in 4 bits (`quantization`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from cauce.errors import RecipeError
from cauce.models.loading import LoadedModel
from cauce.models.protocol import LanguageModel
from cauce.models.quantization import quantized_layers, was_conv1d
from cauce.models.quiet import quiet_libraries
from cauce.models.settings import LiquidSettings, ModelSettings


def transplant(loaded: LoadedModel, settings: LiquidSettings, *, seed: int) -> LoadedModel:
    """`loaded` with liquid layers in the place of the MLPs that `settings` names.

    `seed` decides their weights where they do not preserve. Raises UserError as `liquidize`.
    """
    import torch

    from cauce.models.liquid.transplant import liquidize

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        liquidize(loaded.bare, **dict(settings))
    return replace(loaded, liquid=settings)


def attach(loaded: LoadedModel, settings: ModelSettings, *, seed: int) -> LoadedModel:
    """`loaded` with a fresh LoRA, its own weights frozen; `loaded` itself for `adapter: none`.

    A fresh LoRA adds exactly zero. `seed` decides its random half. What a transplant added to the
    model is trained whole, and saved with the adapter.
    """
    if settings.adapter == "none":
        return loaded
    import torch
    from peft import LoraConfig, get_peft_model

    from cauce.models.liquid.transplant import added_parts

    added = list(added_parts(cast(Any, loaded.bare)))
    prefix = _prefix_names(loaded)
    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=_target_modules(loaded.model, settings),
        fan_in_fan_out=_has_conv1d(loaded.model),
        modules_to_save=added or None,
        exclude_modules=_excluded(loaded, [*added, *prefix]),
        task_type="SEQ_2_SEQ_LM" if loaded.is_encoder_decoder else "CAUSAL_LM",
    )
    with torch.random.fork_rng(), quiet_libraries():
        torch.manual_seed(seed)
        model = get_peft_model(cast(Any, loaded.model), config)
    for name in prefix:
        loaded.bare.get_submodule(name).requires_grad_(True)
    return replace(loaded, model=cast(LanguageModel, model.eval()), adapter="lora")


def _prefix_names(loaded: LoadedModel) -> list[str]:
    """The name of the prefix, where there is one: it is trained whole, and saved by itself."""
    if not loaded.prefix_vectors:
        return []
    from cauce.models.prefix import SeriesPrefix

    return [name for name, part in loaded.bare.named_modules() if isinstance(part, SeriesPrefix)]


def _excluded(loaded: LoadedModel, names: Sequence[str]) -> str | None:
    """A pattern of the layers that get no LoRA: those in the parts named, and all that only see.

    Of a vision-language model the language part is adapted.
    """
    if loaded.processor is not None:
        from cauce.models.vision import language_part

        return rf"(?!{re.escape(language_part(loaded.bare))}\.).*"
    return _inside(names) if names else None


def _inside(names: Sequence[str]) -> str:
    """A pattern of the names of all layers in those parts."""
    return rf"(.*\.)?({'|'.join(map(re.escape, names))})\..*"


def _target_modules(model: LanguageModel, settings: ModelSettings) -> str | list[str]:
    if settings.lora_targets == "all-linear":
        return "all-linear"
    layers = {name.rsplit(".", 1)[-1] for name in _linear_layers(model)}
    for target in settings.lora_targets:
        if target not in layers:
            raise RecipeError(
                f"model.lora_targets names {target!r}; {settings.base!r} has no such layer.\n"
                f"It has: {', '.join(sorted(layers))}. Or write all-linear."
            )
    return list(settings.lora_targets)


def _linear_layers(model: LanguageModel) -> list[str]:
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    return [name for name, part in model.named_modules() if isinstance(part, Linear | Conv1D)]


def _has_conv1d(model: LanguageModel) -> bool:
    """True for GPT-2, whose linear layers keep their weights transposed.

    In 4 bits they do not, and peft knows; that the saved adapter says so lets it be merged.
    """
    from transformers.pytorch_utils import Conv1D

    layers = quantized_layers(cast(Any, model)).values()
    return any(isinstance(part, Conv1D) for part in model.modules()) or any(map(was_conv1d, layers))
