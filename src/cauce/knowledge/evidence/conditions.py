"""What a question is about besides its section: a patient's state, a habit, a moment of treatment.

A condition is known by the words of lay questions and, apart from them, by the words in which
medicines' texts speak of it, in Spanish and English.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cauce.knowledge.evidence.condition_words import CONDITIONS
from cauce.knowledge.evidence.passages import flat
from cauce.knowledge.words import fold
from cauce.records import Language

_MENTIONED_IN = ("side_effects", "composition", "mechanism")
"""Kinds whose sections list: that a thing stands there is the answer."""


class Condition(NamedTuple):
    """A patient's state or a circumstance, and how to tell that a text speaks of it."""

    key: str
    names: dict[Language, str]
    asked: re.Pattern[str]
    """Finds it in a folded question."""
    told: re.Pattern[str]
    """Finds the places of a flat text that speak of it."""
    kinds: tuple[str, ...]
    """Kinds of section that speak of it, the likeliest first."""
    state: re.Pattern[str]
    """Finds the places that speak of a patient in whom it is so, and of nothing else."""

    @property
    def calls_for_action(self) -> bool:
        """True when a text answers by saying what to do, and not by the mention alone."""
        return self.kinds[0] not in _MENTIONED_IN

    def __hash__(self) -> int:
        return hash(self.key)

    def stands_in(self, text: str) -> bool:
        """True when the text speaks of it.

        >>> renal = conditions_of("Is it safe for my kidneys?")[0]
        >>> renal.stands_in("Reduce the dose if CrCl < 30 mL/min."), renal.stands_in("Take daily.")
        (True, False)
        """
        return bool(self.told.search(flat(text)))


def _conditions() -> tuple[Condition, ...]:
    return tuple(
        Condition(
            key=item.key,
            names={"en": item.english, "es": item.spanish},
            asked=re.compile(rf"\b(?:{item.asked})"),
            told=re.compile(rf"\b(?:{item.told})"),
            kinds=tuple(item.kinds.split()),
            state=re.compile(rf"\b(?:{item.state or item.told})"),
        )
        for item in CONDITIONS
    )


_ALL = _conditions()


def conditions_of(question: str) -> list[Condition]:
    """The conditions that the question speaks of, in the order in which it names them.

    >>> [found.names["es"] for found in conditions_of("Dosis en niños con insuficiencia renal")]
    ['los niños', 'la insuficiencia renal']
    """
    folded = fold(question)
    places = ((condition, condition.asked.search(folded)) for condition in _ALL)
    found = [(match.start(), condition) for condition, match in places if match]
    return [condition for _, condition in sorted(found, key=lambda item: item[0])]
