"""The loop of a CfC in C++: products, activations and the combination of a step in one pass.

Axes: t time, b rows, n neurons, f width of a stage before its activation, g heads.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.activations import Activation
from cauce.models.liquid.kernels.cfc import CfCForm, CfCWeights, Mode
from cauce.models.liquid.kernels.native import address

if TYPE_CHECKING:
    from jaxtyping import Float


def forward(
    drive: Float[Tensor, "t b f"],
    state: Float[Tensor, "b n"],
    weights: CfCWeights,
    form: CfCForm,
    flow: Flow,
) -> tuple[Float[Tensor, "t b n"], list[Float[Tensor, "t b f"]]]:
    """See `CfCLoop.forward`."""
    cell = Cell(drive.shape[:2], weights, form, flow)
    states = drive.new_empty(*drive.shape[:2], state.shape[1])
    widths = [*cell.layer_widths, cell.heads * cell.neurons]
    layers = [drive.new_empty(*drive.shape[:2], width) for width in widths]
    drive, state = drive.contiguous(), state.contiguous()
    native.library().cauce_cfc_forward(
        ctypes.byref(cell), address(drive), address(state), address(states), addresses(layers)
    )
    return states, layers


def layer_slopes(
    a: Float[Tensor, "t b f"], form: CfCForm
) -> tuple[Float[Tensor, "t b u"], Float[Tensor, "t b f"]]:
    """See `CfCLoop.layer_slopes`."""
    a = a.contiguous()
    outputs = a.new_empty(*a.shape[:2], a.shape[2] // (2 if form.is_gated else 1))
    slopes = torch.empty_like(a)
    native.library().cauce_cfc_layer_slopes(
        ctypes.c_int64(a.shape[0] * a.shape[1]),
        ctypes.c_int64(outputs.shape[2]),
        get_args(Activation).index(form.activation),
        form.is_gated,
        torch.get_num_threads(),
        address(a),
        address(outputs),
        address(slopes),
    )
    return outputs, slopes


def head_partials(
    heads: Float[Tensor, "t b gn"], weights: CfCWeights, form: CfCForm, flow: Flow
) -> Float[Tensor, "t b gn"]:
    """See `CfCLoop.head_partials`."""
    cell = Cell(heads.shape[:2], weights, form, flow)
    partials = torch.empty_like(heads)
    native.library().cauce_cfc_head_partials(ctypes.byref(cell), address(heads), address(partials))
    return partials


def adjoint(
    states_grad: Float[Tensor, "t b n"],
    partials: Float[Tensor, "t b gn"],
    slopes: list[Float[Tensor, "t b f"]],
    weights: CfCWeights,
    form: CfCForm,
    flow: Flow,
) -> Float[Tensor, "b n"]:
    """See `CfCLoop.adjoint`."""
    cell = Cell(states_grad.shape[:2], weights, form, flow)
    state_grad = torch.empty_like(states_grad[0])
    native.library().cauce_cfc_adjoint(
        ctypes.byref(cell),
        address(states_grad),
        address(partials),
        addresses(slopes),
        address(state_grad),
    )
    return state_grad


class Cell(ctypes.Structure):
    """A recurrence as cfc_step.h's struct of this name has it, and the tensors it points to."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("steps", "rows", "neurons", "heads", "depth")),
        *((name, ctypes.c_int64) for name in ("mode", "activation", "is_gated", "threads")),
        *((name, ctypes.c_void_p) for name in ("widths", "weights", "biases")),
        *((name, ctypes.c_void_p) for name in ("amplitude", "rate")),
        *((name, ctypes.c_void_p) for name in ("timespans", "starts", "frozen")),
    )

    def __init__(
        self, shape: Sequence[int], weights: CfCWeights, form: CfCForm, flow: Flow
    ) -> None:
        products = [weights.recurrent, *weights.hidden]
        self.layer_widths = [] if weights.heads is None else [len(weight) for weight in products]
        if weights.heads is not None:
            products.append(weights.heads)
        biases = [bias for bias in (*weights.hidden_biases, weights.heads_bias) if bias is not None]
        neurons = weights.recurrent.shape[1]
        super().__init__(
            *shape,
            neurons,
            len(products[-1]) // neurons,
            len(self.layer_widths),
            get_args(Mode).index(form.mode),
            get_args(Activation).index(form.activation),
            form.is_gated,
            torch.get_num_threads(),
        )
        self._kept: list[Any] = []
        self.widths = self._keep((ctypes.c_int64 * len(self.layer_widths))(*self.layer_widths))
        self.weights = self._keep(addresses([self._contiguous(weight) for weight in products]))
        self.biases = self._keep(addresses([self._contiguous(bias) for bias in biases]))
        self.amplitude = address(self._contiguous(weights.amplitude))
        self.rate = address(self._contiguous(weights.rate))
        self.timespans = address(self._contiguous(flow.timespans))
        self.starts = address(self._contiguous(flow.starts))
        self.frozen = address(self._contiguous(flow.frozen))

    def _keep(self, array: ctypes.Array[Any]) -> int:
        self._kept.append(array)
        return ctypes.addressof(array)

    def _contiguous(self, tensor: Tensor | None) -> Tensor | None:
        if tensor is not None:
            wide = tensor if tensor.dtype == torch.bool else tensor.to(torch.float32)
            tensor = wide.detach().contiguous()
            self._kept.append(tensor)
        return tensor


def addresses(tensors: Sequence[Tensor | None]) -> ctypes.Array[ctypes.c_void_p]:
    """Where the numbers of each tensor begin."""
    return (ctypes.c_void_p * len(tensors))(*(address(tensor) for tensor in tensors))
