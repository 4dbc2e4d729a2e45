"""Words by which a sentence gives what is asked for: an amount, an instruction, a storing place.

Patterns over flat text (see `passages.flat`), for the kinds whose sections hold much besides.
"""

from __future__ import annotations

import re

from cauce.knowledge.evidence.passages import Wanted
from cauce.knowledge.words import fold, stems

CONDITION_WEIGHT = 16
"""A sentence that speaks of the patient's condition outweighs four other words of the question."""
INSTRUCTION_WEIGHT = 6
"""Of the sentences on a condition, one that says what to do outweighs one with a word more."""
STATE_WEIGHT = 8
"""So does one on patients in whom it is so one on the organ: hepatic impairment, not toxicity."""
WORD_WEIGHT = 4
"""A word of the question outweighs whatever a kind's sentences usually say."""

_UNITS = (
    r"(?:mg|mcg|milligrams?|micrograms?|microgramos?|μg|µg|g|grams?|ml|units?|unidades|iu|ui|meq|mmol"
    r"|mci|mbq|(?:\w+[ -])?(?:tablets?|capsules?|comprimidos?|capsulas?|patch(?:es)?|parches?"
    r"|drops?|gotas?|packets?|sobres?|sprays?|inhalations?|inhalaciones))(?![a-z])"
)
AMOUNT = (
    rf"(?<![\w.])\d[\d.,]*(?:\s*(?:to|-|–|a)\s*\d[\d.,]*)?[\s-]*{_UNITS}"
    r"|\b(?:one|two|three|half|un|una|dos|medio) (?:\w+[ -]){0,2}"
    r"(?:tablet|capsule|comprimido|capsula|patch|parche|packet|sobre|injection)"
)
_ACTIONS = (
    r"reduc(?:e|ed|ir|a)\b|lower (?:\w+ )?dos|half|avoid|contraindicat|not (?:be )?recommend"
    r"|(?:is|are) recommended|not (?:be )?(?:use|given|taken|administered|indicated)\b"
    r"|(?:do|does|did|should|must) not\b|should\b|must\b|no (?:\w+ ){0,3}adjust|not (?:necessary|"
    r"requir|need)|adjust(?:ed|ment)? (?:is|are|of|the|not)|caution|maximum|not exceed|instruct"
    r"|advise|careful|not been (?:studied|established|evaluated|determined)|not known|no data"
    r"|no (?:overall|clinically|meaningful)|have been established|monitor|discontinue\b|withhold"
    r"|evite|evitar|no (?:se )?(?:debe|recomienda|tome|use)|contraindicad|ajust|precaucion"
    r"|(?:with|without) (?:regard to )?food|with or without|swallow|skip|as soon as|taper|gradual"
)
INSTRUCTION = re.compile(rf"{AMOUNT}|\b(?:{_ACTIONS})")
"""What a sentence says that tells its reader what to do."""
DIRECT = re.compile(
    rf"{AMOUNT}|\b(?:reduc(?:e|ed|ir)\b|lower (?:\w+ )?dos|half|avoid|contraindicat|do not\b"
    r"|not (?:be )?(?:recommend|used?\b)|no (?:\w+ ){0,3}adjust|not (?:necessary|requir|need)"
    r"|evit|no (?:se )?(?:debe|recomienda|tome|use)|contraindicad)"
)
"""The part of it that leaves nothing to judge: how much, not at all, or no change."""
DIRECT_WEIGHT = 3

_AS_A_RULE = r"\b(?:usual|recommended) (?:\w+ ){0,3}(?:dos|start|initial)|dosis recomendada"
_SPECIAL = (
    r"\b(?:poor metaboli|cyp\d|inhibitor|inducer|renal|hepatic|impair|reduc|maximum|not exceed"
    r"|overdos|adverse reaction|premedicat|miss(?:ed)?\b|vomit|withh[eo]ld|interrupt|child.pugh"
    r"|infants?|p[ae]+diatric|geriatric|elder|dose (?:level|modif|reduc)|toxicit|dilut|needle"
    r"|syringe|switch|convert|crush|wait\b|hours? (?:before|after|apart))"
)
_STATES_A_DOSE = (
    r"\b(?:(?:recommended|usual|initial|starting|target|maintenance|adult|typical|oral|daily)"
    r" (?:\w+ ){0,3}(?:dos(?:e|es|age|ing)|schedule|regimen)|dosis (?:\w+ ){0,2}(?:recomendada"
    r"|habitual|inicial|usual|diaria)|adults?:|adultos)"
)
_CAPTION = r"\btables? \d+|\bfigures? [\da-z]\b|\bsee (?:full )?prescribing"

_TELLING: dict[str, tuple[tuple[str, int], ...]] = {
    "dose": ((AMOUNT, 3), (_STATES_A_DOSE, 2), (_AS_A_RULE, 1), (_SPECIAL, -3), (_CAPTION, -1)),
    "side_effects": (
        (
            r"\b(?:most common|commonly (?:observed|reported)|most frequent\w*|mas frecuentes)"
            r" (?:\w+ ){0,3}(?:adverse|side|reacc|efectos|reactions)|muy frecuentes",
            3,
        ),
        (r"\bdiscontinu|\btrial|\blaborator|\bless common|\btables? \d|\bserious", -2),
    ),
    "storage": (
        (r"\bstor(?:e|ed|age)\b|\brefrigerat|\bkeep (?:in|at|below|cool)|\bconserv", 5),
        (r"\d ?° ?[cf]|\bdegrees", 2),
    ),
    "pregnancy": (
        (r"\bregistr|\benroll", -8),
        (r"\brats?\b|\brabbits?\b|\banimal", -5),
        (r"\brisk summary|\b(?:fetal harm|birth defect)", 7),
    ),
}
_ASKED_OF_A_DOSE = (
    (
        r"max\w*|highest|upper limit|at most|tope",
        r"\bmaxim|not (?:to )?exceed|no more than \d|\bup to \d|no mas de",
        9,
    ),
    (r"start\w*|initial\w*|inici\w*|begin\w*|empez\w*", r"\bstarting|\binitial|\binicial", 3),
    (r"maint\w*|manten\w*", r"\bmaintenance|\bmantenimiento", 4),
    (r"adult\w*", r"\badult", 3),
    (
        r"how often|how many times|cada cuant\w*|frequen\w*|cuantas veces",
        r"\bonce|\btwice|\bevery \d|\btimes (?:a|per)|\bdaily|\bweekly|\bcada \d|\bal dia",
        3,
    ),
    (
        r"how long|cuanto tiempo|duration",
        r"\buntil|\b(?:weeks?|months?|days)\b|\bhasta|\bsemanas",
        3,
    ),
)
"""How a question turns to one side of the dose, how sentences tell it, and what that weighs."""

_GENERIC = stems(
    "usual usually normal normally habitual habitualmente recommended recomendada recommend"
    " standard typical correct correcta right appropriate regular give given giving administer"
    " administered safe safely okay allowed daily people person patient patients someone"
    " paciente pacientes persona gente medicine medication medicamento drug label labelled"
    " information prospecto ficha describe explain please help need needs want tell much many"
    " happens problem problems cause causes bad good maximum maxima maximo starting start initial"
    " inicial begin maintenance mantenimiento adult adults adulto adultos often times long"
    " year years old age aged anos edad months meses weeks"
)


def specific_stems(question: str) -> set[str]:
    """Stems of the question's words that may tell one sentence from another.

    >>> sorted(specific_stems("What is the usual recommended dose in schizophrenia?"))
    ['dose', 'schiz']
    """
    return stems(question) - _GENERIC


_MEASURE = re.compile(r"(\d+(?:[.,]\d+)?)[ -]?(kg|mg|mcg|g|ml|years?|anos|hours?|horas)\b")
_CODE = re.compile(r"\b[a-z]+\d[\w*]*")
_GRADE = re.compile(r"\b(?:child.pugh|class|clase) (?:class )?([abc])\b")


def measures(question: str) -> list[Wanted]:
    """The amounts, ages, grades and codes (G6PD) that the question names.

    >>> [one.pattern.pattern for one in measures("dose under 60 kg")]
    ['(?<![\\\\d.,])60[ -]?kg']
    """
    folded = fold(question)
    found = dict.fromkeys(
        rf"(?<![\d.,]){re.escape(number)}[ -]?{unit}" for number, unit in _MEASURE.findall(folded)
    )
    found |= dict.fromkeys(rf"\b{re.escape(code)}" for code in _CODE.findall(folded))
    found |= dict.fromkeys(rf"(?:pugh|class) {grade}\b" for grade in _GRADE.findall(folded))
    return [Wanted(re.compile(pattern), WORD_WEIGHT) for pattern in found]


def telling(kind: str, question: str) -> list[Wanted]:
    """What a sentence of that kind of section says when it answers, the question's turn first."""
    wanted = [Wanted(re.compile(pattern), weight) for pattern, weight in _TELLING.get(kind, ())]
    if kind == "dose":
        folded = fold(question)
        wanted += [
            Wanted(re.compile(told), weight)
            for asked, told, weight in _ASKED_OF_A_DOSE
            if re.search(rf"\b(?:{asked})", folded)
        ]
    return wanted
