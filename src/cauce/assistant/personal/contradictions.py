"""What a question tells of its person otherwise than the record does: asked about first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cauce.assistant.personal.medicines import Medicines
from cauce.assistant.personal.terms import terms
from cauce.knowledge.labels.classes import folded
from cauce.knowledge.words import fold
from cauce.records import Record, Reply, Span, Spoken, Statement
from cauce.twin.summary.recorded import Recorded, Summary, events_at
from cauce.twin.timeline import Timeline

REASON = "contradiction"
AGE_TOLERANCE_YEARS = 1
MOST_TOLD = 3
"""Medicines or allergies that are told to who says there are none."""
KIDNEY_STAGES = (15, 30, 45, 60, 90)
"""mL/min/1.73 m² from which on the next better stage begins (KDIGO 2024: G5 to G1)."""

SAID: dict[Spoken, dict[str, str]] = {
    "es": {
        "other": "Su pregunta dice «{said}», y el registro dice: {text}",
        "lacks": "Su pregunta dice «{said}», y el registro no lo tiene.",
        "ask": "¿Es para la persona de este registro?",
        "yes": "Sí, pregunto por la persona de este registro",
        "no": "No, pregunto por otra persona",
    },
    "en": {
        "other": "Your question says “{said}”, and the record says: {text}",
        "lacks": "Your question says “{said}”, and the record does not have it.",
        "ask": "Is it for the person of this record?",
        "yes": "Yes, I ask about the person of this record",
        "no": "No, I ask about another person",
    },
    "ca": {
        "other": "La vostra pregunta diu «{said}», i el registre diu: {text}",
        "lacks": "La vostra pregunta diu «{said}», i el registre no ho té.",
        "ask": "És per a la persona d'aquest registre?",
        "yes": "Sí, pregunto per la persona d'aquest registre",
        "no": "No, pregunto per una altra persona",
    },
}

_TAKES_NOTHING = re.compile(
    r"\bno (?:tom[oa]|toma|uso|usa|prenc|pren) (?:nada|ning\w+ (?:otr[oa] )?"
    r"(?:medic\w+|pastilla\w*)|medic\w+|pastillas|res\b|cap (?:altre )?medic\w+)"
    r"|\b(?:do not|don'?t|does not|doesn'?t) take (?:any(?:thing)?(?: other)?(?: medic\w+| pills?)?"
    r"|medic\w+|pills)|\bno (?:other )?medic\w+ at all|takes? no (?:other )?medic\w+"
)
_NO_ALLERGY = re.compile(
    r"\bno (?:soy|es|tengo|tiene|soc|te|tinc) (?:cap |ningun\w* )?al·?l?erg\w*(?: a (?:nada|res))?"
    r"|\b(?:not|isn'?t|no) allerg\w*(?: to anything)?|\bno (?:known )?allergies|sin alergias"
)
_ALLERGIC_TO = re.compile(
    r"\b(?:(?:soy|es|somos|soc|am|is|i'm|she's|he's) al?·?l?l?[eè]rg[ií](?:c[oa]?|ca)s?"
    r"|(?:mi|su|la|my|her|his|the|meva) al?·?l?lerg(?:ia|y)"
    r"|(?:tengo|tiene|tinc|te|have|has) (?:an? )?al?·?l?lerg(?:ia|y))"
    r" (?:a(?: la| el| las| los| l')?|al|als|to) (?P<what>[\w\s·-]{3,40}?)"
    r"(?=[,.;?!]|$| y | i | and | puedo| can | pued| pot| puc)"
)
_AGE = re.compile(
    r"\b(?:tengo|tiene|tinc|te) (?P<es>\d{1,3}) (?:anos|anys)"
    r"|\b(?:i am|i'm|he is|she is|he's|she's|is|aged?) (?P<en>\d{1,3})"
    r"(?: years? old| years| ?y/?o)?\b(?! ?(?:mg|ml|mcg|%))"
    r"|\b(?:de|of) (?P<of>\d{1,3}) (?:anos|anys|years)(?! de)|\b(?P<old>\d{1,3})[- ]years?[- ]old"
)
_CHILD = re.compile(
    r"\b(?:mi|al|para (?:un|el|mi|una|la)|my|for (?:a|my|the)|per (?:al|a un)|meu) "
    r"(?:bebe|nin[oa]|baby|toddler|child|nado|nen|nena)\b"
)
_PREGNANT = re.compile(
    r"\b(?:estoy|esta|estic|i am|i'm|she is|she's|my wife is|is) (?:ya )?"
    r"(?:embara\w+|pregnant|gestant\w*)"
)
_NOT_PREGNANT = re.compile(r"\b(?:no (?:estoy|esta|estic)|not|isn'?t) (?:embara\w+|pregnant)")
_FILTRATION = re.compile(
    r"\b(?:filtrado|filtrat|egfr|e-?gfr|tfg|fge?|clearance|aclaramiento|filtration)"
    r"[\w\s.()]{0,25}?(?:es|is|de|of|en|a|:|=) ?(?:de )?(?P<value>\d{1,3}(?:[.,]\d+)?)"
)
_SEXES = (
    ("female", r"madre|mama|abuela|hija|hermana|mujer|esposa|mother|mum|mom|grandmother|grandma"
     r"|daughter|sister|wife|mare|avia|filla|germana|dona|muller"),
    ("male", r"padre|papa|abuelo|hijo|hermano|marido|esposo|father|dad|grandfather|grandpa|son"
     r"|brother|husband|pare|avi|fill|germa|marit|home"),
)  # fmt: skip
_OF_WHOM = r"\b(?:mi|my|la meva|el meu|a mi|al meu|a la meva) (?P<who>{who})\b"
_KIN = tuple((sex, re.compile(_OF_WHOM.format(who=who))) for sex, who in _SEXES)


class Contradiction(Record):
    """Words of the question, and the statement of the record that they do not agree with."""

    said: Span
    """Of the question."""
    recorded: Recorded | None = None
    """None where the record holds nothing of the kind."""


def contradictions_of(
    question: str, summary: Summary, timeline: Timeline, medicines: Medicines
) -> tuple[Contradiction, ...]:
    """What the question tells of its person that the record tells otherwise, as it says it."""
    text = folded(question)
    found = (
        one
        for look in (_of_medicines, _of_no_allergy, _of_age, _of_sex, _of_pregnancy, _of_kidneys)
        for one in look(text, summary, timeline)
    )
    return (*found, *_of_allergy(text, summary, timeline, medicines))


def asked_about(question: str, found: tuple[Contradiction, ...], language: Spoken) -> Reply:
    """The reply that asks whom the question is for, before anything is answered."""
    said = SAID[language]
    lines = [
        said["other"].format(said=one.said.of(question), text=one.recorded.text)
        if one.recorded
        else said["lacks"].format(said=one.said.of(question))
        for one in found
    ]
    statements = tuple(Statement(text=line) for line in (*lines, said["ask"]))
    return Reply(
        text="\n".join(statement.text for statement in statements),
        statements=statements,
        abstained=True,
        reason=REASON,
        choices=(said["yes"], said["no"]),
        language=language,
    )


def is_for_the_person(text: str) -> bool | None:
    """What a turn chooses of the two; None for a turn that is neither choice."""
    folded = fold(text).strip(" .")
    for said in SAID.values():
        if folded == fold(said["yes"]):
            return True
        if folded == fold(said["no"]):
            return False
    return None


def _of_medicines(text: str, summary: Summary, _: Timeline) -> Iterator[Contradiction]:
    if match := _TAKES_NOTHING.search(text):
        for recorded in summary.of("medicine")[:MOST_TOLD]:
            yield Contradiction(said=Span(*match.span()), recorded=recorded)


def _of_no_allergy(text: str, summary: Summary, _: Timeline) -> Iterator[Contradiction]:
    if match := _NO_ALLERGY.search(text):
        for recorded in summary.of("allergy")[:MOST_TOLD]:
            yield Contradiction(said=Span(*match.span()), recorded=recorded)


def _of_allergy(
    text: str, summary: Summary, timeline: Timeline, medicines: Medicines
) -> Iterator[Contradiction]:
    """An allergy of the question that is none of the record's."""
    if _NO_ALLERGY.search(text):
        return
    for match in _ALLERGIC_TO.finditer(text):
        told = match["what"]
        if not _is_held(told, summary, timeline, medicines):
            yield Contradiction(said=Span(*match.span()))


def _is_held(told: str, summary: Summary, timeline: Timeline, medicines: Medicines) -> bool:
    """True where an allergy of the record shares a word, a medicine or an allergen with it."""
    named = {mention.group for mention in medicines.named_in(told)}
    named_terms = (*terms("excipients"), *terms("allergens"))
    allergens = [term for term in named_terms if term.said.search(told)]
    for recorded in summary.of("allergy"):
        if _shares_a_word(told, fold(recorded.term)):
            return True
        if named & {mention.group for mention in medicines.named_in(recorded.term)}:
            return True
        events = events_at(timeline, recorded.events)
        if any(term.is_told_by(event) for term in allergens for event in events):
            return True
    return False


def _shares_a_word(one: str, other: str) -> bool:
    """By their first six letters: `penicilina` and `penicillins` are one word."""
    letters = ({word[:6] for word in text.split() if len(word) > 4} for text in (one, other))
    first, second = letters
    return bool((first & second) - {"alergi", "allerg", "al·ler"})


def _of_age(text: str, summary: Summary, _: Timeline) -> Iterator[Contradiction]:
    recorded = next(iter(summary.of("person")), None)
    if recorded is None or recorded.value is None:
        return
    for match in _AGE.finditer(text):
        told = next(int(number) for number in match.groups() if number)
        if abs(told - recorded.value) > AGE_TOLERANCE_YEARS:
            yield Contradiction(said=Span(*match.span()), recorded=recorded)
    child = _CHILD.search(text)
    if child and recorded.value >= 18:
        yield Contradiction(said=Span(*child.span()), recorded=recorded)


def _of_sex(text: str, summary: Summary, timeline: Timeline) -> Iterator[Contradiction]:
    recorded = next(iter(summary.of("person")), None)
    for sex, kin in _KIN:
        match = kin.search(text)
        held = timeline.person.sex
        if match and recorded and held in ("female", "male") and held != sex:
            yield Contradiction(said=Span(*match.span()), recorded=recorded)


def _of_pregnancy(text: str, summary: Summary, timeline: Timeline) -> Iterator[Contradiction]:
    denied = _NOT_PREGNANT.search(text)
    if denied:
        for recorded in summary.of("pregnancy"):
            yield Contradiction(said=Span(*denied.span()), recorded=recorded)
        return
    match = _PREGNANT.search(text)
    if not match or summary.of("pregnancy"):
        return
    against = summary.of("no_pregnancy")
    if not against and timeline.person.sex == "male":
        against = summary.of("person")
    yield Contradiction(said=Span(*match.span()), recorded=against[0] if against else None)


def _of_kidneys(text: str, summary: Summary, _: Timeline) -> Iterator[Contradiction]:
    """A filtration of another stage than the record's."""
    recorded = summary.reading("egfr")
    match = _FILTRATION.search(text)
    if recorded is None or recorded.value is None or match is None:
        return
    told = float(match["value"].replace(",", "."))
    if _stage(told) != _stage(recorded.value):
        yield Contradiction(said=Span(*match.span()), recorded=recorded)


def _stage(filtration: float) -> int:
    return sum(filtration >= bound for bound in KIDNEY_STAGES)
