"""Whether a turn attacks the assistant: a small classifier over every reading of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cauce.records import Record
from cauce.safety.classifier import Classifier
from cauce.safety.guard.characters import has_invisible
from cauce.safety.guard.cues import cues_in
from cauce.safety.guard.reading import Reading, readings
from cauce.safety.guard.settings import GuardSettings

ORDINARY = "ordinary"
_WINDOW = 400
"""Characters of a long turn that are judged at a time: an order in the middle is not diluted."""
_STEP = 300
_WHOLE = 4000
"""Characters that are judged together; of longer texts both ends, half each."""
_BREAK = re.compile(r"\s+")


class GuardFinding(Record):
    """Why a turn counts as an attack."""

    score: float
    """Probability that it is one, 0..1."""
    family: str
    """The likeliest kind of attack: `override`, `role`, `leak`..."""
    reading: Reading
    """The reading that told, and how it was hidden."""


def guard_input(text: str, settings: GuardSettings) -> GuardFinding | None:
    """What makes `text` an attack on the assistant; None for an ordinary turn.

    It is judged as a person sees it and with all that is hidden in it laid open, long texts in
    windows too, and the worst counts.
    """
    if not settings.input:
        return None
    found = max(findings(text, normalise=settings.normalise), key=lambda one: one.score)
    return found if found.score >= settings.threshold else None


def findings(text: str, *, normalise: bool = True) -> Iterator[GuardFinding]:
    """How much the first and the deepest reading of `text` look like an attack, part by part."""
    classifier = Classifier.load("guard")
    found = readings(text) if normalise else (Reading(text),)
    for reading in dict.fromkeys((found[0], found[-1])):
        hidden = tuple(_hidden(reading, text))
        for part in windows(reading.text):
            shares = classifier.probabilities(part, (*cues_in(part), *hidden))
            ordinary = shares.pop(ORDINARY)
            family = max(shares, key=lambda name: shares[name])
            yield GuardFinding(score=1 - ordinary, family=family, reading=reading)


def reading_cues(part: str, reading: Reading, text: str) -> Iterable[str]:
    """What the rules see in a part of a reading, and how the reading was hidden."""
    yield from cues_in(part)
    yield from _hidden(reading, text)


def _hidden(reading: Reading, text: str) -> Iterator[str]:
    for way in reading.ways:
        yield "hidden"
        yield f"hidden by {way}"
    if has_invisible(text):
        yield "invisible inside words"


def windows(text: str) -> Iterator[str]:
    """The whole text, and where it is long its overlapping parts, cut between words."""
    half = _WHOLE // 2
    yield text if len(text) <= _WHOLE else f"{text[:half]}\n{text[-half:]}"
    if len(text) > 1.5 * _WINDOW:
        for start in range(0, len(text) - _WINDOW + _STEP, _STEP):
            part = text[start : start + _WINDOW]
            yield _BREAK.split(part, 1)[-1] if start else part
