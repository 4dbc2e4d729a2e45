"""Which kind of section a question asks for, in the words of patients and professionals.

A price, a shop or a brand is known by its cues, and so is an enumeration of kinds; everything else
is decided by what `cauce.assistant.router` has learnt, in which the cues take part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cauce.assistant.cues import CUES, NAMED, NO_SECTION
from cauce.assistant.router import blanked, probabilities
from cauce.knowledge.evidence.conditions import Condition as Condition
from cauce.knowledge.evidence.conditions import conditions_of as conditions_of
from cauce.knowledge.words import fold

_PATTERNS = tuple((kind, re.compile(rf"\b(?:{cues})")) for kind, cues in CUES)
_NAMED = {kind: re.compile(rf"\b(?:{cues})") for kind, cues in NAMED.items()}
_NO_SECTION = re.compile(rf"\b(?:{NO_SECTION})")
_PARTS = re.compile(r"[,;.?!/&+]|\b(?:y|e|o|u|and|or|also|plus|ademas|tambien|as well as)\b")
_FOLLOWS = re.compile(
    r"\W*(?:y|and|pero|but|what about|how about|que tal|also|tambien|entonces|then|e|i)\b"
)
_STATES = ("children", "elderly", "contraindications", "warnings")
"""Kinds to which a patient's state alone leads; in a follow-up, the turn before tells the kind."""
_OF_ANY_PATIENT = ("dose", "side_effects", "interactions", "use")
"""Kinds that a follow-up can ask for another patient: "and for children?"."""


class Turn(NamedTuple):
    """What a turn of a conversation asks, with what it takes from the turns before it."""

    text: str
    """The words to look for in the sections."""
    kinds: tuple[str, ...]


def kinds_of(question: str, named: Sequence[str] = ()) -> list[str]:
    """Kinds of section that the question asks for; empty when it asks for none or tells none.

    One, the most likely; several, in the order of the question, when it names several outright.
    `named` are the words that name its medicines: they tell no kind.

    >>> kinds_of("¿Puedo conducir si tomo ibuprofeno?"), kinds_of("Is it safe while pregnant?")
    (['driving'], ['pregnancy'])
    >>> kinds_of("dosis y efectos secundarios del ibuprofeno")
    ['dose', 'side_effects']
    >>> kinds_of("Does Oral Contraceptives need a fridge?", ["oral contraceptives"])
    ['storage']
    """
    folded = blanked(question, named)
    if _NO_SECTION.search(folded):
        return []
    several = _named_in_parts(folded)
    if len(several) > 1:
        return several
    found = probabilities(folded)
    likeliest = max(found, key=lambda kind: found[kind])
    return [] if likeliest == "none" else [likeliest]


def probability_of(kinds: Iterable[str], question: str, named: Sequence[str] = ()) -> float:
    """That the question asks for one of these kinds, as the router has learnt it.

    >>> probability_of(["storage"], "¿Cómo se conserva el ibuprofeno?", ["ibuprofeno"]) > 0.9
    True
    """
    found = probabilities(blanked(question, named))
    return min(1.0, sum(found.get(kind, 0.0) for kind in {*kinds}))


def _named_in_parts(folded: str) -> list[str]:
    """The kinds that the parts of an enumeration name, each once, in order."""
    found: dict[str, None] = {}
    for part in _PARTS.split(folded):
        places = [
            (match.start(), kind)
            for kind, pattern in _NAMED.items()
            if (match := pattern.search(part))
        ]
        # "the dose in pregnancy" asks one thing: the kind that is foremost in `CUES`.
        if len(places) > 1:
            ranks = [kind for kind, _ in CUES]
            places = [min(places, key=lambda place: ranks.index(place[1]))]
        found |= dict.fromkeys(kind for _, kind in places)
    return list(found)


def cue_words(question: str) -> str:
    """The words of the question that told its kind: they choose the section, not the sentence."""
    folded = fold(question)
    return " ".join(match.group() for _, pattern in _PATTERNS for match in pattern.finditer(folded))


def is_follow_up(text: str) -> bool:
    """True when the text leans on what was said before it.

    >>> is_follow_up("¿Y en el embarazo?"), is_follow_up("What is the dose of ibuprofen?")
    (True, False)
    """
    return bool(_FOLLOWS.match(fold(text)))


def _is_only_a_state(kind: str, text: str) -> bool:
    """True when the kind comes of a patient's state, and was not asked for by its own name."""
    is_named = kind in _NAMED and bool(_NAMED[kind].search(fold(text)))
    return kind in _STATES and not is_named and bool(conditions_of(text))


def in_conversation(text: str, earlier: Sequence[str], named: Sequence[str] = ()) -> Turn:
    """What the turn asks, given the user's turns before it, the latest first.

    A turn that tells its own kind keeps it; one that tells none takes that of the latest turn that
    does; so does a follow-up that only names a group of patients. `named` is as for `kinds_of`.

    >>> in_conversation("¿Y para niños?", ["¿Cuál es la dosis de ibuprofeno?"]).kinds
    ('dose',)
    >>> in_conversation("and with alcohol?", ["What is the dose of ibuprofen?"]).kinds
    ('interactions',)
    """
    own = kinds_of(text, named)
    leans = not own or (is_follow_up(text) and _is_only_a_state(own[0], text))
    before = next((turn for turn in earlier if kinds_of(turn, named)), None)
    if not leans or before is None:
        return Turn(text, tuple(own))
    kinds = kinds_of(before, named)
    if own and kinds[0] not in _OF_ANY_PATIENT:
        return Turn(text, tuple(own))
    return Turn(f"{cue_words(before) if own else before} {text}", tuple(kinds))
