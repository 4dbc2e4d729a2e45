"""Experts against two loops over them with the same weights: transformers' and a masked one.

Transformers' (`MixtralExperts`, its eager path) gathers the tokens of each expert; the masked one,
which the original model meant, computes every expert for every token. The products alone, on rows
that are sorted already and into memory that is at hand, show the least that a loop can take.

Axes: n tokens, k experts of a token, e experts, d width, f hidden width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear, silu
from transformers import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import MixtralExperts

from benchmarks import report
from benchmarks.liquid.measure import Pass, least_cpu_s
from cauce.models.foundation.experts_kernel import needed_padding, routed, sort_rows

if TYPE_CHECKING:
    from jaxtyping import Float, Int

Computation = Callable[[], Tensor]

BAR = 3.0
TOKENS, WIDTH = 4096, 256


class Size(NamedTuple):
    """Experts, of them for each token, and their hidden width."""

    experts: int
    per_token: int
    hidden: int

    def __str__(self) -> str:
        return f"{self.experts} experts, top {self.per_token}, hidden {self.hidden}"


SIZES = (Size(8, 2, 360), Size(32, 4, 96), Size(64, 6, 64), Size(128, 8, 32))


def experts(sizes: tuple[Size, ...] = SIZES, *, tokens: int = TOKENS, rounds: int = 6) -> None:
    """Forward and backward of routed experts, in slices, against loops over the experts."""
    for size in sizes:
        spent = least_cpu_s(_passes(size, tokens), rounds=rounds)
        metric = f"{size}, {tokens} tokens of {WIDTH}"
        for name, seconds in spent.items():
            report(f"{metric}: CPU ms, {name}", 1e3 * seconds, None)
        loop, masked = spent["transformers"], spent["masked loop"]
        report(f"{metric}: times faster than transformers", loop / spent["ours"], BAR, "higher")
        report(f"{metric}: times faster than masked", masked / spent["ours"], None, "higher")
        most = loop / spent["products alone"]
        report(f"{metric}: transformers over the products alone", most, None, "higher")


class Drawn(NamedTuple):
    """What goes into the experts, and the gradient that their outputs get."""

    hidden: Float[Tensor, "n d"]
    chosen: Int[Tensor, "n k"]
    weights: Float[Tensor, "n k"]
    asked: Float[Tensor, "n d"]


def _passes(size: Size, tokens: int) -> dict[str, Pass]:
    """The contenders; raises RuntimeError where their outputs differ."""
    torch.manual_seed(0)
    theirs = _transformers(size)
    weights, chosen = torch.rand(tokens, size.experts).topk(size.per_token)
    drawn = Drawn(
        torch.randn(tokens, WIDTH).requires_grad_(),
        chosen,
        (weights / weights.sum(1, keepdim=True)).requires_grad_(),
        torch.randn(tokens, WIDTH),
    )
    inward = [part.contiguous().requires_grad_() for part in _weights(theirs)[0].chunk(2, 1)]
    output = _weights(theirs)[1].clone().requires_grad_()
    padded_to = needed_padding(size.hidden)

    def ours() -> Tensor:
        rows = sort_rows(chosen, None, experts=size.experts, padded_to=padded_to)
        return routed(drawn.hidden, drawn.weights.flatten(), rows, inward, output)

    def loop() -> Tensor:
        summed: Tensor = theirs(drawn.hidden, chosen, drawn.weights)
        return summed

    def masked() -> Tensor:
        return _masked(drawn, inward, output)

    for other in (loop, masked):
        if not torch.allclose(ours(), other(), rtol=1e-4, atol=1e-5):
            raise RuntimeError(f"{size}: the contenders do not compute the same")
    return {
        "ours": _both_ways(ours, drawn, [*inward, output]),
        "transformers": _both_ways(loop, drawn, list(theirs.parameters())),
        "masked loop": _both_ways(masked, drawn, [*inward, output]),
        "products alone": _products(size, tokens, *_weights(theirs)),
    }


def _transformers(size: Size) -> MixtralExperts:
    config = MixtralConfig(
        hidden_size=WIDTH,
        intermediate_size=size.hidden,
        num_local_experts=size.experts,
        num_experts_per_tok=size.per_token,
    )
    config._experts_implementation = "eager"
    layer = MixtralExperts(config)
    for weight in layer.parameters():
        torch.nn.init.normal_(weight, std=0.02)
    return layer


def _weights(layer: MixtralExperts) -> tuple[Tensor, Tensor]:
    return layer.gate_up_proj.detach(), layer.down_proj.detach()


def _masked(drawn: Drawn, inward: list[Tensor], output: Tensor) -> Tensor:
    gate, value = inward
    summed = torch.zeros_like(drawn.hidden)
    for number in range(len(output)):
        mask = (drawn.weights * (drawn.chosen == number)).sum(1, keepdim=True)
        active = silu(linear(drawn.hidden, gate[number])) * linear(drawn.hidden, value[number])
        summed = summed + mask * linear(active, output[number])
    return summed


def _both_ways(compute: Computation, drawn: Drawn, weights: list[Tensor]) -> Pass:
    def run() -> None:
        for each in (drawn.hidden, drawn.weights, *weights):
            each.grad = None
        torch.autograd.backward(compute(), drawn.asked)

    return run


def _products(size: Size, tokens: int, inward: Tensor, output: Tensor) -> Pass:
    """Three products forward and six backward in each expert, at equal loads, the first fused."""
    count = tokens * size.per_token // size.experts
    x, y = torch.randn(count, WIDTH), torch.empty(count, WIDTH)
    entered, active = torch.empty(count, 2 * size.hidden), torch.randn(count, size.hidden)
    inward_grad, output_grad = torch.empty_like(inward), torch.empty_like(output)

    def run() -> None:
        for number in range(size.experts):
            torch.mm(x, inward[number].T, out=entered)
            torch.mm(active, output[number].T, out=y)
            torch.mm(x, output[number], out=active)
            torch.mm(x.T, active, out=output_grad[number])
            torch.mm(entered, inward[number], out=y)
            torch.mm(entered.T, x, out=inward_grad[number])

    return run
