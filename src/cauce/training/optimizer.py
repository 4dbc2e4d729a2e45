"""What moves each weight: AdamW, or Muon on hidden matrices, and a rule of its own for routers.

AdamW decays where decay belongs (Loshchilov & Hutter 2017, arXiv 1711.05101). A router's
`balance_bias` is moved by a fixed step against the sign of its gradient, for which the model gives
the load error: tokens that came to an expert, minus the mean (Wang et al. 2024, arXiv 2408.15664;
DeepSeek-V3, arXiv 2412.19437).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from cauce.models.protocol import LanguageModel
from cauce.training.muon import hidden_matrices, update_muon
from cauce.training.settings import TrainingSettings

FUSED_DEVICES = ("cpu", "cuda")

BALANCE_NAME = "balance_bias"

BALANCE_RATE = 1e-2
"""Ten times what long trainings use: with 1e-3 an expert was still idle after 173 updates."""

Group = dict[str, Any]


def trainable_parameters(model: LanguageModel) -> dict[str, Tensor]:
    """The parameters that training changes, by name; tied ones once."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def is_balance(name: str) -> bool:
    """Whether that parameter balances a router: its gradient is a count, and part of no norm."""
    return name.endswith(BALANCE_NAME)


def make_optimizer(model: LanguageModel, settings: TrainingSettings) -> Optimizer:
    """The optimizer of `settings` over the trainable parameters.

    Vectors and T5's tables of relative position biases are not pulled towards zero.
    """
    parameters = trainable_parameters(model)
    adamw, others = _groups(model, parameters, settings)
    device = next(iter(parameters.values())).device.type
    options: Group = {"lr": settings.lr, "betas": (0.9, 0.95), "fused": device in FUSED_DEVICES}
    inner = AdamW(adamw, **options) if adamw else None
    return MixedOptimizer(inner, others) if others or inner is None else inner


def set_rates(optimizer: Optimizer, rate: float) -> None:
    """Sets every group's rate from that of AdamW; routers are balanced at a constant one."""
    for group in optimizer.param_groups:
        if group["rule"] != "balance":
            group["lr"] = rate * group["pace"]


class MixedOptimizer(Optimizer):
    """Moves every group of parameters by its own rule; those of `adamw` by that."""

    def __init__(self, adamw: AdamW | None, others: list[Group]) -> None:
        self._adamw = adamw
        super().__init__([*(adamw.param_groups if adamw else []), *others], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Moves all parameters that have a gradient; a `closure` has no use here."""
        groups: dict[str, list[Group]] = {"adamw": [], "muon": [], "balance": []}
        for group in self.param_groups:
            groups[group["rule"]].append(group)
        if self._adamw is not None:
            # Both are replaced when a state is loaded.
            self._adamw.state, self._adamw.param_groups = self.state, groups["adamw"]
            self._adamw.step()
        for group in groups["muon"]:
            update_muon(group, self.state)
        for group in groups["balance"]:
            for bias in group["params"]:
                if bias.grad is not None:
                    bias.sub_(bias.grad.sign(), alpha=group["lr"])


def _groups(
    model: LanguageModel, parameters: dict[str, Tensor], settings: TrainingSettings
) -> tuple[list[Group], list[Group]]:
    """Those of AdamW, and those of the other rules; none is empty."""
    hidden = hidden_matrices(model) if settings.optimizer == "muon" else {}
    decay, pace = {"weight_decay": settings.weight_decay}, settings.muon_lr / settings.lr
    muon = {"rule": "muon", "lr": settings.muon_lr, "pace": pace, **decay}
    kinds: dict[str, Group] = {
        "decayed": {"rule": "adamw", "pace": 1.0, **decay},
        "kept": {"rule": "adamw", "pace": 1.0, "weight_decay": 0.0},
        "hidden": {**muon, "is_transposed": False},
        "transposed": {**muon, "is_transposed": True},
        "balance": {"rule": "balance", "lr": BALANCE_RATE},
    }
    for name, weight in parameters.items():
        kind = "decayed" if weight.ndim >= 2 and "bias" not in name else "kept"
        if is_balance(name):
            kind = "balance"
        elif weight in hidden:
            kind = "transposed" if hidden[weight] else "hidden"
        kinds[kind].setdefault("params", []).append(weight)
    groups = [group for group in kinds.values() if "params" in group]
    adamw = [group for group in groups if group["rule"] == "adamw"]
    return adamw, [group for group in groups if group["rule"] != "adamw"]
