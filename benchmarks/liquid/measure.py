"""What a forward and backward pass costs: CPU seconds of contenders in turn, and bytes kept.

Axes: b rows, t time, d input width.
"""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from benchmarks import report
from benchmarks.training.measure import say

if TYPE_CHECKING:
    from jaxtyping import Float

Pass = Callable[[], None]
"""A forward and a backward pass."""

torch.set_num_threads(1)


class Size(NamedTuple):
    """Rows, tokens in a row, width of the inputs, neurons."""

    rows: int
    time: int
    inputs: int
    units: int

    @property
    def tokens(self) -> int:
        """In all rows."""
        return self.rows * self.time

    def __str__(self) -> str:
        return f"({self.rows},{self.time},{self.inputs},{self.units})"


SIZES = (Size(4, 128, 64, 64), Size(4, 256, 128, 128), Size(4, 256, 768, 768))


def report_machine() -> None:
    """One line that names the processor, its vectors and the versions compared."""
    import importlib.metadata

    flags, name = "", platform.processor()
    if (info := Path("/proc/cpuinfo")).is_file():
        lines = (line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        fields = {name.strip(): value.strip() for name, value in lines}
        flags, name = fields.get("flags", ""), fields.get("model name", name)
    bits = 512 if "avx512f" in flags else 256 if "avx2" in flags else 128
    kind = {512: "AVX-512", 256: "AVX2", 128: "neither AVX2 nor AVX-512"}[bits]
    versions = ", ".join(
        f"{package} {importlib.metadata.version(package)}" for package in ("torch", "ncps")
    )
    cores = os.cpu_count()
    metric = f"{time.strftime('%Y-%m-%d')}, {name} ({kind}), one of {cores} cores, {versions}"
    report(f"{metric}: bits of a vector", bits, None)


def inputs_of(size: Size, *, seed: int = 0) -> Float[Tensor, "b t d"]:
    """Normal inputs that have a gradient, as those of a layer within a model do."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(size.rows, size.time, size.inputs, generator=generator)
    return drawn.requires_grad_()


def pass_of(layer: Module, inputs: Tensor) -> Pass:
    """A forward and a backward pass through a layer, from a gradient of ones over its outputs."""

    def run() -> None:
        layer.zero_grad(set_to_none=True)
        inputs.grad = None
        output_of(layer(inputs)).sum().backward()

    return run


def output_of(answer: Any) -> Tensor:
    """The outputs of a layer that may give its last state beside them."""
    output: Tensor = answer[0] if isinstance(answer, tuple) else answer
    return output


def least_cpu_s(passes: Mapping[str, Pass], *, rounds: int, warm_up: int = 1) -> dict[str, float]:
    """The least CPU time of each, all taking turns after `warm_up` rounds that do not count."""
    least = dict.fromkeys(passes, float("inf"))
    gc.collect()
    for number in range(-warm_up, rounds):
        for name, run in passes.items():
            start = time.process_time()
            run()
            spent = time.process_time() - start
            if number >= 0:
                least[name] = min(least[name], spent)
    for name, seconds in least.items():
        say(f"  {name}: {1e3 * seconds:.2f} ms")
    return least


def kept_bytes(run: Pass) -> int:
    """Bytes of the tensors that a pass keeps for its gradient, each storage once, no weights."""
    sizes: dict[int, int] = {}
    alive: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, Parameter):
            storage = tensor.untyped_storage()
            sizes[storage.data_ptr()] = storage.nbytes()
            # An address that is used again would hide what it held before.
            alive.append(tensor.detach())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run()
    return sum(sizes.values())


def kept_bytes_per_token(layer: Module, size: Size) -> float:
    """What each token adds to the bytes kept: half of a row is taken from the whole."""
    half = size._replace(time=size.time // 2)
    whole, part = (kept_bytes(pass_of(layer, inputs_of(each))) for each in (size, half))
    return (whole - part) / (size.tokens - half.tokens)
