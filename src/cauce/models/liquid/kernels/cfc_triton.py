"""The loop of a CfC on CUDA: one Triton kernel for all time, a program for each sixteen rows.

Nothing is exchanged between programs, so the rows of a batch spread over the GPU and a step costs
no launch. But each program takes all weights in each step: where they are many, torch's loop, whose
steps spread over the GPU, is the faster one and is used. All that has no loop is torch's anyway.

Axes: t time, b rows, n neurons, f width of a stage before its activation, u after it, g heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import cfc_torch, triton_kernels
from cauce.models.liquid.kernels.cfc import CfCForm, CfCWeights
from cauce.models.liquid.kernels.cfc_torch import head_partials, layer_slopes
from cauce.models.liquid.kernels.triton_kernels import LAUNCH, launching_on, plain, power_of_two

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["adjoint", "forward", "head_partials", "layer_slopes"]

ROWS = 16
"""Rows that a program takes through time: the least that Triton multiplies at once."""

MOST_WEIGHTS = 2**19
"""By arithmetic, not measured: a multiprocessor takes some 35 us for these and sixteen rows (128
products a clock), and torch's ten launches for a step take some 50."""


def forward(
    drive: Float[Tensor, "t b f"],
    state: Float[Tensor, "b n"],
    weights: CfCWeights,
    form: CfCForm,
    flow: Flow,
) -> tuple[Float[Tensor, "t b n"], list[Float[Tensor, "t b f"]]]:
    """See `CfCLoop.forward`."""
    triton_kernels.refuse_unfit(drive)
    if _are_many(weights):
        return cfc_torch.forward(drive, state, weights, form, flow)
    from cauce.models.liquid.kernels.cfc_device import forward_kernel

    steps, rows, width = drive.shape
    sizes = _sizes(weights, form)
    trail = drive.new_empty(steps + 1, rows, state.shape[1])
    trail[0] = state
    layers = drive.new_empty(sizes["DEPTH"], steps, rows, width)
    outputs = drive.new_empty(sizes["DEPTH"], rows, sizes["UNITS"])
    with launching_on(drive.device):
        forward_kernel[_grid(rows)](
            plain(drive),
            trail,
            layers,
            outputs,
            plain(weights.recurrent),
            _stacked(weights.hidden),
            _stacked(weights.hidden_biases),
            plain(weights.heads),
            plain(weights.heads_bias),
            plain(weights.amplitude),
            plain(weights.rate),
            plain(flow.timespans),
            plain(flow.starts),
            plain(flow.frozen),
            steps,
            rows,
            **sizes,
            MODE=form.mode,
            ACTIVATION=form.activation,
            **LAUNCH,
        )
    return trail[1:], list(layers.unbind())


def adjoint(
    states_grad: Float[Tensor, "t b n"],
    partials: Float[Tensor, "t b gn"],
    slopes: list[Float[Tensor, "t b f"]],
    weights: CfCWeights,
    form: CfCForm,
    flow: Flow,
) -> Float[Tensor, "b n"]:
    """See `CfCLoop.adjoint`. The slopes of several layers are copied, to lie together."""
    triton_kernels.refuse_unfit(states_grad)
    if _are_many(weights):
        return cfc_torch.adjoint(states_grad, partials, slopes, weights, form, flow)
    from cauce.models.liquid.kernels.cfc_device import adjoint_kernel

    steps, rows, _ = states_grad.shape
    carry = torch.zeros_like(states_grad[0])
    flowing, heads_flowing = states_grad.contiguous(), partials.contiguous()
    joint = slopes[0].contiguous()[None] if len(slopes) == 1 else _stacked(slopes)
    with launching_on(carry.device):
        adjoint_kernel[_grid(rows)](
            flowing,
            heads_flowing,
            joint,
            carry,
            plain(weights.recurrent),
            _stacked(weights.hidden),
            plain(weights.heads),
            plain(flow.starts),
            plain(flow.frozen),
            steps,
            rows,
            **_sizes(weights, form),
            **LAUNCH,
        )
    for given, done in zip(slopes, () if joint is None else joint, strict=True):
        _write_back(given, done)
    _write_back(states_grad, flowing)
    _write_back(partials, heads_flowing)
    return carry


def _are_many(weights: CfCWeights) -> bool:
    heads = 0 if weights.heads is None else weights.heads.numel()
    return heads + sum(w.numel() for w in (weights.recurrent, *weights.hidden)) > MOST_WEIGHTS


def _sizes(weights: CfCWeights, form: CfCForm) -> dict[str, int]:
    """The widths and blocks that the kernels are compiled for."""
    neurons = weights.recurrent.shape[1]
    parts = 2 if form.is_gated else 1
    has_backbone = weights.heads is not None
    units = len(weights.recurrent) // parts if has_backbone else 0
    last = weights.recurrent if weights.heads is None else weights.heads
    widest = max(neurons, units)
    return {
        "NEURONS": neurons,
        "HEADS": len(last) // neurons,
        "UNITS": units,
        "DEPTH": 1 + len(weights.hidden) if has_backbone else 0,
        "PARTS": parts,
        "ROWS": ROWS,
        "BLOCK_OUT": power_of_two(widest, 16, 128),
        "BLOCK_IN": power_of_two(widest, 16, 32),
    }


def _grid(rows: int) -> tuple[int]:
    return (-(-rows // ROWS),)


def _stacked(tensors: Sequence[Tensor]) -> Tensor | None:
    return torch.stack(list(tensors)).detach() if tensors else None


def _write_back(given: Tensor, done: Tensor) -> None:
    if given.data_ptr() != done.data_ptr():
        given.copy_(done)
