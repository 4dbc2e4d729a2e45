"""What chooses: a policy gives each allowed action a probability; thresholds are one too."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from pydantic import Field

from cauce.assistant.policy.actions import ACTIONS, Action
from cauce.assistant.policy.features import REPLY, TURN
from cauce.records import Record


class Situation(NamedTuple):
    """All that a policy knows when it chooses, as `cauce.records.Decision` has it."""

    turns: tuple[tuple[float, ...], ...]
    minutes: tuple[float, ...]
    reply: tuple[float, ...]
    allowed: tuple[bool, ...]

    def turn(self, feature: str) -> float:
        """What is told under that name of the last turn."""
        return self.turns[-1][TURN.index(feature)]


class Policy(Protocol):
    """Chooses among the actions that a situation allows."""

    def probabilities(self, situation: Situation) -> tuple[float, ...]:
        """Of each of `ACTIONS`: they sum to one, and are 0 where an action is not allowed."""
        ...


class Rules(Record):
    """Thresholds on what the policy is told: the first rule that holds and is allowed decides."""

    escalate_from: float = Field(2.0, ge=0)
    """Highest concern of the conversation, 0 to 1, from which a professional is told; 2: never."""
    ask_from: float = Field(2.0, ge=0)
    """The same from which is asked what the matter is."""
    unsure_below: float = Field(0.0, ge=0)
    """Confidence below which is asked what is meant."""
    typos: int = Field(3, ge=1)
    """Wrong letters in a name from which is asked whether it is meant; 3: never."""
    sources: Literal["never", "asked", "always"] = "never"
    """When the source is shown: to who asks for it, or in the place of every answer."""
    unknown: bool = False
    """Whether a professional is told of where a medicine has no document."""

    def probabilities(self, situation: Situation) -> tuple[float, ...]:
        """1 for what the rules choose."""
        wished = (*self._wishes(situation), "answer", "ask_back")
        chosen = next(it for it in wished if situation.allowed[ACTIONS.index(it)])
        return tuple(float(action == chosen) for action in ACTIONS)

    def _wishes(self, situation: Situation) -> tuple[Action, ...]:
        concern = situation.turn("highest_concern") ** 2
        unsure = situation.reply[REPLY.index("confidence")] < self.unsure_below
        misspelled = round(2 * situation.turn("misspelled")) >= self.typos
        rules: tuple[tuple[bool, Action], ...] = (
            (concern >= self.escalate_from, "escalate"),
            (self.unknown and situation.turn("unknown") > 0, "escalate"),
            (concern >= self.ask_from, "ask_back"),
            (self.sources != "never" and situation.turn("wants_source") > 0, "show_source"),
            (unsure or misspelled, "ask_back"),
            (self.sources == "always", "show_source"),
        )
        return tuple(action for holds, action in rules if holds)
