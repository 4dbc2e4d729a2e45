"""Whether Triton's kernels can run here, and how they are launched."""

from __future__ import annotations

import logging
import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from cauce.errors import UserError

T = TypeVar("T", bound=Tensor | None)

_log = logging.getLogger("cauce")

LAUNCH: dict[str, Any] = {"num_warps": 8, "enable_fp_fusion": True}
"""Options of a kernel that takes all of time; a product and the sum with it are rounded once."""


@cache
def is_available() -> bool:
    """True where there is a CUDA device and Triton for it; a device without is logged once."""
    if not torch.cuda.is_available():
        return False
    if find_spec("triton") is None:
        _log.warning(
            "there is no package triton, so PyTorch alone computes liquid layers on this GPU, more "
            "slowly; install it with: pip install triton"
        )
        return False
    return True


def refuse_unfit(tensor: Tensor) -> None:
    """Raises UserError unless Triton's kernels can compute tensors such as this one."""
    if find_spec("triton") is None:
        raise UserError(
            "The Triton backend of liquid layers needs the package triton, which is not "
            "installed.\nInstall it with: pip install triton"
        )
    if tensor.dtype != torch.float32:
        raise UserError(
            f"The Triton backend of liquid layers got {tensor.dtype}; it computes in torch.float32."
            "\nUse the backend 'torch' for other precisions."
        )
    if not tensor.is_cuda and os.environ.get("TRITON_INTERPRET") != "1":
        raise UserError(
            f"The Triton backend of liquid layers got tensors on {tensor.device}; it needs CUDA.\n"
            "Move the model to a GPU, or set TRITON_INTERPRET=1 to check the kernels on a CPU."
        )


def plain(tensor: T) -> T:
    """The tensor as kernels read it: contiguous, in fp32 or, if it holds marks, in bytes."""
    if tensor is None:
        return tensor
    dtype = torch.uint8 if tensor.dtype == torch.bool else torch.float32
    return cast(T, tensor.detach().to(dtype).contiguous())


def launching_on(device: torch.device) -> AbstractContextManager[object]:
    """While entered, kernels are launched on that device."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def power_of_two(size: int, least: int, most: int) -> int:
    """The smallest power of two that is no less than `size`, within the bounds."""
    return min(most, max(least, 1 << (size - 1).bit_length()))
