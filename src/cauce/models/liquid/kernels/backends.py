"""Which code computes a recurrence: pure torch (the truth), C++ on a CPU, Triton on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, get_args

import torch
from torch import Tensor

Backend = Literal["torch", "cpp", "triton"]

_wanted: ContextVar[Backend | None] = ContextVar("wanted liquid backend", default=None)


@contextmanager
def use_backend(name: Backend) -> Iterator[None]:
    """While entered, liquid layers compute by that backend and no other.

    Raises ValueError for an unknown name, and UserError where that backend cannot run here.
    """
    if name not in get_args(Backend):
        raise ValueError(f"no backend {name!r}; there are {', '.join(get_args(Backend))}")
    if name == "cpp":
        from cauce.models.liquid.kernels import native

        native.library()
    token = _wanted.set(name)
    try:
        yield
    finally:
        _wanted.reset(token)


def choose_backend(device: torch.device, dtype: torch.dtype) -> Backend:
    """The backend for tensors of that device and dtype: the one in `use_backend`, or the fastest.

    C++ and Triton compute in fp32; what needs fp64 (a gradient check) is computed by torch.
    Raises ValueError where C++ is wanted for what it does not compute.
    """
    wanted = _wanted.get()
    if wanted is not None:
        if wanted == "cpp" and (device.type, dtype) != ("cpu", torch.float32):
            raise ValueError(
                f"the tensors are {dtype} on {device}; C++ computes torch.float32 on the CPU: "
                "convert them, or leave use_backend('cpp') out"
            )
        return wanted
    if dtype == torch.float64:
        return "torch"
    if device.type == "cpu":
        from cauce.models.liquid.kernels import native

        return "cpp" if native.is_available() else "torch"
    if device.type == "cuda":
        from cauce.models.liquid.kernels import triton_kernels

        return "triton" if triton_kernels.is_available() else "torch"
    return "torch"


def is_for_cpp(*tensors: Tensor) -> bool:
    """True where C++ is to compute with these: all fp32 on a CPU, and read by no compiler.

    What is traced, to be compiled or exported, must be made of torch's operations.
    """
    if torch.compiler.is_compiling():
        return False
    kinds = {(tensor.device.type, tensor.dtype) for tensor in tensors}
    return kinds == {("cpu", torch.float32)} and (
        choose_backend(tensors[0].device, torch.float32) == "cpp"
    )
