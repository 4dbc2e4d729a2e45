from __future__ import annotations

import doctest
import time

import pytest

from cauce.assistant import routing
from cauce.assistant.cues import CUES, NAMED
from cauce.assistant.routing import (
    conditions_of,
    cue_words,
    in_conversation,
    is_follow_up,
    kinds_of,
)
from cauce.assistant.wording import SECTION_NAMES, language_of
from cauce.corpus.examples import spoken_names
from cauce.corpus.questions import KINDS, QUESTIONS
from cauce.records import Document
from cauce.sources import VademecumSource
from cauce.sources.medicines import FURTHER_KINDS
from cauce.sources.medicines import KINDS as SECTION_KINDS

ASKED = {
    "use": (
        "¿Qué es el omeprazol?",
        "¿Para qué me han mandado atorvastatina?",
        "¿La amoxicilina vale para la gripe?",
        "Indicaciones autorizadas de apixabán",
        "What condition is metformin prescribed for?",
        "Does amoxicillin work for the flu?",
    ),
    "dose": (
        "dosis de metformina en insuficiencia renal",
        "Ajuste posológico de levofloxacino con ClCr de 30 ml/min",
        "me he olvidado una dosis de levotiroxina",
        "Se me ha olvidado tomar el enalapril esta mañana, ¿qué hago?",
        "¿Cuántas veces al día tomo omeprazol?",
        "¿Puedo partir el comprimido de bisoprolol?",
        "¿El omeprazol se toma antes o después de comer?",
        "¿Puedo tomar ibuprofeno con comida?",
        "¿Hay que tragar entera la cápsula de omeprazol?",
        "dose of metformin in renal impairment",
        "I missed a dose of levothyroxine",
        "Should I take omeprazole before or after meals?",
        "Can I take ibuprofen with food?",
        "Can I crush bisoprolol tablets?",
        "How long should I keep taking amoxicillin?",
        "maximum daily dose of paracetamol",
        "How much ibuprofen for a 20 kg child?",
        "¿Qué cantidad de paracetamol le doy a mi hija?",
        "me he saltado una toma de apixabán",
        "Can you cut losartan in half?",
    ),
    "children": (
        "What about ibuprofen for children?",
        "¿Se le puede dar paracetamol a un bebé?",
    ),
    "elderly": (
        "Is zolpidem safe for elderly people?",
        "¿Es peligroso el lorazepam para los ancianos?",
    ),
    "mechanism": (
        "How does omeprazole work?",
        "¿Cuánto tarda en hacer efecto el paracetamol?",
        "half-life of fluoxetine",
    ),
    "side_effects": (
        "¿El ibuprofeno hace daño al estómago?",
        "¿La sertralina engorda?",
        "¿Es normal que el enalapril me dé tos?",
        "RAM frecuentes de amiodarona",
        "Does sertraline cause weight gain?",
        "Why does enalapril make me cough?",
        "Is it normal to feel dizzy with amlodipine?",
    ),
    "contraindications": (
        "¿Quién no puede tomar ibuprofeno?",
        "Soy alérgico a la penicilina, ¿puedo tomar amoxicilina?",
        "¿Puedo tomar ibuprofeno con insuficiencia renal?",
        "Is propranolol contraindicated in asthma?",
        "Can people with kidney disease take ibuprofen?",
        "I am allergic to penicillin, can I take amoxicillin?",
    ),
    "interactions": (
        "¿Puedo beber vino con metronidazol?",
        "¿Puedo tomarme una cerveza si tomo amoxicilina?",
        "¿El zumo de pomelo afecta a la simvastatina?",
        "¿Puedo tomar ibuprofeno con paracetamol?",
        "¿Puedo tomar ibuprofeno y enalapril a la vez?",
        "Can I have a glass of wine with metronidazole?",
        "Can I take ibuprofen with paracetamol?",
        "Does simvastatin react with grapefruit juice?",
    ),
    "pregnancy": (
        "¿Puedo dar el pecho si tomo paracetamol?",
        "¿Está contraindicada la warfarina en el embarazo?",
        "can I breastfeed on sertraline",
        "Is sertraline safe for nursing mothers?",
        "We are trying to conceive: is valproate safe?",
    ),
    "driving": (
        "¿Me puedo poner al volante con lorazepam?",
        "¿El diazepam da sueño al conducir?",
        "¿Puedo ir en moto si tomo tramadol?",
        "Can I operate heavy machinery on cetirizine?",
        "Is it ok to drive the morning after zolpidem?",
    ),
    "overdose": (
        "Mi hijo se ha bebido un frasco de paracetamol",
        "He tomado el doble de metformina por error",
        "antídoto de la intoxicación por diazepam",
        "My toddler ate a whole bottle of paracetamol",
        "I accidentally took two doses of metformin",
    ),
    "storage": (
        "¿La insulina glargina va en la nevera?",
        "¿Cuánto dura la insulina una vez abierta?",
        "¿Puedo usar un ibuprofeno caducado?",
        "Does insulin glargine need to be in the fridge?",
        "How long does an opened insulin pen last?",
    ),
    "composition": (
        "¿El omeprazol lleva lactosa?",
        "¿Es apto para celíacos el paracetamol?",
        "¿El jarabe de codeína contiene alcohol?",
        "Is there lactose in loratadine?",
        "Which strengths of amlodipine are there?",
    ),
    "warnings": (
        "¿Qué precauciones hay que tener con la colchicina?",
        "What should I be careful about with colchicine?",
        "Can I just stop taking sertraline?",
        "¿Puedo dejar de tomar la paroxetina de golpe?",
        "withdrawal symptoms of lorazepam",
        "Is there a black box warning for levofloxacin?",
        "Is naproxen safe for my kidneys?",
    ),
}


def documents(language: str) -> list[Document]:
    found = VademecumSource(languages=(language,)).documents()  # type: ignore[arg-type]
    return [document for document in found if isinstance(document, Document)]


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_wording_goes_to_its_kind_whatever_the_medicine(language: str) -> None:
    names = {name for document in documents(language) for name in spoken_names(document)}
    assert len(names) > 90
    astray = [
        (kind, question, kinds_of(question))
        for kind in KINDS
        for wording in QUESTIONS[kind][language]  # type: ignore[index]
        for question in (wording.format(name=name) for name in sorted(names))
        if kinds_of(question) != [kind]
    ]
    assert astray == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_wording_is_known_for_its_language(language: str) -> None:
    questions = [wording for kind in KINDS for wording in QUESTIONS[kind][language]]  # type: ignore[index]
    astray = [question for question in questions if language_of(question) != language]
    assert astray == []


@pytest.mark.parametrize(
    ("kind", "question"), [(kind, question) for kind in ASKED for question in ASKED[kind]]
)
def test_people_and_professionals_are_understood(kind: str, question: str) -> None:
    assert kinds_of(question) == [kind]


@pytest.mark.parametrize("kind", ASKED)
def test_questions_were_written_in_both_languages(kind: str) -> None:
    assert {language_of(question) for question in ASKED[kind]} == {"en", "es"}


def test_a_question_of_another_matter_has_no_kind() -> None:
    assert kinds_of("¿Cuánto cuesta el ibuprofeno?") == []
    assert kinds_of("ibuprofen") == []


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in CUES} | {*NAMED}))
def test_every_cue_is_of_a_kind_that_sections_have_and_that_can_be_named(kind: str) -> None:
    assert kind in {*SECTION_KINDS, *FURTHER_KINDS}
    assert set(SECTION_NAMES[kind]) == {"en", "es"}


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("dosis y efectos secundarios de metformina", ["dose", "side_effects"]),
        ("side effects and dose of metformin", ["side_effects", "dose"]),
        ("What is omeprazole for and how do I take it?", ["use", "dose"]),
        ("¿Puedo conducir y beber alcohol con lorazepam?", ["driving", "interactions"]),
        ("indications, side effects & excipients of X", ["use", "side_effects", "composition"]),
        ("¿Cuál es la dosis de ibuprofeno y de paracetamol?", ["dose"]),
        ("Estoy embarazada, ¿puedo usar ibuprofeno?", ["pregnancy"]),
        ("I took two tablets by mistake and feel sick", ["overdose"]),
        ("Should I take it before or after meals?", ["dose"]),
    ],
)
def test_several_kinds_come_of_a_question_that_names_several(
    question: str, kinds: list[str]
) -> None:
    assert kinds_of(question) == kinds


@pytest.mark.parametrize(
    ("question", "keys"),
    [
        ("dosis en niños con insuficiencia renal", ["children", "renal"]),
        ("Can I drink wine on it if I have asthma?", ["alcohol", "asthma"]),
        ("CrCl 25 ml/min", ["renal"]),
        ("Child-Pugh B", ["hepatic"]),
        ("¿Puedo dar el pecho?", ["breast_feeding"]),
        ("Does sertraline affect your sex drive?", ["sexual"]),
        ("usual dose for adults", []),
    ],
)
def test_conditions_are_found_in_both_languages(question: str, keys: list[str]) -> None:
    assert [condition.key for condition in conditions_of(question)] == keys


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("¿Y en el embarazo?", True),
        ("and with alcohol?", True),
        ("What about the elderly?", True),
        ("¿y para niños?", True),
        ("What is the dose of ibuprofen?", False),
        ("¿Yodo en el embarazo?", False),
    ],
)
def test_follow_ups_are_told_by_how_they_open(text: str, follows: bool) -> None:
    assert is_follow_up(text) is follows


@pytest.mark.parametrize(
    ("text", "earlier", "kinds"),
    [
        ("¿Y en el embarazo?", ["¿Cuál es la dosis de ibuprofeno?"], ("pregnancy",)),
        ("and for children?", ["What is the dose of ibuprofen?"], ("dose",)),
        ("and for children?", ["Can I drive on codeine?"], ("children",)),
        ("¿y si tengo insuficiencia renal?", ["¿Qué dosis de metformina tomo?"], ("dose",)),
        ("¿y las contraindicaciones?", ["¿Qué dosis de metformina tomo?"], ("contraindications",)),
        ("¿Y el paracetamol?", ["hola", "¿Puedo conducir con tramadol?"], ("driving",)),
        ("¿Y el paracetamol?", [], ()),
        ("Can children take it?", ["What is the dose of ibuprofen?"], ("children",)),
    ],
)
def test_a_turn_takes_from_the_turns_before_what_it_lacks(
    text: str, earlier: list[str], kinds: tuple[str, ...]
) -> None:
    assert in_conversation(text, earlier).kinds == kinds


def test_a_follow_up_on_other_patients_leaves_those_of_the_turn_before() -> None:
    turn = in_conversation("¿y para niños?", ["dosis de ibuprofeno en ancianos"])
    assert [condition.key for condition in conditions_of(turn.text)] == ["children"]


def test_routing_takes_no_time() -> None:
    question = "¿Puedo tomar ibuprofeno con insuficiencia renal? " * 40
    start = time.perf_counter()
    kinds_of(question)
    conditions_of(question)
    assert time.perf_counter() - start < 0.5


def test_the_particulars_of_a_question_are_no_cues() -> None:
    words = cue_words("dosis de metformina en insuficiencia renal").split()
    assert words == ["dosis"]
    assert "kidney" not in cue_words("Can people with kidney disease take ibuprofen?")
    assert "grapefruit" not in cue_words("Does simvastatin react with grapefruit juice?")


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(routing).failed == 0
