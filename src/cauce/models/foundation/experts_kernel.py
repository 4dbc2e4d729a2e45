"""Products of tokens with the experts they go to: one for each run of rows of one expert.

Rows stand in the order of their experts, so that a run is a slice: nothing is masked, and inputs
are gathered once for each expert. A run's length depends on all tokens, and the last bits of a
product on the number of its rows where these are few, so runs are padded to multiples of
`PADDED_TO` rows. Then what a token gets does not depend on later tokens, to the last bit
(tests/models/foundation/test_experts.py).

A loop over slices, since one batched product (runs padded to the longest) is 3 to 7 % faster per
row but computes 3 to 17 % more rows; W_g and W_v apart cost 2 to 4 % over both at once (8 to 64
experts, 2026-11), and let an optimizer treat each.

Axes: n tokens, k experts of a token, p pairs of a token and an expert that it takes, r rows: the
pairs by expert, and padding; m rows of one expert, e experts, d width, f hidden width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag, linear, relu, silu

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Shaped

PADDED_TO = 16
"""MKL's fp32 products had other last bits below 4 rows with one thread, and below 12 with two where
they were not fours (AVX2, 14 shapes, 2026-11). It also aligns bf16 runs for CUDA's grouped product.
"""

TILE = 32_768
"""Elements up to which torch leaves an elementwise operation to one thread."""

VECTORS = 64
"""Elements that every width of vectors divides."""


class Rows(NamedTuple):
    """Where the pairs of tokens and experts stand, sorted by expert."""

    tokens: Int[Tensor, " r"]
    """The token of each row; of padding, the first."""
    positions: Int[Tensor, " p"]
    """The row of each pair, token by token."""
    bags: Int[Tensor, " n"]
    """Where the pairs of each token begin in `positions`."""
    loads: Int[Tensor, " e"]
    """Pairs of each expert."""
    counts: list[int]
    """Rows of each expert."""

    def busy(self) -> list[int]:
        """The experts that have rows."""
        return [expert for expert, count in enumerate(self.counts) if count]

    def idle(self) -> list[int]:
        """The experts that have none."""
        return [expert for expert, count in enumerate(self.counts) if not count]

    def split(self, *tensors: Shaped[Tensor, "r ..."]) -> list[tuple[Tensor, ...]]:
        """The part of each expert, of every tensor."""
        return [torch.split(tensor, self.counts) for tensor in tensors]

    @property
    def ends(self) -> list[int]:
        """Where the rows of each expert end."""
        return list(accumulate(self.counts))


def needed_padding(hidden_width: int) -> int:
    """What a run's rows must be a multiple of for a token not to depend on how many there are."""
    return math.lcm(PADDED_TO, VECTORS // math.gcd(VECTORS, hidden_width))


@torch.no_grad()
def sort_rows(
    chosen: Int[Tensor, "n k"],
    taken: Bool[Tensor, "n k"] | None,
    *,
    experts: int,
    padded_to: int,
) -> Rows:
    """The rows of the experts that tokens chose, of those `taken` where that is given."""
    tokens, per_token = chosen.shape
    pairs = chosen.flatten() if taken is None else chosen[taken]
    loads = pairs.bincount(minlength=experts)
    padded = (loads + padded_to - 1).div(padded_to, rounding_mode="floor") * padded_to
    counts: list[int] = padded.tolist()
    shift = padded.cumsum(0) - padded - loads.cumsum(0) + loads
    order = pairs.argsort(stable=True)
    places = torch.arange(len(pairs), device=pairs.device)
    positions = torch.empty_like(order)
    positions[order] = places + shift.repeat_interleave(loads, output_size=len(pairs))
    if taken is None:
        sources = places.div(per_token, rounding_mode="floor")
        bags = torch.arange(tokens, device=pairs.device) * per_token
    else:
        sources, per_row = taken.nonzero()[:, 0], taken.sum(1)
        bags = per_row.cumsum(0) - per_row
    row_tokens = positions.new_zeros(sum(counts))
    row_tokens[positions] = sources
    return Rows(row_tokens, positions, bags, loads, counts)


def routed(
    hidden: Float[Tensor, "n d"],
    weights: Float[Tensor, " p"],
    rows: Rows,
    inward: Sequence[Float[Tensor, "e f d"]],
    output: Float[Tensor, "e d f"],
) -> Float[Tensor, "n d"]:
    """sum_i w_i W_o,i a(x) over the experts i of each token x, weighted by w.

    `inward` are (W_g, W_v), for a = silu(W_g x) * W_v x, or (W_v,), for a = max(0, W_v x)^2. All
    matrices and `hidden` have one dtype, which the result has too.
    """
    function = _grouped if _has_grouped_products(hidden, output) else _Slices.apply
    result: Tensor = function(hidden, weights, rows, output, *inward)
    return result


def routed_alone(
    token: Float[Tensor, "1 d"],
    weights: Float[Tensor, " p"],
    chosen: list[int],
    inward: Sequence[Float[Tensor, "e f d"]],
    output: Float[Tensor, "e d f"],
) -> Float[Tensor, "1 d"]:
    """As `routed` for one token, with nothing to sort; matrices may have another dtype."""
    summed = torch.zeros_like(token)
    for expert, weight in zip(chosen, weights.unbind(), strict=True):
        entered = [linear(token, matrices[expert].to(token.dtype)) for matrices in inward]
        active = _activation(*entered)
        summed = summed + (weight * linear(active, output[expert].to(token.dtype))).to(token.dtype)
    return summed


class _Slices(torch.autograd.Function):
    """See `routed`. Kept for the gradient is what goes into the activation, and no gathered rows.

    The weights multiply what goes into the last product, so that tokens only sum their rows.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weights: Tensor, rows: Rows, output: Tensor, *inward: Tensor
    ) -> Tensor:
        total = len(rows.tokens)
        entered = [hidden.new_empty(total, output.shape[2]) for _ in inward]
        outputs = hidden.new_empty(total, hidden.shape[1])
        tokens, spread, products, *runs = rows.split(
            rows.tokens, _spread(weights, rows), outputs, *entered
        )
        *matrices, last = (each.unbind() for each in (*inward, output))
        for expert in rows.busy():
            x = hidden.index_select(0, tokens[expert])
            values = [run[expert] for run in runs]
            for matrix, value in zip(matrices, values, strict=True):
                torch.mm(x, matrix[expert].T, out=value)
            active = _activate(values).mul_(spread[expert])
            torch.mm(active, last[expert].T, out=products[expert])
        ctx.counts = rows.counts
        ctx.save_for_backward(hidden, weights, *rows[:4], output, *inward, *entered)
        return embedding_bag(rows.positions, outputs, rows.bags, mode="sum")

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weights, *saved = ctx.saved_tensors
        tokens, positions, bags, loads, output, *others = saved
        rows = Rows(tokens, positions, bags, loads, ctx.counts)
        inward, entered = others[: len(others) // 2], others[len(others) // 2 :]
        rows_grad = hidden.new_empty(len(rows.tokens), hidden.shape[1])
        weights_grad = weights.new_empty(len(rows.tokens), 1)
        grads = [torch.empty_like(matrices) for matrices in (output, *inward)]
        tokens, spread, asked_x, asked_weights, *runs = rows.split(
            rows.tokens, _spread(weights, rows), rows_grad, weights_grad, *entered
        )
        for expert in rows.idle():
            for each in grads:
                each[expert].zero_()
        for expert in rows.busy():
            asked = grad.index_select(0, tokens[expert])
            active, pull_back = _differentiable([run[expert] for run in runs])
            active_grad = asked @ output[expert]
            torch.sum(active_grad * active, 1, keepdim=True, out=asked_weights[expert])
            torch.mm(asked.T, active.mul_(spread[expert]), out=grads[0][expert])
            x = torch.index_select(hidden, 0, tokens[expert], out=asked)
            parts = pull_back(active_grad.mul_(spread[expert]))
            for part, each in zip(parts, grads[1:], strict=True):
                torch.mm(part.T, x, out=each[expert])
            torch.mm(parts[0], inward[0][expert], out=asked_x[expert])
            for part, matrix in zip(parts[1:], inward[1:], strict=True):
                asked_x[expert].addmm_(part, matrix[expert])
        hidden_grad = embedding_bag(rows.positions, rows_grad, rows.bags, mode="sum")
        return hidden_grad, weights_grad[rows.positions, 0], None, *grads


def _spread(weights: Float[Tensor, " p"], rows: Rows) -> Float[Tensor, "r 1"]:
    """The weight of each row; 0 for padding."""
    zeros = weights.new_zeros(len(rows.tokens))
    return zeros.index_copy(0, rows.positions, weights)[:, None]


def _activation(first: Float[Tensor, "m f"], *value: Float[Tensor, "m f"]) -> Float[Tensor, "m f"]:
    return silu(first) * value[0] if value else relu(first).square()


def _activate(entered: list[Float[Tensor, "m f"]]) -> Float[Tensor, "m f"]:
    """The same, without a graph and without a bit that depends on the other rows."""
    if len(entered) == 1:
        return relu(entered[0]).square_()
    gate, value = entered
    return _silu(gate).mul_(value)


def _silu(values: Float[Tensor, "m f"]) -> Float[Tensor, "m f"]:
    """silu(x), to the last bit the same wherever in the tensor x stands.

    Torch takes another exponential for what remains after whole vectors of a thread's share.
    """
    count, tiles = values.numel(), TILE * torch.get_num_threads()
    shared, alone = count // tiles * tiles, count // TILE * TILE
    sizes = [shared, alone - shared, count - alone]
    result = torch.empty_like(values)
    parts = (torch.split(flat.view(-1), sizes) for flat in (values, result))
    for part, out in zip(*parts, strict=True):
        torch.sigmoid(part, out=out)
    return result.mul_(values)


def _differentiable(
    entered: list[Float[Tensor, "m f"]],
) -> tuple[Float[Tensor, "m f"], Callable[[Tensor], list[Tensor]]]:
    """As `_activate`, and what gives the gradients of `entered` by overwriting that of the result.

    silu'(x) = s (1 + x - x s) with s = sigmoid(x).
    """
    if len(entered) == 1:
        root = relu(entered[0])
        return root.square(), lambda grad: [grad.mul_(root).mul_(2)]
    gate, value = entered
    sigmoid = gate.sigmoid()
    gated = gate * sigmoid

    def pull_back(grad: Tensor) -> list[Tensor]:
        value_grad = grad * gated
        slope = torch.sub(gate, gated).add_(1).mul_(sigmoid)
        return [grad.mul_(value).mul_(slope), value_grad]

    return gated * value, pull_back


def _grouped(
    hidden: Tensor, weights: Tensor, rows: Rows, output: Tensor, *inward: Tensor
) -> Tensor:
    """See `routed`: all runs in one product, differentiated by torch."""
    ends = torch.tensor(rows.ends, dtype=torch.int32, device=hidden.device)
    x = hidden.index_select(0, rows.tokens)
    entered = [torch._grouped_mm(x, matrix.mT, offs=ends) for matrix in inward]
    active = (_activation(*entered) * _spread(weights, rows)).to(hidden.dtype)
    outputs = torch._grouped_mm(active, output.mT, offs=ends)
    return embedding_bag(rows.positions, outputs, rows.bags, mode="sum")


def _has_grouped_products(hidden: Tensor, output: Tensor) -> bool:
    """Whether CUDA's grouped product takes them: bf16, and rows of a multiple of 16 bytes."""
    if not hidden.is_cuda or hidden.dtype != torch.bfloat16:
        return False
    is_aligned = output.shape[1] % 8 == 0 and output.shape[2] % 8 == 0
    return is_aligned and torch.cuda.get_device_capability(hidden.device) >= (8, 0)
