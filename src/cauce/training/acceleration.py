"""What makes a training fast on this machine: chosen before it starts, by rule, with the reason.

The rules are measurements (docs/log.md, 2026-11-21) and not measured anew in each run: a resumed
training must choose as the killed one did to end with the same bits.
"""

from __future__ import annotations

import ctypes
import math
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import torch

from cauce.corpus.batches import LONGEST, Width
from cauce.errors import UserError
from cauce.models import attention
from cauce.models.activations import faster_activations
from cauce.models.generation import position_limit
from cauce.models.loading import FOUNDATION, LIQUID_PREFIX, LoadedModel
from cauce.training.monitor import find_blocks
from cauce.training.objective import Precision
from cauce.training.order import Plan

WIDTH_STEP = 32

LONGEST_PRODUCTS = 1024
"""Tokens of a row up to which attention by products is chosen; its memory is their square."""

COMPILE_CPU_S = 2.5
"""What translating one block for one shape costs: 11 to 18 CPU s for the 6 of a GPT-2."""

COMPILE_GAIN = 0.025
"""Share of an update that it saves at least: a decoder of 60 M weights 0.026, of 7 M 0.07; with AMX
up to 0.3."""

MAX_COMPILED_SHAPES = 4
"""Shapes of batches that are worth a translation each."""

COMPILERS = ("g++", "clang++", "c++")
"""One of these is needed to translate a model for a CPU."""

FLOPS = {"cpu": 1e11, "cuda": 2e14}
"""Operations per second of one core or one GPU, to foretell how long updates take."""

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Parameters of glibc's mallopt."""


class Choice(NamedTuple):
    """What was chosen, and why, in words for the log."""

    value: str
    reason: str


class Workload(NamedTuple):
    """What a training computes, as far as the choices need it."""

    longest: int = 0
    """Places of the widest row, of source and target together where there are both."""
    shapes: int = 1
    """Different shapes of batches."""
    places_per_update: int = 0
    updates: int = 1
    processes: int = 1

    @classmethod
    def of(cls, plan: Plan, processes: int) -> Workload:
        """What `plan` comes to."""
        places = plan.arrangement.places
        widths = {math.ceil(count / WIDTH_STEP) for count in places}
        rows = plan.batch_size * plan.accumulation
        return cls(
            longest=max(places),
            shapes=len(widths),
            places_per_update=round(rows * sum(places) / len(places)),
            updates=plan.total_steps,
            processes=processes,
        )


def choose_precision(
    wanted: Literal["auto", "fp32", "bf16", "fp16"], loaded: LoadedModel
) -> tuple[Precision, str]:
    """`wanted`, or for `auto` bf16 where the device multiplies bf16 matrices in hardware."""
    device = loaded.device
    if wanted == "fp16" and loaded.is_encoder_decoder and "t5" in loaded.model.config.model_type:
        raise UserError(
            f"training.precision is fp16 and {loaded.name!r} is a T5, whose activations overflow "
            "in it: the loss becomes NaN.\nSet training.precision to bf16 or fp32."
        )
    if wanted != "auto":
        return wanted, "as the recipe says"
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bf16", "the GPU multiplies it in hardware"
        return "fp32", "the GPU has no bf16; fp16 must be asked for"
    if torch.cpu._is_amx_tile_supported():
        return "bf16", "the processor has AMX"
    if torch.cpu._is_avx512_bf16_supported():
        return "bf16", "the processor has AVX512-BF16"
    return "fp32", "the processor has neither AMX nor AVX512-BF16"


def choose_width(loaded: LoadedModel, precision: Precision) -> Width:
    """Rows of a multiple of 32 places in 16 bits, where the model has them; else of any number.

    With a new width at each step, memory in bf16 on a CPU grew from 0.4 to 3.4 GB within 240 steps
    of a model of 4 M weights, and not in fp32 (measured 2026-11-21; docs/log.md).
    """
    limit = position_limit(loaded)
    has_places = limit is None or limit % WIDTH_STEP == 0
    return Width(step=WIDTH_STEP) if precision != "fp32" and has_places else LONGEST


def choose_attention(loaded: LoadedModel, precision: Precision, longest: int) -> Choice:
    """Batched products where they beat the kernel behind `sdpa`, and their memory is bounded.

    Forward and backward on one core, 256 to 1,024 tokens: in bf16 0.41 to 0.75 of sdpa's time, with
    T5's bias 0.21 to 0.52; in fp32 0.75 to 1.33, with the bias 0.4 to 0.95.
    """
    present = str(loaded.model.config._attn_implementation)
    if loaded.device.type != "cpu":
        return Choice(present, "the kernels of the GPU are faster")
    if loaded.processor is not None or not _takes_any_attention(loaded):
        return Choice(present, "the model's attention cannot be chosen")
    if longest > LONGEST_PRODUCTS:
        return Choice(present, f"rows of {longest} tokens would take too much memory otherwise")
    has_bias = hasattr(loaded.model.config, "relative_attention_num_buckets")
    if precision == "fp32" and not has_bias:
        return Choice(present, "in fp32 it is as fast")
    why = "position biases" if has_bias else precision
    return Choice(attention.NAME, f"batched products are faster with {why} on a CPU")


def choose_compile(
    wanted: Literal["auto"] | bool,
    loaded: LoadedModel,
    work: Workload,
    precision: Precision = "fp32",
) -> Choice:
    """`yes` where the recipe says so, or where it saves at least twice what it costs.

    A Liquid Foundation model in fp32 has kernels of its own on a CPU, which a compiler leaves out:
    an update of 5 M weights took 1.21 s compiled and 1.12 s with them (2026-11-29).
    """
    if wanted is False:
        return Choice("no", "the recipe says so")
    if work.processes > 1:
        return Choice("no", "the model is spread over processes")
    device = loaded.device.type
    if device == "cpu" and not any(map(shutil.which, COMPILERS)):
        if wanted is True:
            raise UserError(
                "training.compile is true, but there is no C++ compiler (g++ or clang++) here.\n"
                "Install one (on Debian: apt-get install g++), or set training.compile=auto."
            )
        return Choice("no", "there is no C++ compiler")
    if wanted is True:
        return Choice("yes", "the recipe says so")
    is_fp32_cpu = device == "cpu" and precision == "fp32"
    host = loaded.model.config.model_type.removeprefix(LIQUID_PREFIX)
    if is_fp32_cpu and host == FOUNDATION:
        return Choice("no", "the model has kernels of its own, which are faster")
    if device == "cpu" and loaded.is_encoder_decoder:
        return Choice("no", "on a CPU it makes encoder-decoders slower")
    if work.shapes > MAX_COMPILED_SHAPES:
        return Choice(
            "no", f"batches have {work.shapes} shapes; training.pack_tokens makes them one"
        )
    weights = sum(weight.numel() for weight in loaded.model.parameters())
    update_s = 6 * weights * work.places_per_update / FLOPS[device]
    saved = COMPILE_GAIN * update_s * work.updates
    cost = COMPILE_CPU_S * len(find_blocks(loaded.model)) * work.shapes
    figures = f"about {saved:.0f} s saved by {work.updates} updates, {cost:.0f} s to translate"
    return Choice("yes" if saved > 2 * cost else "no", figures)


@contextmanager
def accelerated(loaded: LoadedModel, chosen_attention: Choice) -> Iterator[None]:
    """While entered, the model computes with that attention and with faster activations."""
    model = loaded.bare
    before = model.config._attn_implementation
    if chosen_attention.value != before:
        attention.register()
        model.set_attn_implementation(chosen_attention.value)
    try:
        with faster_activations(model):
            yield
    finally:
        if chosen_attention.value != before:
            model.set_attn_implementation(before)


def keep_freed_memory() -> None:
    """Makes glibc keep the memory that a step frees for the next one, on Linux.

    Left alone it returns large tensors to the system, which clears their pages before each use
    anew: 42,000 page faults and 12 % of the time of a step of GPT-2 with 7 M weights.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, 32 * 2**20)
        mallopt(TRIM_THRESHOLD, 2**28)


def _takes_any_attention(loaded: LoadedModel) -> bool:
    model = loaded.bare
    return bool(model._supports_sdpa and type(model)._can_set_attn_implementation())
