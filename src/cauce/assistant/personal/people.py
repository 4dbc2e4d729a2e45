"""What a label's sentence says of a person's age, pregnancy, illnesses and salts of the blood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cauce.assistant.personal.bounds import Interval, intervals_in
from cauce.assistant.personal.finding import Finding, Note
from cauce.assistant.personal.passages import REPORTED, passages_of
from cauce.assistant.personal.terms import terms
from cauce.knowledge.sections.store import SectionEntry
from cauce.twin.summary.recorded import Recorded, Summary, events_at
from cauce.twin.timeline import Timeline

OLD_YEARS = 65
"""From here on a person is old where a text gives no age (ICH E7)."""
ADULT_YEARS = 18
LATE_YEARS = 50
"""A bound below this is met by most adults and tells nothing of one."""
_AGE_KINDS = ("contraindications", "warnings", "elderly", "children", "populations", "dose")
_PREGNANCY_KINDS = ("pregnancy", "contraindications", "warnings", "populations")
_ILLNESS_KINDS = ("contraindications", "warnings", "driving", "populations", "dose", "composition")
_YEARS = r"(?:years?|anos)"
_AGE_OF = re.compile(r"\b(?:age of|edad de) \d+(?! years| anos)")
_OLD = re.compile(
    r"\b(?:elderly|old(?:er)? (?:age|people|adults?|patients?|person)|advanced age|frail old"
    r"|ancian\w+|edad avanzada|vejez|geriatric\w*"
    r"|(?:personas?|pacientes|gente|los|en) mayores(?! (?:de|que|dosis)|\w* cantidad))"
)
_YOUNG = re.compile(
    r"\b(?:child(?!.pugh|bear|birth)\w*|infants?|newborn\w*|neonat\w+|p[ae]+diatr\w*|adolescen\w+"
    r"|nin[oa]s?|lactantes?\b(?<!madres lactantes)|recien nacid\w+|bebes?|menores)\b"
)
_NOT_OF_PATIENTS = re.compile(
    r"(?:out of|reach|away|alcance|fuera|vista|lejos|cannot open|puedan)[\w\s]{0,20}$"
)
_PREGNANT = re.compile(r"\b(?:pregnan\w+|embara[sz]\w*|gestaci\w+|gestation|trimest\w+|semana \d+)")
_WEEKS = re.compile(
    r"trimest\w+|semanas? \d+|weeks? \d+|(?:last|ultimos|first|primeros) \d+ (?:m|m)"
)
_DEGREE = re.compile(
    r"\b(?:graves?|severe|serious|seria|moderad\w+|moderate|mild|leves?|inestable|unstable|activ[ao]s?"
    r"|active|uncontrolled|no controlada|descontrolad\w+|agud\w+|acute|recientes?|recent)\b"
)


class _Level(NamedTuple):
    """Where a reading leaves what is usual in adults, and how texts speak of that."""

    reading: str
    is_high: bool
    bound: float
    said: re.Pattern[str]


_LEVELS = (
    _Level(
        "potassium",
        True,
        5.0,
        re.compile(
            r"potasio (?:alto|elevado)|(?:high|raised|elevated) potassium|h[iy]per(?:k|pot)a\w+"
        ),
    ),
    _Level(
        "potassium",
        False,
        3.5,
        re.compile(
            r"potasio (?:o el magnesio )?(?:bajos?|disminuido)|low potassium|h[iy]po(?:k|pot)a\w+"
        ),
    ),
    _Level(
        "alt",
        True,
        40.0,
        re.compile(r"transaminasas?|transaminases?|\balt\b|enzimas hepaticas|liver enzymes"),
    ),
)
"""Usual in adults: potassium 3.5 to 5.0 mmol/L, ALT up to 40 U/L."""


def age_findings(sections: Sequence[SectionEntry], recorded: Recorded | None) -> Iterator[Finding]:
    """The sentences on an age that is the person's."""
    if recorded is None or recorded.value is None:
        return
    for passage in passages_of(sections, _AGE_KINDS):
        notes = _age_notes(passage.text, recorded.value)
        if notes is not None:
            yield Finding(recorded, passage, notes)


def _age_notes(text: str, age: float) -> tuple[Note, ...] | None:
    is_young = age < ADULT_YEARS
    spoken_of = [
        match
        for match in (_YOUNG if is_young else _OLD).finditer(text)
        if not _NOT_OF_PATIENTS.search(text[: match.start()])
    ]
    bounds = intervals_in(_AGE_OF.sub(r"\g<0> years", text), _YEARS)
    if bounds and not (is_young and spoken_of and len(bounds) > 1):
        return () if _is_of_age(bounds, age) else None
    if not spoken_of or (not is_young and age < OLD_YEARS):
        return None
    return ("no_figure",)


def _is_of_age(bounds: Sequence[Interval], age: float) -> bool:
    """True where a bound tells the young from others, or the old: "over 18" tells nothing at 70."""
    if age < ADULT_YEARS:
        return any(one.holds(age) or age < one.low for one in bounds)
    return any(one.holds(age) and one.low >= LATE_YEARS for one in bounds)


def pregnancy_findings(
    sections: Sequence[SectionEntry], recorded: Recorded | None
) -> Iterator[Finding]:
    """The sentences on pregnancy; that they count weeks or months is told."""
    if recorded is None:
        return
    for passage in passages_of(sections, _PREGNANCY_KINDS):
        if _PREGNANT.search(passage.text):
            notes: tuple[Note, ...] = ("weeks",) if _WEEKS.search(passage.text) else ()
            yield Finding(recorded, passage, notes)


def condition_findings(
    sections: Sequence[SectionEntry], summary: Summary, timeline: Timeline
) -> Iterator[Finding]:
    """The sentences that name an illness of the record, or a wider one that includes it."""
    held = [
        (recorded, term)
        for recorded in summary.of("condition")
        for event in events_at(timeline, recorded.events)
        if event.kind == "condition"
        for term in terms("conditions")
        if term.is_told_by(event)
    ]
    for passage in passages_of(sections, _ILLNESS_KINDS):
        for recorded, term in held:
            match = term.stands_in(passage.text)
            is_effect = REPORTED.search(passage.text) or (match and _is_effect(passage.text, match))
            if match and not is_effect:
                notes: tuple[Note, ...] = ("degree",) if _DEGREE.search(passage.text) else ()
                yield Finding(recorded, passage, notes)


_EFFECT = re.compile(
    r"\b(?:caus\w+|provoc\w+|trigger\w*|lead to|risk of|riesgo de|danger of|peligro de)\b"
    r"[\w\s]{0,30}$"
)


def _is_effect(text: str, match: re.Match[str]) -> bool:
    """True where the illness is what the medicine may bring about."""
    return bool(_EFFECT.search(text[: match.start()]))


def level_findings(sections: Sequence[SectionEntry], summary: Summary) -> Iterator[Finding]:
    """The sentences on a reading that is high or low, where the recorded one is so."""
    for level in _LEVELS:
        recorded = summary.reading(level.reading)
        if recorded is None or recorded.value is None:
            continue
        is_beyond = recorded.value > level.bound if level.is_high else recorded.value < level.bound
        if is_beyond:
            for passage in passages_of(sections, ("contraindications", "warnings", "dose")):
                if level.said.search(passage.text):
                    yield Finding(recorded, passage, ("unread",))
