"""What a label's sentence says of kidneys that filter as little as the record tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cauce.assistant.personal.bounds import Interval, intervals_in
from cauce.assistant.personal.finding import Finding, Note
from cauce.assistant.personal.passages import REPORTED, Passage, passages_of
from cauce.knowledge.sections.store import SectionEntry
from cauce.twin.summary.recorded import Recorded

KINDS = ("contraindications", "warnings", "dose", "populations", "elderly")
_UNIT = r"ml ?/ ?min(?:uto|ute)?"
_MEASURE = re.compile(
    r"filtra\w+|aclaramiento|creatinin\w*|\b(?:cl ?cr|crcl|e?gfr|tfge?|fge?)\b|clearance"
)
_CLEARANCE = re.compile(r"aclaramiento|clearance|\b(?:cl ?cr|crcl)\b")
_STATE = re.compile(
    r"\b(?:renal|kidneys?)\b[\w\s,]{0,20}\b(?:failure|impairment|disease|insufficiency|patients)"
    r"|(?:reduced|poor|damaged|weak|failing|impaired)[\w\s,]{0,12}\b(?:kidneys?|renal)"
    r"|kidneys? (?:fails?|function is|function was|or liver (?:work|problems)|problems|work)"
    r"|(?:insuficiencia|enfermedad|dano|alteracion|trastorno)[\w\s,]{0,30}\brenal"
    r"|funcion renal (?:reducida|disminuida|alterada|deteriorada)|(?:menor|poca|peor) funcion renal"
    r"|(?:fallan?|mal) (?:los|el) rinon"
    r"|rinon(?:es)? (?:danad|o higado funcionan mal|funcionan? mal)"
    r"|problemas[\w\s,]{0,25}\brenal|(?:enfermos|pacientes)[\w\s,]{0,25}\brenales"
    r"|el rinon funciona mal"
    r"|severe heart, kidney|kidney, liver or heart failure"
)
_CAUSES = re.compile(
    r"\b(?:caus\w+|provoc\w+|produc\w+|dana(?:r|ndo)?|harm\w*|injur\w+|may trigger|lead to"
    r"|preocupa\w*|concern\w*|multipl\w+|risk of|riesgo de)\b"
    r"[\w\s,']{0,40}$"
)
"""Before a state, tells of what the medicine does and not of whom it is given to."""
_GRADES: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"terminal|end.stage|dialisis|dialysis"), 15),
    (re.compile(r"moderad\w+|moderate\w*"), 60),
    (re.compile(r"\bleves?\b|\bmild\b"), 90),
    (re.compile(r"muy avanzad\w+|extremely"), 15),
    (re.compile(r"\bgraves?\b|severe\w*|serious|seria|advanced(?! age)|(?<!edad )avanzad\w+"), 30),
)
"""Below how many mL/min each word begins to hold (EMA/CHMP/83874/2014)."""
UNGRADED = 60.0
"""Below this for three months a chronic disease of the kidneys is told (KDIGO 2024)."""
_AROUND_CHARS = 45


def kidney_findings(
    sections: Sequence[SectionEntry], recorded: Recorded | None
) -> Iterator[Finding]:
    """The sentences that bound the filtration so that the recorded one is inside, or give no bound.

    A sentence whose numbers leave the recorded one outside is not about this person.
    """
    if recorded is None or recorded.value is None:
        return
    for passage in passages_of(sections, KINDS):
        notes = _notes_of_row(passage, recorded.value) or _notes(passage.text, recorded.value)
        if notes is not None:
            yield Finding(recorded, passage, notes)


def _notes_of_row(passage: Passage, value: float) -> tuple[Note, ...] | None:
    """Those of a table's row whose first cell bounds what its first row measures."""
    if not (re.search(_UNIT, passage.header) and _MEASURE.search(passage.header)):
        return None
    bounds = intervals_in(passage.text.partition("|")[0] + "|", r"\|")
    if not any(interval.holds(value) for interval in bounds):
        return None
    return ("clearance", "table") if _CLEARANCE.search(passage.header) else ("table",)


def _notes(text: str, value: float) -> tuple[Note, ...] | None:
    """What is to be said beside the quotation; None where the sentence is about others."""
    has_measure = _MEASURE.search(text)
    bounds = intervals_in(text, _UNIT) or (_without_unit(text) if has_measure else ())
    if bounds:
        is_inside = any(interval.holds(value) for interval in bounds)
        notes: tuple[Note, ...] = ("clearance",) if _CLEARANCE.search(text) else ()
        return notes if is_inside else None
    if re.search(_UNIT, text) and has_measure:
        return ("unread",)
    state = _STATE.search(text)
    if state is None or REPORTED.search(text) or _CAUSES.search(text[: state.start()]):
        return None
    grade = _grade(text, state)
    if value >= (grade or UNGRADED):
        return None
    return ("grade",) if grade else ("no_figure",)


def _without_unit(text: str) -> tuple[Interval, ...]:
    """Bounds of a sentence that names the measure and leaves the unit out: "eGFR < 30"."""
    return tuple(
        interval
        for match in _MEASURE.finditer(text)
        for interval in intervals_in(
            text[match.end() : match.end() + 30], r"(?![\d.,]*\d| ?[a-z%])"
        )
    )


def _grade(text: str, state: re.Match[str]) -> float | None:
    """The bound of the mildest word of degree around the state."""
    around = text[max(0, state.start() - _AROUND_CHARS) : state.end() + _AROUND_CHARS]
    found = [bound for pattern, bound in _GRADES if pattern.search(around)]
    return max(found, default=None)
