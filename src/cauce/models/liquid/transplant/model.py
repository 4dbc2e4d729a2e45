"""A transplanted decoder as a Hugging Face model: its config tells what was replaced.

The class of a model and of its config become subclasses that are made for the architecture at hand
(`LiquidGPT2LMHeadModel` with `model_type: liquid-gpt2`), so that `save_pretrained`,
`from_pretrained`, `AutoModelForCausalLM` and `generate` do what they do for the original.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Module
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from cauce.errors import UserError
from cauce.models.liquid.transplant.block import (
    Beside,
    Gated,
    LiquidBlock,
    SmallMlp,
    make_block,
)
from cauce.models.liquid.transplant.cache import new_cache, states_in
from cauce.models.liquid.transplant.preserve import form_of
from cauce.models.liquid.transplant.sites import Site, find_sites
from cauce.models.loading import LIQUID_PREFIX as PREFIX
from cauce.models.settings import LiquidSettings


class LiquidModel(PreTrainedModel):  # type: ignore[no-untyped-call]
    """What the model of every transplanted architecture has besides its own."""

    def __init__(self, config: PreTrainedConfig, *inputs: Any, **options: Any) -> None:
        super().__init__(config, *inputs, **options)
        if config.liquid is not None:
            implant(self, LiquidSettings.model_validate(config.liquid))

    def liquid_blocks(self) -> list[LiquidBlock]:
        """Its liquid blocks, in the order of the layers."""
        return [part for part in self.modules() if isinstance(part, LiquidBlock)]


def implant(model: PreTrainedModel, settings: LiquidSettings) -> None:
    """Puts fresh blocks where `settings` says."""
    for site in chosen_sites(model, settings):
        form = form_of(site) if settings.init == "preserve" else None
        block = make_block(
            site.number, model.config.hidden_size, settings, drop=site.dropout, form=form
        )
        first = next(site.whole().parameters())
        block = block.to(device=first.device, dtype=first.dtype)
        site.replace(Gated(site.whole(), block) if settings.keep_mlp else block)


def replaced_blocks(model: PreTrainedModel) -> dict[int, Module]:
    """What stands in the place of MLPs, by the number of the layer; not what stands beside one."""
    return {
        block.number: block
        for block in added_parts(model).values()
        if isinstance(block, LiquidBlock | SmallMlp)
    }


def added_parts(model: Module) -> dict[str, Module]:
    """What a transplant added to a model, in place of MLPs or beside them, by name."""
    parts: dict[str, Module] = {}
    for name, part in model.named_modules():
        is_inside = any(name.startswith(f"{outer}.") for outer in parts)
        if isinstance(part, LiquidBlock | SmallMlp | Beside) and not is_inside:
            parts[name] = part
    return parts


def chosen_sites(model: PreTrainedModel, settings: LiquidSettings) -> list[Site]:
    """The MLPs that `settings.layers` names; UserError where there is no such layer."""
    sites = find_sites(model)
    if settings.layers == "all":
        return sites
    unknown = [number for number in settings.layers if not 0 <= number < len(sites)]
    if unknown:
        raise UserError(
            f"model.liquid.layers names {unknown[0]}; {type(model).__name__} has the layers 0 to "
            f"{len(sites) - 1}.\nName those, or write all."
        )
    return [site for site in sites if site.number in settings.layers]


def become_liquid(model: PreTrainedModel, settings: LiquidSettings) -> None:
    """Makes an implanted model one of the class that knows of it, and its config say so."""
    kind = liquid_class(type(model))
    model.__class__ = kind
    model.config.__class__ = cast(Any, kind).config_class
    model.config.liquid = settings.model_dump(mode="json")


def register(model_type: str) -> None:
    """Lets AutoConfig and AutoModelForCausalLM load transplanted models of that architecture.

    `model_type` is that of the original, with or without `liquid-` before it. Those that the
    recipes use are registered when `cauce.models.liquid.transplant` is imported.
    """
    original = CONFIG_MAPPING[model_type.removeprefix(PREFIX)]
    liquid_class(cast(Any, AutoModelForCausalLM._model_mapping[original]))


def liquid_class(host: type[PreTrainedModel]) -> type[PreTrainedModel]:
    """The class of transplanted models of a decoder's class, known to the auto classes."""
    if host not in _classes:
        _classes[host] = _new_liquid_class(host)
    return _classes[host]


_classes: dict[type[PreTrainedModel], type[PreTrainedModel]] = {}
"""Those that were made, by the class of the original."""


def _new_liquid_class(host: type[PreTrainedModel]) -> type[PreTrainedModel]:
    host_config = cast(Any, host).config_class

    def __init__(self: Any, liquid: dict[str, Any] | None = None, **options: Any) -> None:
        host_config.__init__(self, **options)
        self.liquid = liquid

    config = type(
        f"Liquid{host_config.__name__}",
        (host_config,),
        {
            "__doc__": f"{host_config.__name__} with `liquid`, the settings of a transplant.",
            "__module__": __name__,
            # One that transformers would make from fields knows none of a host that has its own.
            "__init__": __init__,
            "model_type": PREFIX + host_config.model_type,
        },
    )
    kind = type(
        f"Liquid{host.__name__}",
        (LiquidModel, host),
        {
            "__doc__": f"{host.__name__} with liquid layers in the place of MLPs.",
            # transformers reads there which kinds of attention it has
            "__module__": host.__module__,
            "config_class": config,
            "forward": _flowing(host.forward),
        },
    )
    AutoConfig.register(PREFIX + host_config.model_type, config)
    AutoModelForCausalLM.register(config, kind)
    return cast(type[PreTrainedModel], kind)


def _flowing(forward: Callable[..., Any]) -> Callable[..., Any]:
    """The forward pass of the original, its liquid blocks told of the cache and of padding."""
    names = list(inspect.signature(forward).parameters)[1:]

    @functools.wraps(forward)
    def flowing(self: LiquidModel, *inputs: Any, **options: Any) -> Any:
        options |= dict(zip(names, inputs, strict=False))
        blocks = self.liquid_blocks()
        options["past_key_values"] = cache = _cache(self, options)
        states = None if cache is None else states_in(cache, self.config)
        tokens = options.get("input_ids")
        rows, count = (options["inputs_embeds"] if tokens is None else tokens).shape[:2]
        padding = _padding(options.get("attention_mask"), count)
        for block in blocks:
            block.states, block.padding, block.rows = states, padding, rows
        try:
            return forward(self, **options)
        finally:
            for block in blocks:
                block.states = None
                # A layer that is computed again in the backward pass needs it then.
                if not torch.is_grad_enabled():
                    block.padding = None

    return flowing


def _cache(model: LiquidModel, options: dict[str, Any]) -> Any:
    """The cache that was given, or the new one that the model would make itself."""
    given = options.get("past_key_values")
    wanted = options.get("use_cache")
    if given is not None or wanted is False or (model.training and wanted is None):
        return given
    is_wanted = model.config.use_cache if wanted is None else wanted
    return new_cache(model.config) if is_wanted else None


def _padding(mask: Any, count: int) -> Tensor | None:
    """True where the mask of the last `count` tokens says that there is none, if it says so."""
    if not isinstance(mask, Tensor) or mask.dim() != 2:
        return None
    return mask[:, -count:] == 0
