"""The loss over the vocabulary, without ever holding the logits of all tokens.

Logits of a large vocabulary are the largest tensor of a training: 1,024 tokens of 50,257 words take
206 MB in fp32, and so does their gradient. `fused_cross_entropy` makes the logits of some hundred
tokens, forms their gradient at once in the same memory, and goes on.

Axes: n tokens, d width, v vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from jaxtyping import Float, Int

CHUNK_ELEMENTS = 16 * 2**20
"""Logits held at a time; fewer save little memory, and each chunk adds to the whole gradient."""

ROW_ELEMENTS = 2 * 2**20
"""Logits turned into probabilities at a time, in fp32: what stays near the processor."""

LEAST_SHARE = 1e-30
"""Probability below which a logarithm in fp32 is no longer exact enough: 69 nats of loss."""


def fused_cross_entropy(
    hidden: Float[Tensor, "n d"],
    weight: Float[Tensor, "v d"],
    bias: Float[Tensor, " v"] | None,
    targets: Int[Tensor, " n"],
    *,
    share: float = 1.0,
) -> Float[Tensor, ""]:
    """`share` of the summed cross-entropy of `targets` under `hidden @ weight.T + bias`, in nats.

    It is in fp32, computed in the precision of `hidden`. The gradient is formed with the loss, so
    this is for training: it has no second derivative. Without gradients the logits are made as
    sparingly.
    """
    if not torch.is_grad_enabled():
        return share * _chunked_cross_entropy(hidden, weight, bias, targets)
    loss: Tensor = _FusedCrossEntropy.apply(hidden, weight, bias, targets, share)  # type: ignore[no-untyped-call]
    return loss


def cross_entropy(
    logits: Float[Tensor, "n v"],
    targets: Int[Tensor, " n"],
    *,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
) -> Float[Tensor, ""]:
    """The summed cross-entropy in nats, in fp32.

    With smoothing s the target is (1 - s) of the token and s spread evenly over the vocabulary
    (Szegedy et al. 2015, 1512.00567); with focal gamma g a token predicted with probability p
    weighs (1 - p)^g (Lin et al. 2017, 1708.02002).
    """
    exact = _exact(logits.dtype)
    each = functional.cross_entropy(
        logits.to(exact), targets, reduction="none", label_smoothing=label_smoothing
    )
    if focal_gamma:
        log_p = functional.log_softmax(logits.to(exact), -1).gather(1, targets[:, None]).squeeze(1)
        # Not 0: there the gradient of a power below 1 is infinite, and 0 times that no number.
        doubt = (-torch.expm1(log_p)).clamp(min=torch.finfo(exact).tiny)
        each = doubt**focal_gamma * each
    return each.sum()


def _chunked_cross_entropy(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
) -> Tensor:
    cast = weight.to(hidden.dtype)
    own = None if bias is None else bias.to(hidden.dtype)
    loss = hidden.new_zeros((), dtype=_exact(hidden.dtype))
    rows = max(1, ROW_ELEMENTS // len(weight))
    for start in range(0, len(hidden), rows):
        logits = functional.linear(hidden[start : start + rows], cast, own)
        loss += cross_entropy(logits, targets[start : start + rows])
    return loss


class _FusedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        share: float,
    ) -> Tensor:
        cast = weight.detach().to(hidden.dtype)
        loss = torch.zeros((), dtype=_exact(hidden.dtype), device=hidden.device)
        by_hidden = torch.zeros_like(hidden)
        by_weight: Tensor | None = None
        by_bias = torch.zeros_like(weight[:, 0], dtype=loss.dtype)
        chunk = max(1, CHUNK_ELEMENTS // weight.shape[0])
        for start in range(0, len(hidden), chunk):
            part = hidden[start : start + chunk]
            logits = part @ cast.T
            if bias is not None:
                logits += bias.to(logits.dtype)
            loss += _replace_by_gradient(logits, targets[start : start + chunk])
            torch.mm(logits, cast, out=by_hidden[start : start + chunk])
            if weight.requires_grad:
                product = logits.T @ part
                by_weight = by_weight.add_(product) if by_weight is not None else product.to(loss)
            if bias is not None and bias.requires_grad:
                by_bias += logits.sum(0, dtype=loss.dtype)
        if weight.requires_grad:
            by_weight = torch.zeros_like(weight) if by_weight is None else by_weight.mul_(share)
        is_learned = bias is not None and bias.requires_grad
        ctx.save_for_backward(by_hidden, by_weight, by_bias.mul_(share) if is_learned else None)
        ctx.share = share
        return loss * share

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        by_hidden, *by_head = ctx.saved_tensors
        # A product with 1 would cost a copy of the largest gradient of all. Asking a GPU would
        # cost more.
        if gradient.device.type != "cpu" or gradient.item() != 1.0:
            by_head = [None if one is None else one * gradient for one in by_head]
        # In fp16 the share alone would take small values to 0 before the scale reaches them.
        return by_hidden * (ctx.share * gradient), *by_head, None, None


def _replace_by_gradient(logits: Tensor, targets: Tensor) -> Tensor:
    """The summed loss of `logits`, which afterwards hold its gradient: shares less one-hot."""
    exact = _exact(logits.dtype)
    loss = torch.zeros((), dtype=exact, device=logits.device)
    rows = max(1, ROW_ELEMENTS // logits.shape[1])
    for start in range(0, len(logits), rows):
        part = logits[start : start + rows]
        wanted = targets[start : start + rows, None]
        shares = torch.softmax(part, -1, dtype=exact)
        chosen = shares.gather(1, wanted)
        if bool(chosen.min() < LEAST_SHARE):
            loss += functional.cross_entropy(part.to(exact), wanted.squeeze(1), reduction="sum")
        else:
            loss -= chosen.log_().sum()
        shares.scatter_add_(1, wanted, shares.new_full((len(part), 1), -1.0))
        part.copy_(shares)
    return loss


def _exact(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)
