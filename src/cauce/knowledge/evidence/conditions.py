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
