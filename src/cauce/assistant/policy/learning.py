"""A policy learns from conversations that answer back: actor and critic, on their own policy.

The advantage of each step is the generalised one (Schulman et al. 2015, 1506.02438) under the
network's own values, and the gradient is that of REINFORCE with a baseline (Williams 1992), with an
entropy bonus. Every update draws its conversations and its actions from its own number, so that one
that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from pydantic import Field
from torch import Tensor

from cauce.assistant.policy.choosing import Situation
from cauce.assistant.policy.network import NetworkSettings, PolicyNetwork, batch_of
from cauce.records import Record
from cauce.runs import atomic_write, fingerprint

if TYPE_CHECKING:
    from jaxtyping import Float

STATE = "learning.pt"
"""Network, optimizer and number of updates, from which `learn` goes on."""


class Conversation(Protocol):
    """Somebody who talks to the assistant."""

    def situation(self) -> Situation | None:
        """What has to be decided now; None when the conversation is over."""
        ...

    def act(self, action: int) -> float:
        """Does one of `ACTIONS`, by its place, and tells what that was worth."""
        ...


class LearningSettings(Record):
    """How a policy is learnt."""

    updates: int = Field(400, ge=1)
    conversations: int = Field(64, ge=1)
    """In each update."""
    lr: float = Field(5e-3, gt=0)
    """Falls to 0 in a straight line."""
    decay: float = Field(1e-4, ge=0)
    smoothing: float = Field(0.95, ge=0, le=1)
    """Lambda of the advantages: 1 trusts returns, 0 the critic's values."""
    entropy: float = Field(0.02, ge=0)
    """Weight of the bonus for not being sure yet; falls to 0 with the updates."""
    value: float = Field(0.5, ge=0)
    """Weight of the critic's loss."""
    clip: float = Field(1.0, gt=0)
    """Norm to which gradients are cut."""
    save_every: int = Field(50, ge=1)
    seed: int = Field(0, ge=0)


class Step(NamedTuple):
    """One decision and what it was worth."""

    situation: Situation
    action: int
    reward: float


def learn(
    begin: Callable[[random.Random], Conversation],
    network: NetworkSettings,
    settings: LearningSettings,
    folder: Path | None = None,
    *,
    progress: Callable[[str], None] = lambda line: None,
) -> PolicyNetwork:
    """A policy that has learnt from the conversations that `begin` draws.

    Its state is kept in `folder`, where one is given, and an interrupted learning with the same
    settings goes on from there.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        learning = PolicyNetwork(network)
    optimizer = torch.optim.AdamW(
        learning.parameters(), lr=settings.lr, weight_decay=settings.decay
    )
    kept = None if folder is None else folder / STATE
    name = fingerprint(network.model_dump_json(), settings.model_dump_json())
    done = _restored(kept, name, learning, optimizer)
    for update in range(done, settings.updates):
        left = 1 - update / settings.updates
        optimizer.param_groups[0]["lr"] = settings.lr * left
        drawn = random.Random(f"{settings.seed} {update}")
        episodes = played(learning, [begin(drawn) for _ in range(settings.conversations)], drawn)
        loss = _loss(learning, episodes, settings, settings.entropy * left)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learning.parameters(), settings.clip)
        optimizer.step()
        if (update + 1) % settings.save_every == 0 or update + 1 == settings.updates:
            mean = sum(step.reward for steps in episodes for step in steps) / len(episodes)
            progress(f"update {update + 1}: mean return {mean:.3f}")
            if kept is not None:
                _keep(kept, name, learning, optimizer, update + 1)
    return learning.eval()


def played(
    network: PolicyNetwork,
    conversations: Sequence[Conversation],
    drawn: random.Random | None = None,
) -> list[list[Step]]:
    """The decisions of each conversation, all side by side; without `drawn`, the likeliest."""
    episodes: list[list[Step]] = [[] for _ in conversations]
    while True:
        open_ = [(it, steps) for it, steps in zip(conversations, episodes, strict=True)]
        asked = [(it, steps, found) for it, steps in open_ if (found := it.situation())]
        if not asked:
            return episodes
        with torch.no_grad():
            chances = network(batch_of([found for _, _, found in asked])).logits.exp()
        for (it, steps, found), chance in zip(asked, chances.tolist(), strict=True):
            action = (
                drawn.choices(range(len(chance)), chance)[0] if drawn else chance.index(max(chance))
            )
            steps.append(Step(found, action, it.act(action)))


def advantages(
    rewards: Sequence[float], values: Sequence[float], smoothing: float
) -> tuple[float, ...]:
    """How much better each step turned out than the critic had it, nothing being worth less later.

    sum_k smoothing^k (r_(t+k) + v_(t+k+1) - v_(t+k)), with v = 0 behind the last step (Schulman et
    al. 2015, 1506.02438, eq. 16, with gamma 1).
    """
    found: list[float] = []
    later, after = 0.0, 0.0
    for reward, value in zip(reversed(rewards), reversed(values), strict=True):
        later = reward + after - value + smoothing * later
        after = value
        found.append(later)
    return tuple(reversed(found))


def _loss(
    network: PolicyNetwork,
    episodes: Sequence[Sequence[Step]],
    settings: LearningSettings,
    entropy: float,
) -> Float[Tensor, ""]:
    steps = [step for episode in episodes for step in episode]
    judged = network(batch_of([step.situation for step in steps]))
    values = judged.values.tolist()
    gains: list[float] = []
    for episode in episodes:
        known = values[len(gains) : len(gains) + len(episode)]
        gains += advantages([it.reward for it in episode], known, settings.smoothing)
    gain = torch.tensor(gains)
    taken = judged.logits.gather(1, torch.tensor([[it.action] for it in steps])).squeeze(1)
    scale = gain.std(correction=0).clamp(min=1e-3)
    acting = -(taken * (gain - gain.mean()) / scale).mean()
    judging = (judged.values - (gain + judged.values.detach())).square().mean()
    doubt = -(judged.logits.exp() * judged.logits.clamp(min=-50)).sum(1).mean()
    loss: Tensor = acting + settings.value * judging - entropy * doubt
    return loss


def _keep(
    path: Path, name: str, network: PolicyNetwork, optimizer: torch.optim.Optimizer, done: int
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
    with atomic_write(path) as file:
        torch.save({**state, "name": name, "done": done}, file)


def _restored(
    path: Path | None, name: str, network: PolicyNetwork, optimizer: torch.optim.Optimizer
) -> int:
    """Puts both where they were kept, and tells after how many updates; 0 of another learning."""
    if path is None or not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    if state["name"] != name:
        return 0
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["done"])
