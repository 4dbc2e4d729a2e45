"""Muon: momentum whose singular values are all near 1 (Jordan et al. 2024; arXiv 2502.16982).

With gradient G and momentum M, an update of the matrix W at rate r is

    M <- 0.95 M + 0.05 G
    W <- (1 - r decay) W - r sqrt(max(1, rows / columns)) orthogonal(0.05 G + 0.95 M)

Axes: e matrices of a stack, m rows, n columns.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn import Embedding, Linear
from torch.nn.modules.conv import _ConvNd

from cauce.models.protocol import LanguageModel

if TYPE_CHECKING:
    from jaxtyping import Float

MOMENTUM = 0.95

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of X, X X' X and X X' X X' X in one iteration: steep at 0, flat enough around 1."""

ITERATIONS = 5

GRAM_ITERATIONS = (3, 2)
"""The same five where the Gram matrix is iterated on. It is made anew from the product in between:
rounding in it grows twelvefold with each iteration, since it holds the squares of small values."""

GRAM_FROM = 1.5
"""Columns per row from which iterating on the Gram matrix multiplies less."""

EPSILON = 1e-7


def hidden_matrices(model: LanguageModel) -> dict[Tensor, bool]:
    """The matrices between a model's embeddings and its output, True for those stored (in out).

    They are the weights of `Linear`, LoRA's factors among them, of GPT-2's `Conv1D` and stacks of
    experts (e out in); not an output layer nor an embedding, nor what is tied to one.
    """
    from transformers.pytorch_utils import Conv1D

    head = cast(Any, model).get_output_embeddings()
    outer = {part.weight for part in model.modules() if isinstance(part, Embedding) or part is head}
    matrices: dict[Tensor, bool] = {}
    for part in model.modules():
        is_layer = isinstance(part, Linear | Conv1D)
        for weight in part.parameters(recurse=False):
            is_stack = weight.ndim == 3 and not isinstance(part, _ConvNd)
            if weight not in outer and (is_stack or (is_layer and weight.ndim == 2)):
                matrices[weight] = isinstance(part, Conv1D)
    return matrices


def update_muon(group: dict[str, Any], state: dict[Tensor, dict[str, Tensor]]) -> None:
    """Moves the matrices of a group of parameters that have a gradient, at the group's `lr`."""
    rate = group["lr"]
    for weight in group["params"]:
        if weight.grad is None:
            continue
        kept = state[weight]
        if not kept:
            kept["momentum"] = torch.zeros_like(weight.grad)
        momentum = kept["momentum"].lerp_(weight.grad, 1 - MOMENTUM)
        update = _orthogonal_whole(weight.grad.lerp(momentum, MOMENTUM))
        rows, columns = weight.shape[-2:]
        if group["is_transposed"]:
            rows, columns = columns, rows
        weight.mul_(1 - rate * group["weight_decay"])
        weight.add_(update, alpha=-rate * math.sqrt(max(1, rows / columns)))


def orthogonal(matrices: Float[Tensor, "*e m n"]) -> Float[Tensor, "*e m n"]:
    """Each matrix with its singular values moved to between 0.68 and 1.21; tiny ones stay lower.

    Tiny is below 0.002 times the Frobenius norm. Five iterations of X <- a X + b X X' X +
    c X X' X X' X start from X of norm 1; on CUDA they are in bf16. Elsewhere a wide X is left out
    of them: they find the P for which P X is the result on the smaller matrix X X'.
    """
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    wide = matrices.mT if is_tall else matrices
    wide = wide.to(torch.bfloat16 if wide.is_cuda else torch.float32)
    wide = wide / torch.linalg.matrix_norm(wide, keepdim=True).clamp(min=EPSILON)
    if wide.is_cuda or wide.shape[-1] < GRAM_FROM * wide.shape[-2]:
        wide = _iterated(wide)
    else:
        for iterations in GRAM_ITERATIONS:
            wide = _polynomial(wide @ wide.mT, iterations) @ wide
    return (wide.mT if is_tall else wide).to(matrices.dtype)


def _iterated(wide: Float[Tensor, "*e m n"]) -> Float[Tensor, "*e m n"]:
    for _ in range(ITERATIONS):
        wide = _factor(wide @ wide.mT) @ wide
    return wide


def _polynomial(gram: Float[Tensor, "*e m m"], iterations: int) -> Float[Tensor, "*e m m"]:
    """P such that as many iterations take X with X X' = `gram` to P X."""
    product = factor = _factor(gram)
    for _ in range(iterations - 1):
        gram = factor @ (gram @ factor)
        factor = _factor(gram)
        product = factor @ product
    return product


def _factor(gram: Float[Tensor, "*e m m"]) -> Float[Tensor, "*e m m"]:
    """a I + b G + c G G, what one iteration multiplies with."""
    first, second, third = COEFFICIENTS
    factor = (gram @ gram).mul_(third).add_(gram, alpha=second)
    factor.diagonal(dim1=-2, dim2=-1).add_(first)
    return factor


def _orthogonal_whole(matrices: Tensor) -> Tensor:
    """As `orthogonal`, also of matrices of which each process holds a share: *together* then."""
    if type(matrices) is Tensor:
        return orthogonal(matrices)
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(matrices, DTensor)
    whole = orthogonal(matrices.full_tensor())
    return distribute_tensor(whole, matrices.device_mesh, matrices.placements, src_data_rank=None)
