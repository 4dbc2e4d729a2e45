"""A policy corrected by what people said of its decisions, which another policy may have made.

Each decision that was judged carries what was known and how probable it was. The gradient is that
of REINFORCE, each decision weighed by how much likelier it is now than when it was made, cut off
above (clipped importance weights; Bottou et al. 2013, JMLR 14), and held to where it began by the
divergence between the two.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import torch
from pydantic import Field

from cauce.assistant.policy.actions import ACTIONS
from cauce.assistant.policy.choosing import Situation
from cauce.assistant.policy.network import PolicyNetwork, batch_of
from cauce.records import Decision, Record, Reply


class CorrectionSettings(Record):
    """How far feedback moves a policy."""

    updates: int = Field(100, ge=0)
    lr: float = Field(1e-3, gt=0)
    most_weight: float = Field(5.0, ge=1)
    """To which importance weights are cut."""
    beta: float = Field(0.1, ge=0)
    """Weight of the divergence from the policy before."""


class LoggedDecision(NamedTuple):
    """A decision and what it was worth to whom it answered."""

    decision: Decision
    reward: float


def logged(said: Iterable[tuple[Reply, Literal["up", "down"]]]) -> list[LoggedDecision]:
    """The decisions of replies that got a thumb: 1 up, -1 down; others teach nothing."""
    return [
        LoggedDecision(reply.decision, 1.0 if thumb == "up" else -1.0)
        for reply, thumb in said
        if reply.decision is not None
    ]


def corrected(
    network: PolicyNetwork, decisions: Sequence[LoggedDecision], settings: CorrectionSettings
) -> PolicyNetwork:
    """A copy of the policy that does more of what people liked; the same without decisions."""
    learning = copy.deepcopy(network).train()
    if not decisions:
        return learning.eval()
    batch = batch_of([_situation(it.decision) for it in decisions])
    actions = torch.tensor([[ACTIONS.index(it.decision.action)] for it in decisions])
    was = torch.tensor([it.decision.probability for it in decisions])
    reward = torch.tensor([it.reward for it in decisions])
    with torch.no_grad():
        before = network(batch).logits
    optimizer = torch.optim.AdamW(learning.parameters(), lr=settings.lr)
    for _ in range(settings.updates):
        now = learning(batch).logits
        taken = now.gather(1, actions).squeeze(1)
        weight = (taken.detach().exp() / was).clamp(max=settings.most_weight)
        baseline = (weight * reward).sum() / weight.sum().clamp(min=1e-6)
        apart = (before.exp() * (before - now)).sum(1).mean()
        loss = -(weight * (reward - baseline) * taken).mean() + settings.beta * apart
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return learning.eval()


def _situation(decision: Decision) -> Situation:
    return Situation(decision.turns, decision.minutes, decision.reply, decision.allowed)
