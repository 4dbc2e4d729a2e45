"""QLoRA: frozen weights in 4 bits under a LoRA in 32 (Dettmers et al. 2023, arXiv 2305.14314).

Each linear layer but the output head keeps its weights as NF4, sixteen levels at the quantiles of a
normal distribution, times one scale per 64 weights; the scales are rounded to 8 bits themselves.
That makes 4.13 bits a weight. `bitsandbytes` holds them, and multiplies in bf16 where the device
does so in hardware, in fp32 elsewhere; norms, embeddings and biases are loaded in fp32.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, cast

from cauce.errors import MissingExtra, UserError

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

Quantize = Literal["none", "4bit"]

BLOCK = 64
"""Weights that share a scale."""


def loading_options(quantize: Quantize, device: torch.device) -> dict[str, Any]:
    """What `from_pretrained` is to be told, beside all else, for weights of that kind on `device`.

    Raises MissingExtra without `bitsandbytes`, and UserError where that cannot use the device.
    """
    if quantize == "none":
        return {}
    from transformers import BitsAndBytesConfig
    from transformers.utils.import_utils import is_bitsandbytes_available

    if not is_bitsandbytes_available():
        raise MissingExtra("model.quantize=4bit", "quantize")
    _refuse_unable(device)
    config = cast(Any, BitsAndBytesConfig)(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=_computing_dtype(device),
    )
    return {"quantization_config": config, "device_map": {"": device}}


def prepare_quantized(model: Module) -> None:
    """Freezes a model just loaded in 4 bits, and makes it compute the same in training and after.

    Raises UserError for a model that would be read wrongly.

    On CPUs with AVX512-BF16, bitsandbytes 0.50 packs the weights anew in the first forward pass in
    evaluation, for a kernel that has no gradient, and leaves them so: from the first validation on,
    training got 97 % of its gradient wrong without a word (2026-11; the packing is also the subject
    of https://github.com/bitsandbytes-foundation/bitsandbytes/issues/2078). It is turned off here
    until a version undoes it in `train()`.
    """
    for name, layer in quantized_layers(model).items():
        _refuse_misread(name, layer)
        layer.support_avx512bf16_for_cpu = False
    model.requires_grad_(False)


def quantized_layers(model: Module) -> dict[str, Any]:
    """The layers of `model` with 4-bit weights, by name; none where `bitsandbytes` was not used."""
    if "bitsandbytes" not in sys.modules:
        return {}
    from bitsandbytes.nn import Linear4bit

    return {name: part for name, part in model.named_modules() if isinstance(part, Linear4bit)}


def was_conv1d(layer: Any) -> bool:
    """True for a 4-bit layer that stands for one whose weights are transposed, as GPT-2's are."""
    from transformers.pytorch_utils import Conv1D

    return layer.source_cls is Conv1D


def round_weights(model: Module, quantized: Module) -> None:
    """Gives `model` the values that its weights have in `quantized`, the same model in 4 bits.

    An adapter trained on the latter can then be merged exactly.
    """
    import torch
    from bitsandbytes.functional import dequantize_4bit

    with torch.no_grad():
        for name, layer in quantized_layers(quantized).items():
            rounded = dequantize_4bit(layer.weight.data, layer.weight.quant_state)
            weight: Any = model.get_submodule(name).weight
            weight.copy_(rounded.T if was_conv1d(layer) else rounded)


def _refuse_misread(name: str, layer: Any) -> None:
    """Raises UserError where a scale of 64 weights would be used for others.

    On a CPU, bitsandbytes 0.50 reads a matrix as if a scale began with each row, and writes it as
    if not: weights 32, 80 or 96 wide came back off by 0.21 to 0.37 of their norm instead of 0.09
    (2026-11).
    """
    if layer.weight.device.type == "cpu" and layer.in_features % BLOCK:
        raise UserError(
            f"model.quantize is 4bit, but bitsandbytes misreads, on a CPU, layers whose width is "
            f"no multiple of {BLOCK}: {name} is {layer.in_features} wide.\n"
            "Set model.quantize to none, or use an NVIDIA GPU."
        )


def _computing_dtype(device: torch.device) -> torch.dtype:
    import torch

    if device.type == "cuda":
        is_fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        is_fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if is_fast else torch.float32


def _refuse_unable(device: torch.device) -> None:
    """Raises UserError unless a small matrix can be taken to 4 bits and back on `device`."""
    import torch

    try:
        with _without_hub_kernels():
            functional: Any = importlib.import_module("bitsandbytes.functional")
        trial = torch.ones(64, 64, device=device)
        functional.dequantize_4bit(*functional.quantize_4bit(trial, quant_type="nf4"))
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise UserError(
            f"model.quantize is 4bit, but bitsandbytes cannot compute on {device} here: "
            f"{str(error).splitlines()[0]}.\n"
            "Set model.quantize to none, or use a machine with an NVIDIA GPU (compute capability "
            "6.0 or later) or an x86-64 processor."
        ) from error


@contextmanager
def _without_hub_kernels() -> Iterator[None]:
    """While entered, an import of bitsandbytes downloads no machine code, and does not ask for it.

    On CPUs with AVX512-BF16 it does both, through the package `kernels`, for the one kernel that
    `prepare_quantized` turns off.
    """
    modules: dict[str, Any] = sys.modules
    present = {name: modules[name] for name in ("kernels",) if name in modules}
    log = logging.getLogger("bitsandbytes.backends.cpu.ops")
    level = log.level
    modules["kernels"] = None
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        del modules["kernels"]
        modules.update(present)
        log.setLevel(level)
