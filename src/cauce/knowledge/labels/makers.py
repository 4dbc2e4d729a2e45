"""Where the labels of one substance say different things, not where they say one differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz import fuzz, process

from cauce.knowledge.claims.items import Item, Kind, items_of
from cauce.knowledge.claims.quantities import Quantity
from cauce.knowledge.labels.differences import LIKENESS, comparable, without_references
from cauce.knowledge.sentences import sentences
from cauce.records import Language

MATTERS: tuple[Kind, ...] = (
    "quantity",
    "frequency",
    "route",
    "population",
    "negation",
    "exception",
)
"""The kinds of items in which two labels must agree; their other words may differ."""
_NEGATES = ("not", "never", "without", "avoid", "contraindicated", "forbidden")

Key = tuple[Kind, object]


class MakerDifference(NamedTuple):
    """A sentence of another maker's label that says something else than the quoted one."""

    maker: str
    said: str
    """As that label prints it."""
    instead_of: str
    """The sentence of the quoted passage."""
    differs: tuple[Kind, ...]


class _Read(NamedTuple):
    text: str
    key: str
    facts: frozenset[Key]


def maker_differences(
    evidence_quote: str, others: Sequence[tuple[str, str]], language: Language | None = None
) -> list[MakerDifference]:
    """What the passages of other makers (maker, passage) say otherwise than the quoted one.

    A sentence is compared with the most alike of the other passage: amounts with their units,
    frequencies, routes, populations, negations and exceptions. Where no sentence is alike, the
    first with an amount is, if the two passages share none.

    >>> [difference.said for difference in maker_differences(
    ...     "Adults take 400 mg every 8 hours.",
    ...     [("A", "Adults take 0.4 g every 8 hours."), ("B", "Adults take 200 mg every 8 hours.")],
    ... )]
    ['Adults take 200 mg every 8 hours.']
    """
    ours = _read(evidence_quote, language)
    found: dict[str, MakerDifference] = {}
    for maker, passage in others:
        theirs = _read(passage, language)
        for difference in _compared(maker, ours, theirs):
            found.setdefault(comparable(difference.said), difference)
    return list(found.values())


def _read(text: str, language: Language | None) -> list[_Read]:
    said = [span.of(text) for span in sentences(text)]
    return [
        _Read(one, comparable(one), _facts(items_of(without_references(one), language)))
        for one in said
    ]


def _facts(items: Sequence[Item]) -> frozenset[Key]:
    """What of a sentence matters; of its negations only that there is one.

    "Up to 4 g" and "never exceed 4 g" are one: the amount, and that something is denied.
    """
    facts: set[Key] = set()
    denies = any(item.kind == "negation" and item.value in _NEGATES for item in items)
    for item in items:
        value = item.value
        limits = isinstance(value, Quantity) and (
            value.comparison == "<=" or (value.comparison == ">" and denies)
        )
        if isinstance(value, Quantity) and limits:
            facts |= {(item.kind, value._replace(comparison="")), ("negation", "not")}
        elif item.kind == "negation" and value in _NEGATES:
            facts.add(("negation", "not"))
        elif item.kind in MATTERS:
            facts.add(item.key)
    return frozenset(facts)


def _compared(maker: str, ours: Sequence[_Read], theirs: Sequence[_Read]) -> list[MakerDifference]:
    choices = dict(enumerate(one.key for one in theirs))
    compared: list[MakerDifference] = []
    are_alike = False
    for mine in ours:
        alike = process.extract(
            mine.key, choices, scorer=fuzz.ratio, score_cutoff=LIKENESS, limit=3
        )
        if not alike:
            continue
        are_alike = True
        nearest = [theirs[place] for *_, place in alike]
        if all(other.facts != mine.facts for other in nearest):
            compared.append(_difference(maker, mine, nearest[0]))
    return compared if are_alike else _unlike(maker, ours, theirs)


def _unlike(maker: str, ours: Sequence[_Read], theirs: Sequence[_Read]) -> list[MakerDifference]:
    """The first amounts of two passages that are worded apart and share no amount."""
    mine, other = (next(filter(_amounts, side), None) for side in (ours, theirs))
    if mine is None or other is None:
        return []
    shared = {key for one in ours for key in _amounts(one)} & {
        key for one in theirs for key in _amounts(one)
    }
    return [] if shared else [_difference(maker, mine, other)]


def _amounts(one: _Read) -> set[Key]:
    return {key for key in one.facts if key[0] == "quantity"}


def _difference(maker: str, mine: _Read, other: _Read) -> MakerDifference:
    kinds = {kind for kind, _ in mine.facts ^ other.facts}
    differs = tuple(kind for kind in MATTERS if kind in kinds)
    return MakerDifference(maker, other.text, mine.text, differs)
