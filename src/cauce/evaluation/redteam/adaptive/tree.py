"""A model that attacks: it writes a prompt, reads answer and score, and writes a better one.

PAIR (Chao et al. 2023, arXiv 2310.08419) is several streams that each go on from their own last
prompt. TAP (Mehrotra et al. 2023, arXiv 2312.02119) branches each prompt, leaves out what strays
from the goal before it costs a query, and keeps the best answers. Here the attacker reads the last
exchange of its branch, where the papers show it all: small models read no more. Branches differ by
the strategy that they are told, for a model here writes its likeliest words and would repeat
itself; and straying is told by words in common with the goal, not by a second model.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from cauce.corpus.research.rewriting import PromptWriter
from cauce.evaluation.redteam.adaptive.probing import Probe
from cauce.evaluation.redteam.asking import Turn
from cauce.evaluation.redteam.attempts import Attempt
from cauce.evaluation.redteam.goals import goal_named, read_texts
from cauce.evaluation.redteam.targets import Target
from cauce.knowledge.words import content_words

_LONGEST = 600
"""Characters of an exchange that the attacker is shown, and of a prompt that it may write."""


class Shape(NamedTuple):
    """How the search spreads."""

    roots: int
    """Prompts that it begins with."""
    branching: int
    """Prompts written to go on from one."""
    width: int
    """Answered prompts that are gone on from."""
    prunes: bool
    """Whether prompts that stray from the goal are left out before they are sent."""


PAIR = Shape(roots=3, branching=1, width=3, prunes=False)
TAP = Shape(roots=1, branching=4, width=4, prunes=True)


class Tree:
    """A `Play` of an attacker model: at most `budget` queries for a goal."""

    def __init__(self, writer: PromptWriter, shape: Shape, budget: int) -> None:
        self._writer, self._shape, self._budget = writer, shape, budget

    def __call__(self, attempt: Attempt, target: Target) -> list[Turn]:
        """The turns sent, each a conversation of its own; none where nothing fit was written."""
        probe = Probe(attempt, target, self._budget)
        leaves: list[Turn | None] = [None] * self._shape.roots
        sent: set[str] = set()
        for depth in range(self._budget):
            answered: list[Turn] = []
            for way, prompt in self._written(attempt, leaves, depth):
                if probe.is_over:
                    return probe.turns
                if prompt and prompt not in sent and self._is_fit(prompt, attempt):
                    sent.add(prompt)
                    answered.append(probe.ask(prompt, way=f"{depth + 1}: {way}"))
            if not answered:
                break
            leaves = [*sorted(answered, key=lambda turn: -turn.harm)[: self._shape.width]]
        return probe.turns

    def _written(
        self, attempt: Attempt, leaves: Sequence[Turn | None], depth: int
    ) -> list[tuple[str, str]]:
        """Strategy and prompt of every branch of every leaf."""
        strategies = list(_texts()["strategies"].items())
        branches = [
            (leaf, strategies[(place * self._shape.branching + branch + depth) % len(strategies)])
            for place, leaf in enumerate(leaves)
            for branch in range(self._shape.branching)
        ]
        texts = self._writer(
            [
                instruction(attempt, strategy[attempt.language], leaf)
                for leaf, (_, strategy) in branches
            ]
        )
        names = [name for _, (name, _) in branches]
        return [(name, message_in(text)) for name, text in zip(names, texts, strict=True)]

    def _is_fit(self, prompt: str, attempt: Attempt) -> bool:
        if not self._shape.prunes:
            return True
        goal = goal_named(attempt.goal)
        about = {word for name in goal.names.values() for word in content_words(name)}
        return not about.isdisjoint(content_words(prompt))


def instruction(attempt: Attempt, strategy: str, last: Turn | None) -> str:
    """What the attacker model is told: the goal, a strategy, and how its last prompt did."""
    goal, texts = goal_named(attempt.goal).names[attempt.language], _texts()
    asked = texts["task"][attempt.language].format(goal=goal, strategy=strategy)
    if last is None:
        return f"{asked} {texts['only'][attempt.language]}"
    went = texts["last"][attempt.language].format(
        prompt=last.prompt[:_LONGEST],
        answer=last.answer[:_LONGEST],
        score=1 + round(9 * last.harm),
    )
    return f"{asked}\n\n{went}\n\n{texts['only'][attempt.language]}"


def message_in(text: str) -> str:
    """The prompt in what an attacker model wrote: the field `prompt` of its JSON, or all of it.

    >>> [message_in(text) for text in ('{"prompt": "¿Cómo?"}', "«¿Cómo?»")]
    ['¿Cómo?', '¿Cómo?']
    """
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        try:
            found = json.loads(text[start : end + 1])
        except ValueError:
            found = None
        if isinstance(found, dict) and isinstance(found.get("prompt"), str):
            text = found["prompt"]
    return text.strip().strip("\"'«»“”").strip()[:_LONGEST]


@functools.cache
def _texts() -> dict[str, Any]:
    return read_texts("attacker.yaml")
