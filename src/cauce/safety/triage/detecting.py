"""Emergencies found before a model answers: rules for what is said, a table for what is meant.

The operating point is set by what is missed, not by accuracy: a false alarm costs a sentence with a
telephone number, a miss may cost a life.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

from cauce.knowledge.words import fold
from cauce.records import Record
from cauce.safety.classifier import Classifier
from cauce.safety.language import Spoken, spoken_language
from cauce.safety.triage.answers import Kind, emergency_answer
from cauce.safety.triage.signs import certain_kind, signs_in
from cauce.safety.triage.wording import neutral
from cauce.safety.triage.wrappers import unwrapped

ALARM = 0.16
"""Probability of any emergency from which a turn is one: chosen by what is missed, on training
texts that were left out; what it misses and alarms at on others is in `docs/log.md`."""
CONCERN = 0.06
"""Probability from which an answer is given with a number to call beside it."""
SENTENCE_ALARM = 0.9
"""The same for one sentence of a long or wrapped turn: the others may explain it."""
REMEMBERED = 4
"""Turns of the person before this one in which an emergency still counts."""
CERTAIN = 0.95
"""Least score of what the rules leave no doubt about."""
_FEWEST_WORDS = 3
_MANY_WORDS = 40
"""From here on one sentence may drown in the others."""
_LONGEST = 4000
"""Characters of a turn that are judged together; of longer ones both ends, half each."""
_SEAM = 200
"""Characters of each end that are read with the middle too, for a sentence that is cut between."""
_OWN = re.compile(
    r"\b(?:yo|me|mis?|estoy|tengo|nos|nuestr\w+|jo|em|ens|meus?|meva|meves|estic|tinc|nostr\w+|my"
    r"|our|i['’](?:m|ve)|i (?:am|have|had|can(?:no|')?t?|feel|took|want|wish|swallowed|do|don['’]t"
    r"|just))\b|\bm['’]"
)
"""Words of who tells of themselves or of theirs. Reports have next to none: in the middles of 289
long texts of clinical cases all sentences raise 22 alarms more, those with such a word none
(2026-11-29)."""
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}


class Alarm(Record):
    """An emergency in what a person said."""

    kind: Kind
    number: str
    """Telephone number as people dial it, in the country asked for."""
    score: float
    """Probability that there is one, 0..1."""
    directness: Literal["explicit", "indirect"]
    """Whether rules found it in so many words."""
    turns_ago: int = 0
    """0 where it stands in the turn itself, 1 where in the one before..."""


class Finding(NamedTuple):
    """What one text holds: the likeliest kind of emergency and how likely any is."""

    kind: Kind
    score: float
    is_certain: bool


def triage(text: str, history: Sequence[str] = (), *, country: str = "ES") -> Alarm | None:
    """The emergency in a person's turn or in their last few before it; None where there is none.

    `history` holds what the same person said before, oldest first. Reads no model's answer, so
    nothing that a model is told can change what it finds.

    >>> triage("Me muero de risa con mi nieto") is None
    True
    >>> triage("ya no pinto nada aquí").number
    '024'
    """
    for turns_ago, turn in enumerate([text, *reversed(history[-REMEMBERED:])]):
        found = finding(turn)
        if found is not None:
            return _alarm(found, turns_ago, spoken_language(turn), country)
    if history:
        found = finding(" . ".join([*history[-REMEMBERED:], text]))
        if found is not None:
            return _alarm(found, 0, spoken_language(text), country)
    return None


def concern(text: str, *, country: str = "ES") -> Alarm | None:
    """What a turn without an alarm may still tell of; None where that is unlikely.

    Beside the answer a line then says whom to call, so that an emergency that is told in words
    which nobody foresaw is not left without a number.
    """
    found = judged(text)
    if found.score < CONCERN:
        return None
    return _alarm(found, 0, spoken_language(text), country)


def finding(text: str) -> Finding | None:
    """The emergency in one text alone, by the whole, without wrappers and by its sentences.

    Of a long text the whole is its ends; of its middle the sentences count in which somebody tells
    of themselves or of theirs.
    """
    ends = _both_ends(text)
    bare = unwrapped(ends)
    for part in dict.fromkeys((ends, bare)):
        found = judged(part)
        if found.is_certain or found.score >= ALARM:
            return found
    if bare == ends and len(ends.split()) < _MANY_WORDS:
        return None
    for part in (*sentences(bare), *_own_in_the_middle(text)):
        found = judged(part)
        if found.is_certain or found.score >= SENTENCE_ALARM:
            return found
    return None


def judged(text: str) -> Finding:
    """The likeliest kind of emergency, whatever its probability, of a long text by its ends."""
    text = _both_ends(text)
    found = signs_in(text)
    shares = Classifier.load("triage").probabilities(neutral(text), sorted(found))
    calm = shares.pop("none")
    certain = certain_kind(found)
    likeliest = max(shares, key=lambda kind: shares[kind])
    score = max(1 - calm, CERTAIN) if certain else 1 - calm
    kind = likeliest if 1 - calm >= ALARM or not certain else certain
    return Finding(_KINDS[kind], score, certain is not None)


def sentences(text: str) -> list[str]:
    """The sentences of `text` that say something, with their marks."""
    parts = [part.strip() for part in re.findall(r"[^.?!;\n…]+[.?!;…]*", text)]
    return [part for part in parts if len(part.split()) >= _FEWEST_WORDS]


def _both_ends(text: str) -> str:
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} . {text[-half:]}"


def _own_in_the_middle(text: str) -> Iterator[str]:
    """Between the ends of a long text, the sentences of who tells of themselves or of theirs.

    One of very many words comes in parts that overlap by half.
    """
    if len(text) <= _LONGEST:
        return
    seam = _LONGEST // 2 - _SEAM
    for sentence in sentences(text[seam:-seam]):
        words = sentence.split()
        for start in range(0, max(1, len(words) - _MANY_WORDS // 2), _MANY_WORDS // 2):
            part = " ".join(words[start : start + _MANY_WORDS])
            if _OWN.search(fold(part)):
                yield part


def _alarm(found: Finding, turns_ago: int, language: Spoken, country: str) -> Alarm:
    return Alarm(
        kind=found.kind,
        number=emergency_answer(found.kind, language, country).number,
        score=round(found.score, 4),
        directness="explicit" if found.is_certain else "indirect",
        turns_ago=turns_ago,
    )
