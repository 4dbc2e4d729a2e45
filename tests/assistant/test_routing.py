from __future__ import annotations

import pytest

from cauce.assistant.routing import CUES, cue_words, kinds_of
from cauce.assistant.wording import SECTION_NAMES, language_of
from cauce.corpus.examples import spoken_names
from cauce.corpus.questions import KINDS, QUESTIONS
from cauce.records import Document
from cauce.sources import VademecumSource

ASKED = {
    "use": (
        "¿Qué es el omeprazol?",
        "¿Para qué me han mandado atorvastatina?",
        "¿La amoxicilina vale para la gripe?",
        "Indicaciones autorizadas de apixabán",
        "What condition is metformin prescribed for?",
        "Does amoxicillin work for the flu?",
        "How does omeprazole work?",
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
        "What about ibuprofen for children?",
        "¿Se le puede dar paracetamol a un bebé?",
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
        if kinds_of(question)[:1] != [kind]
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
    assert kinds_of(question)[:1] == [kind], kinds_of(question)


@pytest.mark.parametrize("kind", ASKED)
def test_questions_were_written_in_both_languages(kind: str) -> None:
    assert {language_of(question) for question in ASKED[kind]} == {"en", "es"}


def test_a_question_of_another_matter_has_no_kind() -> None:
    assert kinds_of("¿Cuánto cuesta el ibuprofeno?") == []
    assert kinds_of("ibuprofen") == []


@pytest.mark.parametrize("kind", [kind for kind in CUES if kind != "warnings"])
def test_every_cue_is_of_a_kind_that_can_be_named_and_asked(kind: str) -> None:
    assert kind in KINDS
    assert set(SECTION_NAMES[kind]) == {"en", "es"}


def test_the_particulars_of_a_question_are_no_cues() -> None:
    words = cue_words("dosis de metformina en insuficiencia renal").split()
    assert words == ["dosis"]
    assert "kidney" not in cue_words("Can people with kidney disease take ibuprofen?")
    assert "grapefruit" not in cue_words("Does simvastatin react with grapefruit juice?")
