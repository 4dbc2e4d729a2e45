"""The steps of a chain of CfCs in pure torch: the truth that the other loop is held to.

Axes: t time, b rows, n neurons of all links and cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import cfc_torch
from cauce.models.liquid.kernels.cfc import CfCForm, CfCSteps
from cauce.models.liquid.kernels.memory import (
    Memory,
    MemoryPartials,
    adjoint_with_memory,
    run_with_memory,
)
from cauce.models.liquid.kernels.memory_cfc import ChainTrail, Link

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
    chain = _Forward(links, form, flow.timespans)
    trail = run_with_memory(memory, chain, state, flow)
    return ChainTrail(trail, [link.kept_layers() for link in chain.links])


def adjoint(
    states_grad: Float[Tensor, "t b n"],
    cells_grad: Float[Tensor, "b n"],
    memory: tuple[MemoryPartials, Float[Tensor, "4n n"]],
    links: Sequence[tuple[Link, CfCSteps]],
    form: CfCForm,
    flow: Flow,
) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]]:
    """See `ChainLoop.adjoint`."""
    return adjoint_with_memory(states_grad, cells_grad, memory, _Adjoint(links, form), flow)


class _Forward:
    """See `ForwardSteps`."""

    def __init__(self, links: Sequence[Link], form: CfCForm, timespans: Tensor | None) -> None:
        self.links = [
            cfc_torch.Forward(link.drive, link.units, link.weights, form, link.input_weight)
            for link in links
        ]
        self.units = [link.units for link in links]
        self.timespans = timespans

    def step(self, number: int, before: Tensor, after: Tensor) -> None:
        elapsed = 1.0 if self.timespans is None else self.timespans[number, :, None]
        inputs = None
        for link, own, result in zip(
            self.links, _parts(before, self.units), _parts(after, self.units), strict=True
        ):
            link.step(number, own, elapsed, result, inputs)
            inputs = result


class _Adjoint:
    """See `AdjointSteps`; the gradient of h gains what a link sees of the one before."""

    def __init__(self, links: Sequence[tuple[Link, CfCSteps]], form: CfCForm) -> None:
        self.cells = [
            cfc_torch.Adjoint(steps.partials, steps.slopes, link.weights, form)
            for link, steps in links
        ]
        self.input_weights = [link.input_weight for link, _ in links]
        self.units = [link.units for link, _ in links]

    def step(self, number: int, after_grad: Tensor, before_grad: Tensor) -> None:
        grads, results = _parts(after_grad, self.units), _parts(before_grad, self.units)
        for index in range(len(self.cells) - 1, -1, -1):
            drive_grad = self.cells[index].step(number, grads[index], results[index])
            input_weight = self.input_weights[index]
            if input_weight is not None:
                grads[index - 1].addmm_(drive_grad, input_weight)


def _parts(whole: Tensor, units: list[int]) -> tuple[Tensor, ...]:
    """Those of each link."""
    return (whole,) if len(units) == 1 else whole.split_with_sizes(units, 1)
