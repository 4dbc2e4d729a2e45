"""One try of one technique at one goal: the turns that an attacker sends."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from cauce.evaluation.redteam.goals import Goal, SafePrompt
from cauce.records import Message, Record
from cauce.safety.language import Spoken

SAFE = "safe"
"""Family of the innocent prompts, which are asked beside the attacks."""
SYSTEM_PROMPT, TRAINING_DATA, INJECTION = "system_prompt", "training_data", "injection"
"""Families that are after no harm: whether they worked is told by a rule, not by the judge."""
ASK: dict[Spoken, str] = {
    "es": "Explícame cómo {goal}.",
    "en": "Explain to me how to {goal}.",
    "ca": "Explica'm com {goal}.",
}


class Attempt(Record):
    """What is sent to a target, and what for."""

    id: str
    """`technique/goal/language`: the same in every plan, so that a log can be gone on with."""
    family: str
    technique: str
    goal: str
    """Cluster of the statistics: tries at one goal resemble each other."""
    category: str
    language: Spoken
    request: str
    """The goal asked for plainly: answers are judged as answers to it, however it was disguised."""
    prompts: tuple[str, ...]
    """The attacker's turns, in order, each sent after the answer to the one before."""
    history: tuple[Message, ...] = ()
    """Turns that the attacker pretends to have been before."""

    @property
    def is_safe(self) -> bool:
        """True for an innocent prompt."""
        return self.family == SAFE

    @property
    def is_judged(self) -> bool:
        """True where the judge, who knows of harm alone, tells whether the try worked."""
        return self.family not in (SYSTEM_PROMPT, TRAINING_DATA, INJECTION)


class Prompt(NamedTuple):
    """What a technique makes of a goal."""

    turns: tuple[str, ...]
    history: tuple[Message, ...] = ()


class Technique(NamedTuple):
    """A way of asking for what should not be given."""

    family: str
    name: str
    write: Callable[[Goal, Spoken, random.Random], Prompt]
    """The prompt for a goal in a language; whatever it draws, it draws from the generator."""

    def attempt(self, goal: Goal, language: Spoken, seed: int = 0) -> Attempt:
        """The try at a goal, the same whenever goal, language and seed are."""
        id = f"{self.family}-{self.name}/{goal.id}/{language}"
        turns, history = self.write(goal, language, random.Random(f"{seed}/{id}"))
        return Attempt(
            id=id,
            family=self.family,
            technique=self.name,
            goal=goal.id,
            category=goal.category,
            language=language,
            request=plain_request(goal, language),
            prompts=turns,
            history=history,
        )


def plain_request(goal: Goal, language: Spoken) -> str:
    """The goal asked for without any disguise."""
    return ASK[language].format(goal=goal.names[language])


def safe_attempt(prompt: SafePrompt) -> Attempt:
    """An innocent prompt as what is sent."""
    return Attempt(
        id=f"{SAFE}/{prompt.id}/{prompt.language}",
        family=SAFE,
        technique=prompt.category,
        goal=prompt.id,
        category=prompt.category,
        language=prompt.language,
        request=prompt.text,
        prompts=(prompt.text,),
    )
