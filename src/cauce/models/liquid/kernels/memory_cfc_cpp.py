"""The loop of CfCs with mixed memory in C++: the LSTM and all links of a step in one pass.

Axes: t time, b rows, n neurons of all links and cells.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.cfc import CfCForm, CfCSteps
from cauce.models.liquid.kernels.cfc_cpp import Cell, addresses
from cauce.models.liquid.kernels.memory import Memory, MemoryPartials, MemoryTrail
from cauce.models.liquid.kernels.memory_cfc import ChainTrail, Link
from cauce.models.liquid.kernels.native import address

if TYPE_CHECKING:
    from jaxtyping import Float


def forward(
    memory: Memory,
    links: Sequence[Link],
    state: tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]],
    form: CfCForm,
    flow: Flow,
) -> ChainTrail:
    """See `ChainLoop.forward`."""
    drive, hidden, cells = (each.contiguous() for each in (memory.drive, *state))
    time, rows, units = *drive.shape[:2], hidden.shape[1]
    described = [_Link(link, (time, rows), form, flow) for link in links]
    layers = [link.trail() for link in described]
    states, all_cells = drive.new_empty(2, time, rows, units)
    gates = torch.empty_like(drive)
    native.library().cauce_memory_forward(
        ctypes.byref(_Chain(described, memory.recurrent, (time, rows), flow)),
        *map(address, (drive, hidden, cells, states, all_cells, gates)),
    )
    return ChainTrail(MemoryTrail(states, all_cells, gates), layers)


def adjoint(
    states_grad: Float[Tensor, "t b n"],
    cells_grad: Float[Tensor, "b n"],
    memory: tuple[MemoryPartials, Float[Tensor, "4n n"]],
    links: Sequence[tuple[Link, CfCSteps]],
    form: CfCForm,
    flow: Flow,
) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]]:
    """See `ChainLoop.adjoint`."""
    partials, recurrent = memory
    described = []
    for link, steps in links:
        described.append(_Link(link, states_grad.shape[:2], form, flow))
        described[-1].set_adjoint(steps)
    cells_grad = cells_grad.contiguous()
    begin_grad = torch.empty_like(cells_grad), torch.empty_like(cells_grad)
    native.library().cauce_memory_adjoint(
        ctypes.byref(_Chain(described, recurrent, states_grad.shape[:2], flow)),
        (ctypes.c_void_p * 3)(*map(address, partials)),
        *map(address, (states_grad, cells_grad, *begin_grad)),
    )
    return begin_grad


class _Link(ctypes.Structure):
    """A link as memory_cfc.cpp's struct of this name has it, and the tensors it points to."""

    _fields_ = tuple(
        (name, ctypes.c_void_p) for name in ("cell", "input_weight", "drive", "partials", "layers")
    )

    def __init__(self, link: Link, shape: Sequence[int], form: CfCForm, flow: Flow) -> None:
        self.described = Cell(shape, link.weights, form, Flow(flow.timespans))
        self._input_weight = None if link.input_weight is None else link.input_weight.contiguous()
        self._drive = link.drive.contiguous()
        super().__init__(ctypes.addressof(self.described), address(self._input_weight))

    def trail(self) -> list[Tensor]:
        """Room for what the forward loop leaves."""
        widths = [*self.described.layer_widths, self.described.heads * self.described.neurons]
        layers = [self._drive.new_empty(*self._drive.shape[:2], width) for width in widths]
        self.drive = address(self._drive)
        self._point_to(layers)
        return layers

    def set_adjoint(self, steps: CfCSteps) -> None:
        """Has the adjoint turn what `steps` hold into gradients."""
        self.partials = address(steps.partials)
        self._point_to(steps.slopes)

    def _point_to(self, layers: list[Tensor]) -> None:
        self._layers = addresses(layers)
        self.layers = ctypes.addressof(self._layers)


class _Chain(ctypes.Structure):
    """A chain as memory_cfc.cpp's struct of this name has it, and the tensors it points to."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("steps", "rows", "neurons", "count", "threads")),
        *((name, ctypes.c_void_p) for name in ("links", "recurrent", "starts", "frozen")),
    )

    def __init__(
        self, links: Sequence[_Link], recurrent: Tensor, shape: Sequence[int], flow: Flow
    ) -> None:
        parts = (recurrent, flow.starts, flow.frozen)
        self._kept = [None if part is None else part.contiguous() for part in parts]
        self._links = (_Link * len(links))(*links)
        super().__init__(
            *shape,
            recurrent.shape[1],
            len(links),
            torch.get_num_threads(),
            ctypes.addressof(self._links),
            *map(address, self._kept),
        )
