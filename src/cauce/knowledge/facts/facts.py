"""What a section says that a patient must not lose: typed facts, each with its span.

Extraction is conservative: every statement is a fact, save cross-references, notes on where to
read more, and what another statement of the section says in the same words. What is understood of
a statement (amounts, routes, conditions, partners) is read into its fields; the rest stays in its
words. `is_safety` marks what holds a number with a unit, a negation, a warning or a medicine.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from cauce.knowledge.claims.checks import MedicinesOf
from cauce.knowledge.claims.numbers import numbers_in
from cauce.knowledge.facts.items import Item, items_of
from cauce.knowledge.facts.patterns import (
    ACTION,
    ADJUSTMENT,
    AMOUNT,
    CLASS,
    ELSEWHERE,
    FOOD,
    FREQUENCY,
    MAXIMUM,
    NEGATIONS,
    POPULATION,
    REFERENCE,
    ROUTE,
    WARNING,
)
from cauce.knowledge.words import fold, words
from cauce.records import Language, Span

FactKind = Literal[
    "heading",
    "boxed_warning",
    "contraindication",
    "dose",
    "interaction",
    "statement",
]
_KIND_OF_SECTION: dict[str, FactKind] = {
    "boxed_warning": "boxed_warning",
    "contraindications": "contraindication",
    "dose": "dose",
    "interactions": "interaction",
}

_NUMBERING = re.compile(r"^\d{1,2}(?:\.\d{1,2})+\.?\s+(?=[A-ZÁÉÍÓÚÑ¿])")


class Dose(NamedTuple):
    """What a statement on doses tells, each in the section's own characters."""

    amounts: tuple[str, ...]
    frequencies: tuple[str, ...]
    routes: tuple[str, ...]
    populations: tuple[str, ...]
    maxima: tuple[str, ...]
    adjustments: tuple[str, ...]


class Interaction(NamedTuple):
    """With what a medicine interacts, and what is to be done."""

    medicines: tuple[str, ...]
    """Substances, as the names' resolver calls them."""
    classes: tuple[str, ...]
    foods: tuple[str, ...]
    actions: tuple[str, ...]


class Fact(NamedTuple):
    """One statement of a section."""

    kind: FactKind
    span: Span
    text: str
    """The statement without cross-references, on one line."""
    is_item: bool
    """True for an item of a list."""
    is_safety: bool
    fields: Dose | Interaction | None = None


def facts_of(kind: str, text: str, language: Language, *, medicines_of: MedicinesOf) -> list[Fact]:
    """The facts of a section of that kind, in order, each once; `boxed_warning` is a kind here.

    >>> text = "Adults take 5 to 10 mg twice a day. [see Use (1)]"
    >>> facts = facts_of("dose", text, "en", medicines_of=lambda said: set())
    >>> facts[0].fields.amounts, facts[0].fields.frequencies, facts[0].fields.populations
    (('5 to 10 mg',), ('twice a day',), ('Adults',))
    """
    facts = [
        _fact(kind, item, said, medicines_of)
        for item in items_of(text)
        if not ELSEWHERE.match(said := said_in(item.span.of(text)))
    ]
    return _without_empty_headings(_without_repeats(facts, language))


def said_in(text: str) -> str:
    """`text` on one line, without pointers to other sections.

    >>> said_in("Avoid it ( 5.1 , 7 ) [see Warnings (5.1)] .")
    'Avoid it.'
    """
    line = " ".join(REFERENCE.sub("", " ".join(text.split())).split())
    return re.sub(r"\s+([.,;:)])", r"\1", line)


def negations(text: str) -> int:
    """How many words of `text` negate, forbid or restrict."""
    return sum(word in NEGATIONS for word in words(text))


def _fact(section: str, item: Item, said: str, medicines_of: MedicinesOf) -> Fact:
    kind = "heading" if item.role == "heading" else _KIND_OF_SECTION.get(section, "statement")
    said = _NUMBERING.sub("", said)
    is_safety = kind not in ("heading", "statement") or bool(
        AMOUNT.search(said) or negations(said) or WARNING.search(said) or medicines_of(said)
    )
    fields: Dose | Interaction | None = None
    if kind == "dose":
        fields = Dose(*(_found(p, said) for p in _DOSE_PATTERNS))
    elif kind == "interaction":
        fields = Interaction(
            tuple(sorted(medicines_of(said))), *(_found(p, said) for p in (CLASS, FOOD, ACTION))
        )
    return Fact(kind, item.span, said, item.role == "bullet", is_safety, fields)


_DOSE_PATTERNS = (AMOUNT, FREQUENCY, ROUTE, POPULATION, MAXIMUM, ADJUSTMENT)


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match.group().strip() for match in pattern.finditer(text)))


SHORTEST_ALONE_WORDS = 6
"""A boxed warning of fewer words ("Withhold it.") leans on the sentence before it."""
_PASSED_OVER = frozenset("a an the of in to is are el la los las de del un una en es".split())  # noqa: SIM905
"""Words that two tellings of one statement may differ in."""


class _Said(NamedTuple):
    """What makes two statements the same."""

    numbers: tuple[str, ...]
    negations: int
    content: tuple[str, ...]


def _without_repeats(facts: Sequence[Fact], language: Language) -> list[Fact]:
    """Facts without those whose words stand in the same order in another one.

    Labels print their highlights before the text and their boxed warning twice. The numbers and
    negations must be the same, and the other not longer than three times. A statement that leans
    on the one before it is dropped only where both were said before.
    """
    said = [_said(fact, language) for fact in facts]
    alike: dict[tuple[tuple[str, ...], int], list[int]] = defaultdict(list)
    for place, key in enumerate(said):
        if facts[place].kind != "heading":
            alike[key.numbers, key.negations].append(place)
    pairs: set[tuple[_Said, _Said]] = set()
    kept: list[Fact] = []
    for place, fact in enumerate(facts):
        pair = (said[place - 1], said[place]) if place else None
        others = alike[said[place].numbers, said[place].negations]
        if _stands_alone(fact):
            is_repeat = any(_repeats(said, place, other) for other in others)
        else:
            is_repeat = fact.kind != "heading" and pair in pairs
        if pair:
            pairs.add(pair)
        if not is_repeat:
            kept.append(fact)
    return kept


def _stands_alone(fact: Fact) -> bool:
    """False for what means another thing under another heading, and must not be merged.

    "Take 20 mg" is said of adults and then of children, "avoid it" of one medicine and of another.
    """
    if isinstance(fact.fields, Dose):
        return bool(fact.fields.populations and fact.fields.amounts)
    if isinstance(fact.fields, Interaction):
        return bool(fact.fields[:3] != ((), (), ()) and fact.fields.actions)
    if fact.kind == "boxed_warning" and len(fact.text.split()) < SHORTEST_ALONE_WORDS:
        return False
    return fact.kind in ("boxed_warning", "contraindication") and not fact.text.endswith(":")


def _said(fact: Fact, language: Language) -> _Said:
    return _Said(
        tuple(sorted(numbers_in(fact.text, language))),
        negations(fact.text),
        tuple(word for word in words(fact.text) if word not in _PASSED_OVER),
    )


def _repeats(said: Sequence[_Said], place: int, other: int) -> bool:
    mine, theirs = said[place].content, said[other].content
    if place == other or not mine or len(theirs) > 3 * len(mine):
        return False
    if mine == theirs:
        return other < place
    remaining = iter(theirs)
    return len(theirs) > len(mine) and all(word in remaining for word in mine)


def _without_empty_headings(facts: Sequence[Fact]) -> list[Fact]:
    """Facts without headings that nothing follows and that say nothing of themselves."""
    following = [*facts[1:], None]
    return [
        fact
        for fact, after in zip(facts, following, strict=True)
        if fact.kind != "heading"
        or fact.is_safety
        or (after is not None and after.kind != "heading")
        or not fold(fact.text)
    ]
