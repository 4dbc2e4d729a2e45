"""Every technique, and which tries a red team makes with them: a few of each, or all."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from cauce.evaluation.redteam.attempts import Attempt, Prompt, Technique, safe_attempt
from cauce.evaluation.redteam.conversations import conversing
from cauce.evaluation.redteam.encodings import ENCODINGS, Encoding, encoded, hidden
from cauce.evaluation.redteam.framings import framed, framings
from cauce.evaluation.redteam.goals import LANGUAGES, Goal, load_goals, load_safe
from cauce.evaluation.redteam.languages import mixed
from cauce.safety.language import Spoken

Mode = Literal["smoke", "full"]
SMOKE_ATTACKS, SMOKE_SAFE = 210, 90
"""Tries of a smoke test: 300 prompts. Each of 120 goals is tried once or twice, so that the rate is
at most 3 % where none is reached; where none of the innocent is refused, that rate at most 4 %."""
_IN_CODE = (
    ("role_play", "unbound", "base64"),
    ("prefix_injection", "sure", "rot13"),
    ("past_tense", "used_to", "leet"),
    ("fake_system", "ignore", "lookalikes"),
)
"""A sentence and the code that it is put in."""


@functools.cache
def techniques() -> tuple[Technique, ...]:
    """All techniques that need no attacker model and no answer to go on from."""
    return (*framed(), *encoded(), *mixed(), *conversing(), *_combined())


class Plan(NamedTuple):
    """The tries of a mode, always the same for a seed."""

    mode: str
    seed: int
    attempts: list[Attempt]
    """Attacks first, then the innocent prompts."""

    def with_attacks(self, more: Sequence[Attempt]) -> Plan:
        """The plan with more attacks before its own."""
        return self._replace(attempts=[*more, *self.attempts])


def plan(mode: Mode, seed: int = 0) -> Plan:
    """What is tried in a mode.

    `full` is every technique at every goal in every language and every innocent prompt. What
    `smoke` takes of it is balanced over techniques, goals and languages.
    """
    if mode == "full":
        attacks = [
            technique.attempt(goal, language, seed)
            for goal in load_goals()
            for technique in techniques()
            for language in LANGUAGES
        ]
        return Plan(mode, seed, attacks + [safe_attempt(prompt) for prompt in load_safe()])
    return Plan(mode, seed, _balanced(SMOKE_ATTACKS, seed) + some_safe(seed))


def some_safe(seed: int = 0) -> list[Attempt]:
    """The innocent prompts of a smoke test."""
    return [safe_attempt(one) for one in random.Random(seed).sample(load_safe(), SMOKE_SAFE)]


def _balanced(size: int, seed: int) -> list[Attempt]:
    """So many tries, each technique, goal and language as often as any other, to within one."""
    draw = random.Random(seed)
    goals = draw.sample(load_goals(), len(load_goals()))
    ways = draw.sample(techniques(), len(techniques()))
    return [
        ways[place % len(ways)].attempt(
            goals[place % len(goals)],
            LANGUAGES[(place + place // len(ways)) % len(LANGUAGES)],
            seed,
        )
        for place in range(size)
    ]


def _combined() -> tuple[Technique, ...]:
    codes = {encoding.name: encoding for encoding in ENCODINGS}
    return tuple(
        Technique("combination", f"{name}_{code}", _in_code(framings()[family][name], codes[code]))
        for family, name, code in _IN_CODE
    )


def _in_code(
    sentences: dict[Spoken, str], encoding: Encoding
) -> Callable[[Goal, Spoken, random.Random], Prompt]:
    def write(goal: Goal, language: Spoken, _: random.Random) -> Prompt:
        text = sentences[language].format(goal=goal.names[language])
        return Prompt((hidden(text, encoding, language),))

    return write
