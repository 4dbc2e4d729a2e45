"""What a question is about that names no medicine: a class, an abbreviation, iron, a vaccine.

Said in a conversation it must not be answered with the medicine of the turn before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from cauce.knowledge.labels.classes import medicine_classes
from cauce.knowledge.names.said import Said
from cauce.knowledge.names.strangers import asks_about_a_medicine
from cauce.knowledge.words import is_common_word, is_function_word

LONGEST_ABBREVIATION_LETTERS = 4
MOST_BARE_WORDS = 2

_ARTICLES = (
    r"(?:(?:a|an|the|my|your|some|any|un|una|el|la|los|las|mi|mis|su|other|another|otr[oa]s?) )*"
)
_ASKED_OF = re.compile(
    r"(?:^\W*|\b(?:and|y|e|of|de|del|about|sobre|take|tomar|tomo|taking|use|usar|[^\w\s] ?)\W+"
    rf"|^\W*(?:is|are|es|son|can|puede|pueden)\W+){_ARTICLES}$"
)
"""Right before words that are themselves what is asked about."""
_LEANING = re.compile(
    r"\b(?:if|si|while|cuando|when|mientras|with|con|es|is it|is this)\b[^,.;?]*$"
)
"""Before words that are said of a medicine named earlier: `and if I take diuretics?`."""
_THINGS = re.compile(r"\b(iron|hierro|vaccines?|vacunas?|the other one|el otro|la otra)\b(?=(.*))")
_ENGLISH = {"vaccine": "vacuna", "vaccines": "vacuna", "vacunas": "vacuna"}
_NOT_BEFORE_WORDS = "in en con with for para por during durante at if si unless since desde"
_NOT_BEFORE = frozenset(_NOT_BEFORE_WORDS.split())
_NO_MEDICINE = frozenset(
    """
    iv im sc po mg ml mcg kg ui iu ok am pm vs faq dr sra usa uk eu fda ema cima who oms vih hiv
    sida aids epoc copd hta tdah adhd inr ecg mri tac rmn adn dna arn rna uci icu ets std itu uti
    """.split()  # noqa: SIM905
)


class ClassNamed(NamedTuple):
    """A class of medicines that the question asks about."""

    start: int
    said: str
    stems: re.Pattern[str]


class ThingNamed(NamedTuple):
    """A substance or a kind of medicine whose name is an ordinary word."""

    start: int
    word: str


class Abbreviation(NamedTuple):
    """A short word in no list that stands where a medicine would."""

    start: int
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The abbreviation as one writes it."""
        return "-".join(self.words)


def class_named(said: Said) -> ClassNamed | None:
    """The class of medicines that the question asks about: `dose of a statin`.

    >>> from cauce.knowledge.names.said import said
    >>> class_named(said("What is the dose of a statin?")).said
    'statin'
    """
    for found in medicine_classes():
        for phrase in found.said:
            for match in phrase.found_in(said.folded):
                if _is_asked_about(said.folded, match.start()):
                    return ClassNamed(_place(said, match.start()), match.group(), found.stems)
    return None


def thing_named(said: Said) -> ThingNamed | None:
    """Iron, a vaccine or `the other one`, where the question asks about it."""
    for match in _THINGS.finditer(said.folded):
        word, rest = match.group(1), match.group(2)
        is_other = word.split()[-1] in ("one", "otro", "otra")
        if (is_other and re.search(r"^\W*\w", rest)) and not word.startswith("the"):
            continue
        if re.match(r"\W*(?:deficien|overload|levels?|anemia|in the blood)", rest):
            continue
        if _is_asked_about(said.folded, match.start()):
            return ThingNamed(_place(said, match.start()), _ENGLISH.get(word, word))
    return None


def abbreviation(said: Said, is_usual: Callable[[str], bool]) -> Abbreviation | None:
    """The short unknown word that all the others only ask about: `dose of MTX`, `and 5-FU?`."""
    found: Abbreviation | None = None
    for place in range(len(said.words)):
        if found and place < found.start + len(found.words):
            continue
        stop = place + 1
        while said.is_hyphenated(stop):
            stop += 1
        words = said.words[place:stop]
        if all(is_common_word(one) for one in words):
            continue
        is_capital = place in said.capitals or (place == 0 and said.opens_with_capital)
        if found or not _could_abbreviate(words, (lambda _: False) if is_capital else is_usual):
            return None
        before = said.words[place - 1] if place else ""
        if before in _NOT_BEFORE:
            return None
        found = Abbreviation(place, words)
    if found is None:
        return None
    bare = [word for word in said.words if not is_function_word(word)]
    few = len(bare) <= MOST_BARE_WORDS + len(found.words) - 1
    return found if few or asks_about_a_medicine(said.folded) else None


def _could_abbreviate(words: tuple[str, ...], is_usual: Callable[[str], bool]) -> bool:
    letters = "".join(words)
    if len(letters) < 2 or letters.isdigit() or letters in _NO_MEDICINE:
        return False
    return all(
        len(word) <= LONGEST_ABBREVIATION_LETTERS and word.isascii() and not is_usual(word)
        for word in words
        if not word.isdigit()
    )


def _is_asked_about(folded: str, start: int) -> bool:
    before = folded[:start]
    return bool(_ASKED_OF.search(before)) and not _LEANING.search(before)


def _place(said: Said, start: int) -> int:
    """The place of the word that starts there in the folded text, near enough for its order."""
    return min(len(said.words) - 1, len(re.findall(r"[^\W_]+", said.folded[:start])))
