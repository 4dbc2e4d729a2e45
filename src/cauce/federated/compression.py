"""Tensors as few bytes, and back.

    int8\n        how the numbers are written
    ...          safetensors; unless they are `fp32`, compressed and with all scales in one tensor

A matrix has one scale for each slice along its longer side, so that both factors of a LoRA have as
many scales as their rank. What rounding takes away from an update stays at the site and is added
to its next one, so that nothing is lost over the rounds (error feedback: Karimireddy et al. 2019,
arXiv 1901.09847).
"""

from __future__ import annotations

import bz2
import math
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from cauce.errors import DataRefused
from cauce.federated.settings import Packing

LARGEST = {b"int8": 127, b"coarse": 2}
"""Steps on each side of zero."""

SCALES = "/scales"
"""No parameter has such a name."""


class Packed(NamedTuple):
    """A message, and what it does not say."""

    content: bytes
    residual: dict[str, Tensor]
    """To be added to the next update by whoever packed this one."""


def pack(tensors: Mapping[str, Tensor], packing: Packing) -> bytes:
    """The tensors as bytes, the same for the same tensors in any order.

    `fp32` gives them back to the bit, `int8` within 1/253 of the largest number of each slice, in a
    quarter of the bytes, and `coarse` within 1/3.9 of it, in a tenth.
    """
    ordered = {name: tensors[name].float().contiguous() for name in sorted(tensors)}
    if packing == "fp32":
        return b"fp32\n" + save(ordered)
    head = packing.encode()
    body = save(_rounded(ordered, LARGEST[head]))
    # Each is the smaller and the faster for these numbers, by the megabyte (2026-11).
    return head + b"\n" + (zlib.compress(body, 9) if packing == "int8" else bz2.compress(body))


def unpack(content: bytes) -> dict[str, Tensor]:
    """The tensors that `pack` wrote, in fp32; DataRefused where the bytes are damaged."""
    head, _, body = content.partition(b"\n")
    try:
        if head == b"fp32":
            return load(body)
        if head in LARGEST:
            whole = zlib.decompress(body) if head == b"int8" else bz2.decompress(body)
            return _restored(load(whole))
    except (ValueError, KeyError, RuntimeError, OSError, zlib.error, SafetensorError) as error:
        raise _damaged(content, str(error)) from error
    raise _damaged(content, f"they begin with {head[:12]!r}")


def pack_update(
    update: Mapping[str, Tensor], packing: Packing, residual: Mapping[str, Tensor]
) -> Packed:
    """`update` and what earlier ones left over, as bytes; and what these leave over in turn.

    `residual` is that of the update before, empty at first. Updates must be changes of the same
    numbers: of a LoRA whose factors are made anew each round the left over means nothing.
    """
    wanted = {
        name: change + residual[name] if name in residual else change
        for name, change in update.items()
    }
    content = pack(wanted, packing)
    told = unpack(content)
    return Packed(content, {name: wanted[name] - told[name] for name in sorted(wanted)})


def _rounded(tensors: Mapping[str, Tensor], largest: int) -> dict[str, Tensor]:
    written, scales = {}, [torch.zeros(0, dtype=torch.bfloat16)]
    for name, tensor in tensors.items():
        scale = (_largest_of_slices(tensor) / largest).bfloat16()
        steps = tensor / torch.where(scale > 0, scale, 1.0).float()
        written[name] = steps.round().clamp(-largest, largest).to(torch.int8)
        scales.append(scale.flatten())
    return {**written, SCALES: torch.cat(scales)}


def _restored(written: dict[str, Tensor]) -> dict[str, Tensor]:
    scales = written.pop(SCALES)
    shapes = {name: _slices(written[name]) for name in sorted(written)}
    parts = torch.split(scales.float(), [math.prod(shape) for shape in shapes.values()])
    return {
        name: written[name] * part.reshape(shape)
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def _slices(tensor: Tensor) -> list[int]:
    """Shape of the scales: that of the tensor, with one for its longest axis."""
    shape = list(tensor.shape)
    if shape:
        shape[shape.index(max(shape))] = 1
    return shape


def _largest_of_slices(tensor: Tensor) -> Tensor:
    """Absolute, along the longest axis, in the shape that `_slices` says."""
    if not tensor.dim():
        return tensor.abs()
    if not tensor.numel():
        return tensor.new_zeros(_slices(tensor))
    return tensor.abs().amax(tensor.shape.index(max(tensor.shape)), keepdim=True)


def _damaged(content: bytes, reason: str) -> DataRefused:
    return DataRefused(
        f"{len(content)} bytes are no packed tensors: {reason}\n"
        "They were damaged on the way, or written by another version of cauce; send them again."
    )
