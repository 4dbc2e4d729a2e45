"""Ours against ncps with the same weights: how far outputs and gradients are apart.

ncps computes the rows one by one, because it mixes the timespans of different rows.

Axes: b rows, t time, s state width.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.liquid.measure import Size, inputs_of
from benchmarks.liquid.peers import Pair, cfc, circuit, ltc, mixed, wired_cfc
from cauce.models.liquid import load_ncps, use_backend
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.backends import Backend

if TYPE_CHECKING:
    from jaxtyping import Float

OUTPUTS, GRADIENTS, LOOSE = 1e-6, 1e-5, 5e-4
"""Bars, as shares of the largest number of a tensor; the last is for `cm`, whose gradient is a
difference of numbers a thousand times as large."""

D, N = 24, 40

CASES: dict[str, Callable[[], Pair]] = {
    "CfC": lambda: cfc(D, N),
    "CfC no_gate": lambda: cfc(D, N, mode="no_gate"),
    "CfC pure": lambda: cfc(D, N, mode="pure"),
    "CfC of 3 backbone layers": lambda: cfc(D, N, backbone_layers=3),
    "CfC without backbone": lambda: cfc(D, N, backbone_layers=0),
    "WiredCfC": lambda: wired_cfc(D, N),
    "WiredCfC no_gate": lambda: wired_cfc(D, N, mode="no_gate"),
    "WiredCfC pure": lambda: wired_cfc(D, N, mode="pure"),
    "CfC, mixed memory": lambda: mixed(cfc(D, N), D, N),
    "WiredCfC, mixed memory": lambda: mixed(wired_cfc(D, N), D, circuit(N)),
    "LTC FC": lambda: ltc(D, N),
    "LTC FC, explicit": lambda: ltc(D, N, is_implicit=False),
    "LTC NCP": lambda: ltc(D, N, is_full=False),
}


SIZE = Size(3, 32, D, N)


def exactness(size: Size = SIZE) -> None:
    """Outputs and gradients against those of ncps, shares of the largest number of each."""
    backends: list[Backend] = ["torch", "cpp"] if native.is_available() else ["torch"]
    for name, make in CASES.items():
        for backend in backends:
            for timed in ("", ", timespans"):
                with use_backend(backend):
                    errors = compare(make(), size, has_timespans=bool(timed))
                metric = f"exactness: {name}{timed}, {backend}"
                _report(metric, errors)


def _report(metric: str, errors: dict[str, float]) -> None:
    outputs = max(errors.pop(name) for name in ("outputs", "state"))
    report(f"{metric}: outputs", outputs, OUTPUTS)
    loose = errors.pop("cm", None)
    report(f"{metric}: gradients", max(errors.values()), GRADIENTS)
    if loose is not None:
        report(f"{metric}: gradient of cm", loose, LOOSE)


def compare(pair: Pair, size: Size, *, has_timespans: bool) -> dict[str, float]:
    """The largest difference of each output and gradient, over the largest number of it."""
    ours = pair.ours
    torch.manual_seed(1)
    x = inputs_of(size)
    state = torch.randn(size.rows, ours.state_size, requires_grad=True)
    asked = torch.randn(size.rows, size.time, ours.output_size)
    spans = torch.rand(size.rows, size.time) + 0.2 if has_timespans else None
    mine, end = ours(x, state, timespans=spans)
    its, its_end = _rows(pair, x, state, spans)
    errors = {"outputs": _apart(mine, its), "state": _apart(end, its_end)}
    gradients = [
        torch.autograd.grad((each * asked).sum(), [x, state], retain_graph=True)
        for each in (mine, its)
    ]
    for name, *both in zip(("inputs", "first state"), *gradients, strict=True):
        errors[name] = _apart(*both)
    for outputs in (mine, its):
        (outputs * asked).sum().backward()
    return errors | _of_weights(pair)


def _rows(
    pair: Pair, x: Tensor, state: Float[Tensor, "b s"], spans: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Outputs and last state of ncps."""
    results: list[tuple[Tensor, Tensor]] = []
    for row in range(len(x)):
        one = slice(row, row + 1)
        hx: Any = tuple(state[one].chunk(2, 1)) if pair.is_mixed else state[one]
        output, last = pair.theirs(x[one], hx, None if spans is None else spans[one])
        results.append((output, torch.cat(last, 1) if pair.is_mixed else last))
    outputs, ends = zip(*results, strict=True)
    return torch.cat(outputs), torch.cat(ends)


def _of_weights(pair: Pair) -> dict[str, float]:
    """Of the gradients of all weights, those of ncps brought under our names as its weights are."""
    mirror, named = copy.deepcopy(pair.ours), dict(pair.theirs.named_parameters())
    given: Any = {
        name: weight if "sparsity_mask" in name else named[name].grad
        for name, weight in pair.theirs.state_dict().items()
    }
    load_ncps(mirror, given)
    pairs = zip(pair.ours.named_parameters(), mirror.parameters(), strict=True)
    return {name: _apart(cast(Tensor, weight.grad), its) for (name, weight), its in pairs}


def _apart(mine: Tensor, its: Tensor) -> float:
    mine, its = mine.detach(), its.detach()
    largest = its.abs().max().clamp(min=torch.finfo(its.dtype).tiny)
    return float((mine - its).abs().max() / largest)
