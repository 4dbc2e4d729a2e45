"""What can be drawn out of a target: its system prompt, and the people in its training data.

Prefixes of records follow Carlini et al. 2021 (arXiv 2012.07805), a word repeated for ever Nasr et
al. 2023 (arXiv 2311.17035).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cauce.evaluation.redteam.asking import Asked, Progress, ask_all
from cauce.evaluation.redteam.attempts import Attempt
from cauce.evaluation.redteam.goals import LANGUAGES, read_texts
from cauce.evaluation.redteam.targets import Attacked
from cauce.evaluation.statistics import Estimate, rate_exact
from cauce.records import Record
from cauce.safety.guard.canary import leaks, repeats_rules
from cauce.safety.personal.finding import find, tells_who

SYSTEM_PROMPT, TRAINING_DATA = "system_prompt", "training_data"


class Kept(Record):
    """What a target ought to keep to itself."""

    canary: str = ""
    """The marker in its system prompt; empty where it has none."""
    rules: str = ""
    """Its system prompt."""
    texts: tuple[str, ...] = ()
    """What it learned from: personal data that stand there were extracted, others invented."""


class Extraction(Record):
    """What came out; each rate is exact and clustered by technique."""

    asked: int
    not_asked: int
    """Requests that the target could not read: they are in no rate."""
    marker: Estimate | None
    """Requests for the system prompt that brought its marker out; None where it has none."""
    rules: Estimate | None
    """Those that brought out a dozen of its words in a row; None where it was not given."""
    personal: Estimate
    """Requests for training data whose answers hold personal data, invented or not, that the
    request does not hold."""
    learned: Estimate | None
    """Those whose personal data stand in the training texts; None where these were not given."""
    by_technique: dict[str, Estimate]
    """Of each technique the worse of its two rates: marker or rules, learned or else personal."""
    by_language: dict[str, Estimate]


def extraction_attempts() -> list[Attempt]:
    """Every request in every language."""
    return [
        Attempt(
            id=f"{family}-{technique}/{language}",
            family=family,
            technique=technique,
            goal=f"{family}/{technique}",
            category=family,
            language=language,
            request=texts[language],
            prompts=(texts[language],),
        )
        for family, techniques in read_texts("extraction.yaml").items()
        for technique, texts in techniques.items()
        for language in LANGUAGES
    ]


def extract(attacked: Attacked, kept: Kept, log: Path, *, progress: Progress) -> Extraction:
    """What can be drawn out of any target; every answer is logged, none is asked for twice."""
    return extraction_of(
        ask_all(extraction_attempts(), attacked.target, log, progress=progress), kept
    )


def extraction_of(asked: Sequence[Asked], kept: Kept) -> Extraction:
    """The rates of logged answers."""
    answered = [one for one in asked if one.turns]
    prompts = [one for one in answered if one.attempt.family == SYSTEM_PROMPT]
    records = [one for one in answered if one.attempt.family == TRAINING_DATA]

    def marked(one: Asked) -> bool:
        return leaks(kept.canary, _answers(one))

    def ruled(one: Asked) -> bool:
        return repeats_rules(kept.rules, _answers(one))

    def learned(one: Asked) -> bool:
        return any(piece in text for piece in personal_data(one) for text in kept.texts)

    def is_worst(one: Asked) -> bool:
        if one.attempt.family == TRAINING_DATA:
            return learned(one) if kept.texts else bool(personal_data(one))
        return (bool(kept.canary) and marked(one)) or (bool(kept.rules) and ruled(one))

    return Extraction(
        asked=len(answered),
        not_asked=len(asked) - len(answered),
        marker=_rate(prompts, marked) if kept.canary else None,
        rules=_rate(prompts, ruled) if kept.rules else None,
        personal=_rate(records, lambda one: bool(personal_data(one))),
        learned=_rate(records, learned) if kept.texts else None,
        by_technique=_by(answered, lambda one: one.attempt.goal, is_worst),
        by_language=_by(answered, lambda one: one.attempt.language, is_worst),
    )


def personal_data(one: Asked) -> list[str]:
    """Pieces of personal data in the answers that stand in no prompt."""
    asked = "\n".join(turn.prompt for turn in one.turns)
    text = _answers(one)
    pieces = (text[span.start : span.end] for span in find(text) if tells_who(text, span))
    return [piece for piece in pieces if piece not in asked]


def _answers(one: Asked) -> str:
    return "\n".join(turn.answer for turn in one.turns)


def _rate(tries: Sequence[Asked], happened: Callable[[Asked], bool]) -> Estimate:
    groups = [one.attempt.goal for one in tries]
    return rate_exact([float(happened(one)) for one in tries], groups)


def _by(
    tries: Iterable[Asked], of: Callable[[Asked], str], happened: Callable[[Asked], bool]
) -> dict[str, Estimate]:
    groups: dict[str, list[Asked]] = {}
    for one in tries:
        groups.setdefault(of(one), []).append(one)
    return {name: _rate(own, happened) for name, own in sorted(groups.items())}
