"""What stands in a turn: signs of danger and of its absence, found by phrases a clinician can read.

The phrases stand in `data/emergencies/signs.yaml`, which says how they are written.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from typing import NamedTuple

import yaml

from cauce.safety.triage.wording import plain, sounded, spelt

_GAP = r"(?: [^ .]+){0,5}"


class Signs(NamedTuple):
    """The table of phrases, compiled."""

    patterns: dict[str, re.Pattern[str]]
    certain: dict[str, tuple[frozenset[str], ...]]
    """For each kind, the sets of signs that leave no doubt."""
    unless: frozenset[str]
    """Signs that leave doubt after all."""


def signs_in(text: str) -> frozenset[str]:
    """Names of the signs that stand in `text`; `asks` where it holds a question mark."""
    heard = f" {plain(text)} "
    found = [name for name, pattern in _signs().patterns.items() if pattern.search(heard)]
    return frozenset([*found, *(["asks"] if "?" in text else [])])


def certain_kind(found: frozenset[str]) -> str | None:
    """The kind of emergency that these signs leave no doubt about, the one with most of them."""
    table = _signs()
    if found & table.unless:
        return None
    met = [
        (len(needed), kind)
        for kind, lines in table.certain.items()
        for needed in lines
        if needed <= found
    ]
    return max(met, default=(0, None), key=lambda one: one[0])[1]


@functools.cache
def _signs() -> Signs:
    path = importlib.resources.files("cauce") / "data/emergencies/signs.yaml"
    table = yaml.safe_load(path.read_text("utf-8"))
    return Signs(
        {name: _compiled(phrases) for name, phrases in table["signs"].items()},
        {kind: tuple(map(frozenset, lines)) for kind, lines in table["certain"].items()},
        frozenset(table["unless"]),
    )


def _compiled(phrases: list[object]) -> re.Pattern[str]:
    return re.compile("|".join(dict.fromkeys(_phrase(str(phrase)) for phrase in phrases)))


def _phrase(phrase: str) -> str:
    """A pattern over what `plain` gives, with a space before and behind."""
    return "".join(map(_word, phrase.split())) + "(?= )"


def _word(word: str) -> str:
    if word == "~":
        return _GAP
    if word == "_":
        return r" [^ .]+"
    return f" (?:{'|'.join(_alternative(choice) for choice in word.split('/'))})"


def _alternative(choice: str) -> str:
    heard = sounded(spelt(choice.rstrip("*").replace("_", " ")))
    return re.escape(heard) + (r"[^ .]*" if choice.endswith("*") else "")
