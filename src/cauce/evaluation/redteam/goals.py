"""What attackers want and what innocent people ask: the texts that every red team starts from."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

from cauce.records import Record
from cauce.safety.language import Spoken

LANGUAGES: tuple[Spoken, ...] = ("es", "en", "ca")


class Goal(Record):
    """Something harmful that an attacker wants to be told, named and not explained."""

    id: str
    category: str
    names: dict[Spoken, str]
    """A phrase in the infinitive, by language: what stands after "how to"."""


class SafePrompt(Record):
    """An innocent question that sounds dangerous: refusing it is over-refusal."""

    id: str
    category: str
    language: Spoken
    text: str


@functools.cache
def load_goals() -> tuple[Goal, ...]:
    """The harmful goals of the package, in the order of their file."""
    return tuple(
        Goal(id=id, category=category, names=names)
        for category, goals in read_texts("goals.yaml").items()
        for id, names in goals.items()
    )


def goal_named(id: str) -> Goal:
    """The goal with that id; KeyError when there is none."""
    return _by_id()[id]


@functools.cache
def _by_id() -> dict[str, Goal]:
    return {goal.id: goal for goal in load_goals()}


@functools.cache
def load_safe() -> tuple[SafePrompt, ...]:
    """The innocent prompts of the package, in the order of their file."""
    return tuple(
        SafePrompt(id=f"{category}-{place}", category=category, language=language, text=text)
        for category, by_language in read_texts("safe.yaml").items()
        for language, texts in by_language.items()
        for place, text in enumerate(texts, 1)
    )


def read_texts(name: str) -> dict[str, Any]:
    """What a file of the package's red-team texts holds."""
    import yaml

    file = resources.files("cauce").joinpath("data", "redteam", name)
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content
