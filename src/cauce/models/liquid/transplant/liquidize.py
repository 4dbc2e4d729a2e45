"""Replaces the MLPs of a decoder, and makes the control that every replacement is shown beside."""

from __future__ import annotations

from typing import Any, cast

from torch.nn import Module
from transformers import PreTrainedModel

from cauce.errors import UserError
from cauce.models.liquid.transplant.block import LiquidBlock, make_block
from cauce.models.liquid.transplant.model import (
    become_liquid,
    chosen_sites,
    implant,
    replaced_blocks,
)
from cauce.models.liquid.transplant.preserve import form_of, preserve
from cauce.models.settings import LiquidSettings


def liquidize(model: PreTrainedModel, **options: Any) -> PreTrainedModel:
    """`model` itself, with liquid layers in the place of its MLPs.

    The options are those of `LiquidSettings`: `cell`, `wiring`, `layers`, `init`, `units` and more.
    With `init="preserve"` it computes what it did, to about 1e-4 nats of its loss; with "distil"
    the new layers are random, and learn from the original by the training objective `distil`. With
    `keep_mlp` it computes exactly what it did. It saves, loads and generates like the original.

    Raises UserError for an encoder-decoder, unknown MLPs and a model that is liquid already, and
    ValueError for options that do not exist or contradict each other.

    >>> from transformers import GPT2Config, GPT2LMHeadModel
    >>> config = GPT2Config(n_layer=2, n_embd=32, n_head=2, vocab_size=64)
    >>> liquid = liquidize(GPT2LMHeadModel(config), cell="cfc", backbone_units=16)
    >>> type(liquid).__name__, liquid.config.model_type
    ('LiquidGPT2LMHeadModel', 'liquid-gpt2')
    """
    settings = LiquidSettings(**options)
    if getattr(model.config, "liquid", None) is not None:
        raise UserError(
            f"{type(model).__name__} has liquid layers already.\n"
            "Start from the model they were put into, or unset model.liquid."
        )
    is_training = model.training
    if settings.init == "preserve":
        _preserve(model, settings)
    else:
        implant(model, settings)
    become_liquid(model, settings)
    model.train(is_training)
    return model


def control_of(model: PreTrainedModel, settings: LiquidSettings) -> LiquidSettings:
    """The settings of the control: MLPs of as many weights as the liquid blocks of `settings`.

    `model` is the original.
    """
    width = model.config.hidden_size
    site = chosen_sites(model, settings)[0]
    preserving = settings.init == "preserve"
    block = make_block(0, width, settings, form=form_of(site) if preserving else None)
    hidden = max(1, round((_count(block) - width) / (2 * width + 1)))
    return LiquidSettings(
        cell="mlp",
        units=hidden,
        layers=settings.layers,
        init="distil",
        distil_steps=settings.distil_steps,
        keep_mlp=settings.keep_mlp,
    )


def _preserve(model: PreTrainedModel, settings: LiquidSettings) -> None:
    weights = {site.number: site.weights for site in chosen_sites(model, settings)}
    implant(model, settings)
    for number, block in replaced_blocks(model).items():
        preserve(cast(LiquidBlock, block), weights[number])


def _count(block: Module) -> int:
    return sum(weight.numel() for weight in block.parameters())
