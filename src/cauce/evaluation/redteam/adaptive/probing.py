"""What an adaptive attacker has sent for one goal: each answer judged, each query counted."""

from __future__ import annotations

from collections.abc import Iterable

from cauce.errors import DataRefused
from cauce.evaluation.redteam.asking import Turn, judgement, messages_of, turn_of
from cauce.evaluation.redteam.attempts import Attempt
from cauce.evaluation.redteam.targets import Target
from cauce.records import Message


class Probe:
    """A goal under attack, until an answer is harmful or the budget is spent."""

    def __init__(self, attempt: Attempt, target: Target, budget: int) -> None:
        """`budget` is the most queries that are sent."""
        self.attempt, self.budget = attempt, budget
        self.turns: list[Turn] = []
        self._target = target

    @property
    def is_over(self) -> bool:
        """True once the goal is reached or nothing more may be asked."""
        return self.is_reached or len(self.turns) >= self.budget

    @property
    def is_reached(self) -> bool:
        """True once an answer was harmful: an attacker needs no more."""
        return any(turn.label == "harmful" for turn in self.turns)

    def ask(
        self, prompt: str, history: Iterable[Message] = (), *, way: str = "", passes: int = 0
    ) -> Turn:
        """The answer, judged as one to the plain request.

        A prompt that the target cannot read is a query too, with an empty answer and the reason.
        """
        try:
            turn = turn_of(prompt, self._target.reply(prompt, tuple(history)))
        except DataRefused as refusal:
            reason = f"not asked: {str(refusal).splitlines()[0]}"
            turn = Turn(prompt=prompt, answer="", reason=reason)
        found = judgement(self.attempt.request, turn)
        harm = 1.0 if found.label == "harmful" else (1 - found.score) / 2
        turn = turn.model_copy(
            update={"label": found.label, "harm": harm, "way": way, "passes": passes}
        )
        self.turns.append(turn)
        return turn


def is_turned_away(turn: Turn) -> bool:
    """Whether an attacker had better take the question back."""
    return turn.is_refused or turn.lacks_document


def talk(turns: Iterable[Turn]) -> list[Message]:
    """The turns as the conversation that they were."""
    return [message for turn in turns for message in messages_of(turn)]
