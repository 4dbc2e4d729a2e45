"""A mixture of experts: each token is the work of a few of many feed-forward layers.

A router scores every expert for each token by s = sigmoid(W_r x), in fp32. The token goes to the k
experts of largest s + balance, and gets

    sum_i g_i expert_i(x)    with g_i = s_i / sum_j s_j over the experts it goes to

(DeepSeek-V3, arXiv 2412.19437). Tokens choose experts and never experts tokens, so what a token
gets depends on no other one; none is dropped.

Axes: b rows, t tokens of a row, n tokens of all rows, d width, f hidden width, e experts, k experts
of a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import Module, Parameter
from torch.nn.functional import linear

from cauce.models.foundation.config import FeedForward
from cauce.models.foundation.experts_kernel import (
    needed_padding,
    routed,
    routed_alone,
    sort_rows,
)

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

TINY = 1e-30
"""Keeps the weights of a token finite whose every score is 0 in fp32."""


class Experts(Module):
    """Feed-forward layers of which each token goes through a few, as its router scores them.

    With `confidence` p a token takes experts by falling s + balance until their share of the scores
    of all experts is p or more: at least one, at most `per_token`, whatever other tokens take.

    No loss keeps the experts busy. The gradient that `balance_bias` gets in a backward pass is each
    expert's load error (tokens that came in this forward pass, minus the mean), which an optimizer
    follows by fixed steps against its sign (arXiv 2408.15664); it changes who is chosen, not with
    which weight, and has no other gradient.

    Raises ValueError for sizes that do not go together.
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        count: int,
        *,
        per_token: int,
        confidence: float | None = None,
        feed_forward: FeedForward = "swiglu",
        z_weight: float = 0.0,
    ) -> None:
        super().__init__()
        if not 1 <= per_token <= count:
            raise ValueError(f"per_token is {per_token}; needed is 1 to {count}, the experts")
        if confidence is not None and not 0 < confidence <= 1:
            raise ValueError(f"confidence is {confidence}; needed is a share, above 0 and up to 1")
        self.per_token, self.confidence, self.z_weight = per_token, confidence, z_weight
        self.router = nn.Linear(width, count, bias=False)
        self.balance_bias = Parameter(torch.empty(count))
        self.gate: Parameter | None = None
        if feed_forward == "swiglu":
            self.gate = Parameter(torch.empty(count, hidden, width))
        self.value = Parameter(torch.empty(count, hidden, width))
        self.output = Parameter(torch.empty(count, width, hidden))
        self.auxiliary: Float[Tensor, ""] | None = None
        """`z_weight` times the mean of logsumexp(W_r x)^2 (arXiv 2202.08906) of the last forward
        pass, in training."""
        self._loads: Int[Tensor, " e"] | None = None
        self._scores: Float[Tensor, "n e"] | None = None
        self.reset_parameters()

    def reset_parameters(
        self, deviation: float = 0.02, output_deviation: float | None = None
    ) -> None:
        """Draws the experts from normal distributions; no expert is favoured."""
        nn.init.zeros_(self.balance_bias)
        for matrices in self._inward():
            nn.init.normal_(matrices, std=deviation)
        last = deviation if output_deviation is None else output_deviation
        nn.init.normal_(self.output, std=last)

    # How many rows an expert gets is only known as it is computed.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(
        self, hidden: Float[Tensor, "b t d"], is_real: Bool[Tensor, "b t"] | None = None
    ) -> Float[Tensor, "b t d"]:
        """The weighted sum of each token's experts, in the dtype of autocast where it is on.

        Padding, where `is_real` is False, goes to no expert, gets 0 and counts nowhere.
        """
        real = None if is_real is None or bool(is_real.all()) else is_real.flatten()
        device = hidden.device.type
        is_autocast = torch.is_autocast_enabled(device)
        dtype = torch.get_autocast_dtype(device) if is_autocast else hidden.dtype
        with torch.autocast(device, enabled=False):
            tokens = hidden.flatten(0, 1)
            scores = self._score(tokens, real)
            self._scores = scores.detach() if real is None else scores.detach()[real]
            output = self._apply_chosen(tokens.to(dtype), *self._choose(scores, real))
            if self.training:
                output = _WithLoadError.apply(output, self.balance_bias, self._loads)  # type: ignore[no-untyped-call]
        return output.view(hidden.shape)

    @property
    def usage(self) -> Float[Tensor, " e"] | None:
        """Each expert's share of what was routed in the last forward pass; None before it."""
        return None if self._loads is None else self._loads / self._loads.sum()

    def figures(self) -> dict[str, float]:
        """Of the last forward pass: shares of the experts, and entropies in nats.

        `usage_entropy` is that of the shares, log(e) when all are equal; `router_entropy` the mean
        of the tokens' own, 0 when each is certain of one expert. Empty before the first pass.
        """
        usage = self.usage
        if usage is None or self._scores is None:
            return {}
        shares = self._scores / self._scores.sum(1, keepdim=True).clamp(min=TINY)
        return {
            "least_used": usage.min().item(),
            "most_used": usage.max().item(),
            "usage_entropy": torch.special.entr(usage).sum().item(),
            "router_entropy": torch.special.entr(shares).sum(1).mean().item(),
        }

    def __getstate__(self) -> dict[str, Any]:
        """Without the last forward pass, whose graph cannot be copied."""
        return {**self.__dict__, "auxiliary": None, "_loads": None, "_scores": None}

    def _inward(self) -> list[Parameter]:
        return [self.value] if self.gate is None else [self.gate, self.value]

    def _score(
        self, tokens: Float[Tensor, "n d"], real: Bool[Tensor, " n"] | None
    ) -> Float[Tensor, "n e"]:
        logits = linear(tokens.float(), self.router.weight.float())
        self.auxiliary = None
        if self.training and self.z_weight:
            counted = logits if real is None else logits[real]
            self.auxiliary = self.z_weight * counted.logsumexp(1).square().mean()
        return logits.sigmoid()

    def _choose(
        self, scores: Float[Tensor, "n e"], real: Bool[Tensor, " n"] | None = None
    ) -> tuple[Int[Tensor, "n k"], Bool[Tensor, "n k"] | None, Float[Tensor, " p"]]:
        """The best experts of each token, which of them it takes, and the weight of each taken."""
        with torch.no_grad():
            chosen = (scores + self.balance_bias).topk(self.per_token).indices
        picked = scores.gather(1, chosen)
        taken = self._taken(scores.detach(), picked.detach(), real)
        if taken is not None:
            picked = picked * taken
        weights = picked / picked.sum(1, keepdim=True).clamp(min=TINY)
        return chosen, taken, weights.flatten() if taken is None else weights[taken]

    def _apply_chosen(
        self,
        tokens: Float[Tensor, "n d"],
        chosen: Int[Tensor, "n k"],
        taken: Bool[Tensor, "n k"] | None,
        weights: Float[Tensor, " p"],
    ) -> Float[Tensor, "n d"]:
        """What the experts make of the tokens; keeps how many tokens came to each."""
        count, hidden = self.value.shape[:2]
        if len(tokens) == 1 and not self.training:
            pairs = chosen.flatten() if taken is None else chosen[taken]
            self._loads = pairs.bincount(minlength=count)
            return routed_alone(tokens, weights, pairs.tolist(), self._inward(), self.output)
        padded_to = needed_padding(hidden)
        rows = sort_rows(chosen, taken, experts=count, padded_to=padded_to)
        self._loads = rows.loads
        inward = [matrices.to(tokens.dtype) for matrices in self._inward()]
        return routed(tokens, weights, rows, inward, self.output.to(tokens.dtype))

    def _taken(
        self,
        scores: Float[Tensor, "n e"],
        picked: Float[Tensor, "n k"],
        real: Bool[Tensor, " n"] | None,
    ) -> Bool[Tensor, "n k"] | None:
        """Which of the chosen a token takes: those before which its confidence was too small.

        Padding takes none; None is all.
        """
        if self.confidence is None:
            return None if real is None else real[:, None].expand_as(picked)
        before = picked.cumsum(1).roll(1, 1)
        before[:, 0] = 0
        taken = before < self.confidence * scores.sum(1, keepdim=True).clamp(min=TINY)
        return taken if real is None else taken & real[:, None]


class _WithLoadError(torch.autograd.Function):
    """The output as it is, whose backward pass counts: once, also where forward is computed twice.

    That is so under gradient checkpointing.
    """

    @staticmethod
    def forward(
        ctx: Any, output: Float[Tensor, "n d"], balance_bias: Tensor, loads: Int[Tensor, " e"]
    ) -> Tensor:
        ctx.save_for_backward(loads)
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        (loads,) = ctx.saved_tensors
        load = loads.float()
        return grad, load - load.mean(), None
