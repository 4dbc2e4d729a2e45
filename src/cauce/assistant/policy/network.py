"""A CfC over the turns of a conversation, whose state moves on with the time between them.

The state follows from the turns alone, so that no conversation knows of another. What is told of
the reply is read beside it by two heads: what to do, and what the rest of it is worth.

Axes: b situations, t turns, d features of a turn, r features of a reply, n neurons, a actions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from pydantic import Field, ValidationError
from torch import Tensor, nn

from cauce.assistant.policy.actions import ACTIONS
from cauce.assistant.policy.choosing import Situation
from cauce.assistant.policy.features import REPLY, TURN
from cauce.errors import NotFound, UserError
from cauce.models.liquid import CfC
from cauce.records import Record
from cauce.runs import atomic_write, write_json

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

Cell = Literal["cfc", "gru"]
CARD, WEIGHTS = "policy.json", "policy.safetensors"
MOST_MINUTES = 30.0
"""Longer silences are told as this long."""
FORBIDDEN = -1e9
"""Logit of an action that is not allowed: its probability is 0 in fp32."""


class NetworkSettings(Record):
    """Size of a policy's network."""

    cell: Cell = "cfc"
    """`gru` is there to compare with."""
    units: int = Field(24, ge=1)
    backbone: int = Field(32, ge=1)
    """Width of the CfC's backbone."""


class Card(Record):
    """What a saved policy was made for."""

    network: NetworkSettings
    turn: tuple[str, ...] = TURN
    explore: float = Field(0.0, ge=0, le=1)
    """Share of turns in which an action is drawn from all that are allowed, so that feedback tells
    of those too."""
    reply: tuple[str, ...] = REPLY
    actions: tuple[str, ...] = ACTIONS


class Situations(NamedTuple):
    """Situations side by side, padded behind their last turn."""

    turns: Float[Tensor, "b t d"]
    minutes: Float[Tensor, "b t"]
    reply: Float[Tensor, "b r"]
    allowed: Bool[Tensor, "b a"]
    last: Int[Tensor, " b"]
    """The place of each one's last turn."""


class Judged(NamedTuple):
    """What a network makes of situations."""

    logits: Float[Tensor, "b a"]
    """Log-probabilities of the actions."""
    values: Float[Tensor, " b"]
    """The return that is expected from here."""


class PolicyNetwork(nn.Module):
    """From what is known of a conversation to what to do; satisfies `choosing.Policy`."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        units, inputs = settings.units, len(TURN)
        self.cell: nn.Module
        if settings.cell == "cfc":
            self.cell = CfC(inputs, units, backbone_units=settings.backbone)
        else:
            self.cell = nn.GRU(inputs + 1, units, batch_first=True)
        self.choice = nn.Linear(units + len(REPLY), len(ACTIONS))
        self.value = nn.Linear(units + len(REPLY), 1)

    def forward(self, batch: Situations) -> Judged:
        """What to do in each situation, and what it is worth."""
        states = self._states(batch)
        rows = torch.arange(len(states), device=states.device)
        known = torch.cat([states[rows, batch.last], batch.reply], 1)
        logits = self.choice(known).masked_fill(~batch.allowed, FORBIDDEN)
        return Judged(logits.log_softmax(1), self.value(known).squeeze(1))

    def _states(self, batch: Situations) -> Float[Tensor, "b t n"]:
        if isinstance(self.cell, CfC):
            states: Tensor = self.cell(batch.turns, timespans=batch.minutes)[0]
            return states
        minutes = batch.minutes.log1p()[..., None] / math.log1p(MOST_MINUTES)
        with_time: Tensor = self.cell(torch.cat([batch.turns, minutes], 2))[0]
        return with_time

    def probabilities(self, situation: Situation) -> tuple[float, ...]:
        """See `choosing.Policy`."""
        with torch.inference_mode():
            found = self(batch_of([situation])).logits[0].exp()
        return tuple(found.tolist())


def batch_of(situations: Sequence[Situation]) -> Situations:
    """The situations side by side."""
    longest = max(len(it.turns) for it in situations)
    nothing = (0.0,) * len(TURN)
    turns = [(*it.turns, *[nothing] * (longest - len(it.turns))) for it in situations]
    minutes = [
        (*(min(MOST_MINUTES, one) for one in it.minutes), *[0.0] * (longest - len(it.turns)))
        for it in situations
    ]
    return Situations(
        torch.tensor(turns),
        torch.tensor(minutes),
        torch.tensor([it.reply for it in situations]),
        torch.tensor([it.allowed for it in situations]),
        torch.tensor([len(it.turns) - 1 for it in situations]),
    )


class Served(NamedTuple):
    """A network that does what it finds best, and now and then something else that is allowed."""

    network: PolicyNetwork
    explore: float

    def probabilities(self, situation: Situation) -> tuple[float, ...]:
        """See `choosing.Policy`."""
        found = self.network.probabilities(situation)
        best, share = found.index(max(found)), self.explore / sum(situation.allowed)
        return tuple(
            share * is_allowed + (1 - self.explore) * (place == best)
            for place, is_allowed in enumerate(situation.allowed)
        )


def save_policy(folder: Path, network: PolicyNetwork, *, explore: float = 0.0) -> None:
    """Writes the network so that `load_policy`, and `assistant.policy` of a recipe, find it."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / WEIGHTS) as file:
        file.write(save({name: it.contiguous() for name, it in network.state_dict().items()}))
    write_json(
        folder / CARD, Card(network=network.settings, explore=explore).model_dump(mode="json")
    )


def load_policy(folder: Path) -> Served:
    """The policy in a folder; NotFound without one, UserError for one made for other features."""
    from safetensors.torch import load_file

    if not (folder / CARD).is_file():
        raise NotFound(
            f"{folder} holds no policy: there is no {CARD}.\n"
            "Make one as docs/how-to/policy.md says, or leave assistant.policy out."
        )
    try:
        card = Card.model_validate_json((folder / CARD).read_text("utf-8"))
    except ValidationError as error:
        raise UserError(f"{folder / CARD} is no policy's card.\nTrain the policy anew.") from error
    if card != Card(network=card.network, explore=card.explore):
        raise UserError(
            f"{folder} was trained on {len(card.turn)} features of a turn and "
            f"{len(card.reply)} of a reply that are not those of this version.\n"
            "Train it anew, or leave assistant.policy out."
        )
    network = PolicyNetwork(card.network)
    network.load_state_dict(load_file(folder / WEIGHTS))
    return Served(network.eval(), card.explore)
