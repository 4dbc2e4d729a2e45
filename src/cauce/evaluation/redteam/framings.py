"""Techniques that put a sentence round the goal: roles, prefixes, false authority, formats."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from cauce.evaluation.redteam.attempts import Prompt, Technique
from cauce.evaluation.redteam.goals import read_texts
from cauce.safety.language import Spoken


@functools.cache
def framings() -> dict[str, dict[str, dict[Spoken, str]]]:
    """The sentences by family, technique and language, with `{goal}` in each."""
    return read_texts("attacks.yaml")


def framed() -> tuple[Technique, ...]:
    """One technique a sentence."""
    return tuple(
        _technique(family, name, sentences)
        for family, techniques in framings().items()
        for name, sentences in techniques.items()
    )


def _technique(family: str, name: str, sentences: Mapping[Spoken, str]) -> Technique:
    return Technique(
        family,
        name,
        lambda goal, language, _: Prompt(
            (sentences[language].format(goal=goal.names[language]),),
        ),
    )
