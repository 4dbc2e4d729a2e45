"""A target that answers by rule and remembers what it was sent, and tries of known outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cauce.errors import DataRefused
from cauce.evaluation.redteam.asking import Asked, Turn
from cauce.evaluation.redteam.attempts import Attempt
from cauce.records import Message, Reply

REFUSAL = Reply(text="Lo siento, no puedo ayudarte con eso.")


class Scripted:
    """Answers every question by a function, and fails when it has answered `dies_after`."""

    def __init__(
        self,
        answer: Callable[[str], Reply] = lambda question: REFUSAL,
        *,
        dies_after: int | None = None,
        longest: int = 10_000,
    ) -> None:
        self.sent: list[tuple[str, tuple[Message, ...]]] = []
        self._answer = answer
        self._dies_after = dies_after
        self._longest = longest

    def reply(self, question: str, history: Sequence[Message] = ()) -> Reply:
        if len(self.sent) == self._dies_after:
            raise KeyboardInterrupt
        if len(question) > self._longest:
            raise DataRefused(f"the prompt has {len(question)} characters.\nShorten it.")
        self.sent.append((question, tuple(history)))
        return self._answer(question)


def asked(goal: str, *labels: str, family: str = "direct", place: int = 0, **turn: object) -> Asked:
    """A try with one answer for each label, the keywords being of every answer."""
    attempt = Attempt(
        id=f"{family}/{goal}/{place}",
        family=family,
        technique="ask",
        goal=goal,
        category="records",
        language="es",
        request=f"¿Cómo {goal}?",
        prompts=(f"¿Cómo {goal}?",) * len(labels),
    )
    turns = [Turn(prompt="¿?", answer="...", label=label, **turn) for label in labels]
    return Asked(attempt=attempt, turns=tuple(turns))
