"""The loop of an LTC in C++: the sigmoids of a step and the sums over them in one pass.

Axes: t time, b rows, k unfolds, i sending neurons, j receiving ones, n neurons, m any rows.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.ltc import LTCGradients, Membrane, Synapses, SynapseSums, Trail
from cauce.models.liquid.kernels.native import address

if TYPE_CHECKING:
    from jaxtyping import Float


def sums(
    values: Float[Tensor, "m i"], synapses: Synapses
) -> tuple[Float[Tensor, "m j"], Float[Tensor, "m j"]]:
    """See `LTCLoop.sums`."""
    described = _Synapses(synapses)
    values = values.contiguous()
    current, conductance = values.new_empty(2, len(values), described.receivers)
    native.library().cauce_ltc_sums(
        ctypes.byref(described),
        ctypes.c_int64(len(values)),
        address(values),
        address(current),
        address(conductance),
    )
    return current, conductance


def sums_adjoint(
    values: Float[Tensor, "m i"],
    current_grad: Float[Tensor, "m j"],
    conductance_grad: Float[Tensor, "m j"],
    synapses: Synapses,
) -> tuple[Float[Tensor, "m i"], SynapseSums]:
    """See `LTCLoop.sums_adjoint`."""
    described = _Synapses(synapses)
    values = values.contiguous()
    values_grad, totals = torch.empty_like(values), described.totals(values)
    native.library().cauce_ltc_sums_adjoint(
        ctypes.byref(described),
        ctypes.c_int64(len(values)),
        address(values),
        address(current_grad),
        address(conductance_grad),
        address(values_grad),
        address(totals),
    )
    return values_grad, SynapseSums(*totals)


def forward(
    membrane: Membrane,
    state: Float[Tensor, "b n"],
    synapses: Synapses,
    flow: Flow,
    unfolds: int,
    keeps_trail: bool,
) -> tuple[Float[Tensor, "t b n"], Trail | None]:
    """See `LTCLoop.forward`."""
    time, rows, units = membrane.current.shape
    described = _Synapses(synapses)
    run = _Run(unfolds, membrane.capacitance, membrane.rates, flow)
    current, conductance = membrane.current.contiguous(), membrane.conductance.contiguous()
    state, states = state.contiguous(), torch.empty_like(current)
    trail = None
    if keeps_trail:
        trail = Trail(*(state.new_empty(time, unfolds, rows, units) for _ in range(2)))
    native.library().cauce_ltc_forward(
        ctypes.byref(described),
        ctypes.byref(run),
        address(current),
        address(conductance),
        address(state),
        address(states),
        *(map(address, trail or (None, None))),
    )
    return states, trail


def adjoint(
    states_grad: Float[Tensor, "t b n"],
    states: Float[Tensor, "t b n"],
    trail: Trail,
    membrane: tuple[Float[Tensor, " n"], Float[Tensor, "t b"]],
    synapses: Synapses,
    flow: Flow,
) -> LTCGradients:
    """See `LTCLoop.adjoint`."""
    described = _Synapses(synapses)
    run = _Run(trail.before.shape[1], *membrane, flow)
    state = torch.empty_like(states[0])
    current, conductance, inertia = (torch.empty_like(states) for _ in range(3))
    totals = described.totals(states)
    native.library().cauce_ltc_adjoint(
        ctypes.byref(described),
        ctypes.byref(run),
        address(states_grad),
        address(states),
        *map(address, trail),
        (ctypes.c_void_p * 4)(*map(address, (state, current, conductance, inertia))),
        address(totals),
    )
    return LTCGradients(state, current, conductance, inertia, SynapseSums(*totals))


class _Synapses(ctypes.Structure):
    """Synapses as ltc.cpp's struct of this name has them, and the tensors it points to."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("senders", "receivers", "threads")),
        *((name, ctypes.c_void_p) for name in Synapses._fields),
    )

    def __init__(self, synapses: Synapses) -> None:
        self._kept = [None if part is None else part.contiguous() for part in synapses]
        super().__init__(*synapses.w.shape, torch.get_num_threads(), *map(address, self._kept))

    def totals(self, like: Tensor) -> Float[Tensor, "4 i j"]:
        """Zeros to add the sums of the gradients to."""
        return like.new_zeros(len(SynapseSums._fields), self.senders, self.receivers)


class _Run(ctypes.Structure):
    """A recurrence as ltc.cpp's struct of this name has it, and the tensors it points to."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("steps", "rows", "unfolds")),
        *((name, ctypes.c_void_p) for name in ("capacitance", "rates", "starts", "frozen")),
    )

    def __init__(self, unfolds: int, capacitance: Tensor, rates: Tensor, flow: Flow) -> None:
        parts = (capacitance, rates, flow.starts, flow.frozen)
        self._kept = [None if part is None else part.contiguous() for part in parts]
        super().__init__(*rates.shape, unfolds, *map(address, self._kept))
