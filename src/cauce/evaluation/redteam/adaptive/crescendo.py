"""From an innocent question to the goal, step by step, each resting on the answer before.

Crescendo (Russinovich et al. 2024, arXiv 2404.01833): a question that is turned away is taken back,
so that the target never sees that it refused, and is asked in other words. The steps are written;
the paper has a model write them.
"""

from __future__ import annotations

import functools

from cauce.evaluation.redteam.adaptive.probing import Probe, is_turned_away, talk
from cauce.evaluation.redteam.asking import Turn
from cauce.evaluation.redteam.attempts import Attempt
from cauce.evaluation.redteam.goals import goal_named, read_texts
from cauce.evaluation.redteam.targets import Target
from cauce.safety.language import Spoken


class Crescendo:
    """A `Play` of written steps, at most `budget` queries."""

    def __init__(self, budget: int) -> None:
        self._budget = budget

    def __call__(self, attempt: Attempt, target: Target) -> list[Turn]:
        """The turns sent, those taken back among them."""
        probe = Probe(attempt, target, self._budget)
        goal = goal_named(attempt.goal).names[attempt.language]
        kept: list[Turn] = []
        for number, wordings in enumerate(crescendo_steps()[attempt.language], 1):
            for wording, text in enumerate(wordings, 1):
                if probe.is_over:
                    return probe.turns
                way = f"step {number}, wording {wording}"
                turn = probe.ask(text.format(goal=goal), talk(kept), way=way)
                if not is_turned_away(turn):
                    kept.append(turn)
                    break
        return probe.turns


@functools.cache
def crescendo_steps() -> dict[Spoken, list[list[str]]]:
    """By language the steps, and of each the wordings that are tried, with `{goal}` in them."""
    return {
        language: [step[language] for step in read_texts("crescendo.yaml")["steps"]]
        for language in ("es", "en", "ca")
    }
