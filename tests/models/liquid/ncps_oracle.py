"""Layers of ncps 1.0.1, the oracle, beside ours with the same weights.

A batch is computed by ncps row by row, because it mixes the timespans of different rows.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch

from cauce.models.liquid import LiquidLayer, Wiring, load_ncps

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import ncps.torch
    import ncps.wirings

__all__ = ["assert_equal", "ncps", "wiring_of"]


def wiring_of(theirs: Any) -> Wiring:
    """Our form of a wiring that ncps built."""
    layers = [theirs.get_neurons_of_layer(layer) for layer in range(theirs.num_layers)]
    return Wiring.from_masks(
        theirs.sensory_adjacency_matrix, theirs.adjacency_matrix, theirs.output_dim, layers
    )


def assert_equal(
    ours: LiquidLayer,
    theirs: Any,
    *,
    rows: int = 3,
    steps: int = 9,
    timespans: torch.Tensor | None = None,
    loose: tuple[str, ...] = (),
) -> None:
    """Outputs to 1e-6, gradients to 1e-5 of each one's largest (those in `loose`: 5e-4)."""
    is_mixed = ours.state_size != getattr(ours, "layer", ours).state_size
    load_ncps(ours, theirs.state_dict())
    x = torch.randn(rows, steps, ours.input_size, requires_grad=True)
    state = torch.randn(rows, ours.state_size, requires_grad=True)
    asked = torch.randn(rows, steps, ours.output_size)
    mine, end = ours(x, state, timespans=timespans)
    found = [mine.detach(), end.detach(), *torch.autograd.grad((mine * asked).sum(), [x, state])]
    (ours(x, state, timespans=timespans)[0] * asked).sum().backward()
    results = []
    for row in range(rows):
        one = slice(row, row + 1)
        hx = tuple(state[one].chunk(2, 1)) if is_mixed else state[one]
        spans = None if timespans is None else timespans[one]
        output, last = theirs(x[one], hx, spans)
        results.append((output, torch.cat(last, 1) if is_mixed else last))
    its, its_end = (torch.cat(parts) for parts in zip(*results, strict=True))
    wanted = [its.detach(), its_end.detach()]
    wanted += torch.autograd.grad((its * asked).sum(), [x, state], retain_graph=True)
    (its * asked).sum().backward()
    for mine_, its_ in zip(found[:2], wanted[:2], strict=True):
        torch.testing.assert_close(mine_, its_, rtol=0, atol=1e-6)
    for mine_, its_ in zip(found[2:], wanted[2:], strict=True):
        _assert_near(mine_, its_, 1e-5)
    for name, mine_, its_ in _gradients(ours, theirs):
        _assert_near(mine_, its_, 5e-4 if name in loose else 1e-5)


def _gradients(ours: LiquidLayer, theirs: Any) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    mirror = copy.deepcopy(ours)
    named = dict(theirs.named_parameters())
    given = {
        name: weight if "sparsity_mask" in name else named[name].grad
        for name, weight in theirs.state_dict().items()
    }
    load_ncps(mirror, given)
    pairs = zip(ours.named_parameters(), mirror.parameters(), strict=True)
    return [(name, weight.grad, its.detach()) for (name, weight), its in pairs]


def _assert_near(mine: torch.Tensor, its: torch.Tensor, share: float) -> None:
    torch.testing.assert_close(mine, its, rtol=0, atol=share * its.abs().max().item() + 1e-12)
