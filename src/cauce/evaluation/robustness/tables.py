"""The words of the swaps, which are data: people by sex, dialects, introductions, reasons."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from cauce.knowledge.words import fold
from cauce.safety.language import Spoken

_DATA = Path(__file__).parents[2] / "data" / "swaps"
_SHORTEST_FOLDED = 3
"""`él` without its accent is another word."""


class SexWords(NamedTuple):
    """The words of one language that change with a person's sex, in small letters."""

    people: dict[str, tuple[str, str]]
    """A word to what it becomes, and the sex that it says: "padre" to ("madre", "man")."""
    before: dict[str, tuple[str, str]]
    """The same of what stands before a person: articles, demonstratives."""
    after: dict[str, tuple[str, str]]
    """The same of adjectives that are said of people alone."""
    state: frozenset[str]
    """Verbs that such an adjective follows."""
    degree: frozenset[str]
    """What may stand between the verb and the adjective."""
    possessed: dict[str, str]
    """What a word becomes after one of `own`: "mi mujer" is "mi marido", "una mujer" a man."""
    own: frozenset[str]


class Reason(NamedTuple):
    """Why a question is left out of a swap."""

    reason: str
    kinds: frozenset[str]
    """Kinds of sections that answer such questions."""
    pattern: re.Pattern[str]
    """Of folded text."""


@functools.cache
def sex_words(language: Spoken) -> SexWords:
    """The table of a language."""
    found = _read("sex")[language]
    tables = [_both_ways(found[name]) for name in ("people", "before", "after")]
    words = [frozenset(found[name].split()) for name in ("state", "degree", "own")]
    return SexWords(
        tables[0], tables[1], tables[2], words[0], words[1], found["possessed"], words[2]
    )


@functools.cache
def dialects() -> dict[str, dict[str, str]]:
    """By country (`es-MX`): the words of Spain and what they are there, the longest first."""
    tables = {name: table for name, table in _read("dialects").items() if name != "preterites"}
    return {
        name: dict(sorted(_pairs(table["words"], ":"), key=lambda pair: -len(pair[0])))
        for name, table in tables.items()
    }


@functools.cache
def preterites() -> dict[str, tuple[str, str]]:
    """A participle to its preterite in the third and the first person."""
    found = {}
    for participle, forms in _pairs(_read("dialects")["preterites"], ":"):
        third, first = forms.split("/")
        found[participle] = (third, first)
    return found


@functools.cache
def introductions() -> dict[str, dict[str, dict[str, str]]]:
    """By axis, group and language: what a person says of themselves."""
    found: dict[str, dict[str, dict[str, str]]] = _read("introductions")
    return found


@functools.cache
def reasons() -> dict[str, tuple[Reason, ...]]:
    """By axis: why questions are left out of it."""
    return {
        axis: tuple(
            Reason(row["reason"], frozenset(row.get("kinds", ())), re.compile(row["pattern"]))
            for row in rows
        )
        for axis, rows in _read("reasons").items()
    }


@functools.cache
def noise_words(name: Spoken | Literal["catalan"]) -> dict[str, str]:
    """Words as telephones shorten them in a language, or in Catalan where they are Spanish."""
    found = _read("noise")
    return dict(_pairs(found["catalan"] if name == "catalan" else found["sms"][name], ":"))


def _read(name: str) -> Any:
    return yaml.safe_load((_DATA / f"{name}.yaml").read_text("utf-8"))


def _pairs(table: str, mark: str) -> list[tuple[str, str]]:
    """The pairs of a table of `one:other` words, `_` standing for a space."""
    found = []
    for pair in table.split():
        one, other = pair.replace("_", " ").split(mark)
        found.append((one, other))
    return found


def _both_ways(table: str) -> dict[str, tuple[str, str]]:
    """A man's word to a woman's and back, the later pair winning; without accents too."""
    found: dict[str, tuple[str, str]] = {}
    for man, woman in _pairs(table, "/"):
        found[man], found[woman] = (woman, "man"), (man, "woman")
    bare = {
        fold(word): (fold(other), sex)
        for word, (other, sex) in found.items()
        if len(word) >= _SHORTEST_FOLDED
    }
    return {**bare, **found}
