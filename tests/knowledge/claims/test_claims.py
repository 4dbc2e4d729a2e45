"""problems_of: what a claim says must be said by one sentence of the source, of the same people."""

from __future__ import annotations

import doctest

import pytest

from cauce.knowledge.claims import claims, items, statements
from cauce.knowledge.claims.claims import problems_of
from cauce.knowledge.claims.items import items_of
from cauce.knowledge.sentences import sentences
from cauce.records import Language

DOSE = (
    "Adults take 400 mg by mouth every 8 hours, with food. Children under 12 years take 200 mg "
    "twice daily. Do not take more than 1.2 g a day. In severe renal impairment the dose may be "
    "reduced, unless dialysis is planned."
)
DOSIS = (
    "Los adultos toman 400 mg por vía oral cada 8 horas. Los niños menores de 12 años toman de 5 a "
    "10 mg/kg/día. No tome más de 1.200 mg al día. Está contraindicado en el embarazo, salvo si su "
    "médico lo indica."
)


def checks(
    answer: str, quote: str = DOSE, title: str = "", language: Language | None = None
) -> list[str]:
    return [problem.check for problem in problems_of(answer, quote, title, language)]


@pytest.mark.parametrize("module", [claims, items, statements])
def test_doc_examples(module) -> None:
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize("quote", [DOSE, DOSIS])
def test_every_sentence_supports_itself(quote: str) -> None:
    for span in sentences(quote):
        assert checks(span.of(quote), quote) == []


@pytest.mark.parametrize(
    "answer",
    [
        "Adults take 0.4 g orally every 8 hours, with food.",
        "Adults take 400 mg by mouth.",
        "Adult takes 400 mg by mouth each 8 h.",
        "Ibuprofen: Adults take 400 mg by mouth every eight hours.",
        "Children under 12 years take 0.2 g two times a day.",
        "Do not take more than 1200 mg daily.",
    ],
)
def test_the_same_said_otherwise(answer: str) -> None:
    assert checks(answer, title="Ibuprofen · Dose") == []


@pytest.mark.parametrize(
    "answer",
    [
        "Los adultos toman 0,4 g por boca cada ocho horas.",
        "Los niños menores de 12 años toman 5-10 mg/kg al día.",
        "No tome más de 1,2 g diarios.",
    ],
)
def test_the_same_said_otherwise_in_spanish(answer: str) -> None:
    assert checks(answer, DOSIS, language="es") == []


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        ("Adults take 200 mg by mouth every 8 hours.", "numbers"),
        ("Adults take 400 mcg by mouth every 8 hours.", "units"),
        ("Adults take 400 mg by mouth 3 times a day.", "frequency"),
        ("Adults take 400 mg rectally every 8 hours.", "route"),
        ("Children take 400 mg by mouth every 8 hours.", "population"),
        ("Take 400 mg by mouth every 8 hours.", "population"),
        ("Children over 12 years take 200 mg twice daily.", "population"),
        ("Children take 200 mg twice daily.", "population"),
        ("Take more than 1.2 g a day.", "negation"),
        ("Adults do not take 400 mg by mouth.", "negation"),
        ("Do not take less than 1.2 g a day.", "numbers"),
        ("In severe renal impairment the dose may be reduced.", "negation"),
        ("In renal impairment the dose may be reduced, unless dialysis is planned.", "wording"),
        ("In severe renal impairment the dose is reduced, unless dialysis is planned.", "wording"),
        ("Adults swallow 400 mg by mouth.", "wording"),
    ],
)
def test_what_the_source_does_not_say(answer: str, check: str) -> None:
    assert check in checks(answer)


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        ("Los adultos toman 400 mg por vía rectal cada 8 horas.", "route"),
        ("Los adultos toman 400 mg por vía oral 8 veces al día.", "frequency"),
        ("Los adultos toman de 5 a 10 mg/kg/día.", "population"),
        ("Los niños menores de 12 años toman 10 mg/kg/día.", "numbers"),
        ("Los niños mayores de 12 años toman de 5 a 10 mg/kg/día.", "population"),
        ("Tome más de 1.200 mg al día.", "negation"),
        ("No tome más de 1,2 mg al día.", "units"),
        ("Está contraindicado en el embarazo.", "negation"),
        ("Está indicado en el embarazo, salvo si su médico lo indica.", "wording"),
    ],
)
def test_what_the_spanish_source_does_not_say(answer: str, check: str) -> None:
    found = checks(answer, DOSIS, language="es")
    assert check in found or (check == "units" and "numbers" in found)


@pytest.mark.parametrize(
    ("quote", "answer"),
    [
        ("Adults take 400 mg, children 200 mg.", "Adults take 200 mg."),
        ("Adults, 400 mg, children, 200 mg.", "Adults, 200 mg."),
        ("Rash came after 8 days, and diarrhea after 12 days.", "Rash came after 12 days."),
        ("Digoxin (10 mg) and losartan (50 mg) were taken.", "Digoxin (50 mg) were taken."),
        ("Scan every 8 weeks at first, every 12 weeks later.", "Scan every 12 weeks later."),
        ("Store at 15°C to 30°C.", "Store at 15°C."),
        ("It is more common in adults than in children.", "It is more common in children."),
        ("Recommended in adults but not in children.", "Recommended in children."),
        ("Do not drive, drink or use machines.", "Use machines."),
        ("You should not: drive; use machines.", "Use machines."),
        ("Do not use if you:\n• have asthma\n• drink alcohol", "Drink alcohol."),
        ("Take it with food or milk.", "Take it with food and milk."),
        ("Vitamin K weakens it.", "Vitamin D weakens it."),
        ("Children:\nTake 200 mg.", "Take 200 mg."),
    ],
)
def test_words_left_out_do_not_make_another_claim(quote: str, answer: str) -> None:
    assert checks(answer, quote) != []


@pytest.mark.parametrize(
    ("quote", "answer"),
    [
        (
            "Safety in children has not been established.",
            "In children, safety has not been established.",
        ),
        ("Take it whole, and do not chew it.", "Take it whole."),
        ("Do not drive; drink water.", "Drink water."),
        ("Nausea (very common) and rash occur.", "Nausea and rash occur."),
        ("Children:\nTake 200 mg.", "Children: take 200 mg."),
        ("Do not use if you:\n• have asthma\n• drink alcohol", "Do not use if you: have asthma."),
    ],
)
def test_whole_clauses_may_be_left_out_and_populations_moved(quote: str, answer: str) -> None:
    assert checks(answer, quote) == []


def test_the_name_in_front_takes_no_other_subjects_place() -> None:
    quote = "Warfarin increases bleeding with aspirin."
    assert checks("Ibuprofen increases bleeding with aspirin.", quote, "Ibuprofen · Interactions")
    assert not checks(
        "Ibuprofen: Warfarin increases bleeding.", "Warfarin increases bleeding.", "Ibuprofen"
    )


def test_a_problem_says_what_the_source_says() -> None:
    details = [problem.detail for problem in problems_of("Adults take 400 mg rectally.", DOSE)]
    assert "rectally: the source says by mouth" in details


def test_ages_are_populations_and_durations_are_not() -> None:
    kinds = [item.kind for item in items_of("Children 6 to 12 years take 5 mg for 2 years.")]
    assert kinds == ["population", "population", "quantity", "quantity"]


def test_an_empty_source_supports_nothing() -> None:
    assert checks("Adults take 400 mg.", "") != []
