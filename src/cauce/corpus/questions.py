"""How a patient, a carer or a pharmacist asks for each section, in Spanish and English.

`{name}` stands where the medicine's name goes; no wording needs its article or gender. The last
wording of each list is kept for the test split, so that it is never seen in training.
"""

from __future__ import annotations

from cauce.records import Language

QUESTIONS: dict[str, dict[Language, tuple[str, ...]]] = {
    "use": {
        "en": (
            "What is {name} used for?",
            "What does {name} treat?",
            "Describe what {name} is for.",
            "Why do people take {name}?",
            "What are the indications of {name}?",
        ),
        "es": (
            "¿Para qué sirve {name}?",
            "¿Para qué se usa {name}?",
            "Describe para qué es {name}.",
            "¿Qué trata {name}?",
            "¿Cuáles son las indicaciones de {name}?",
        ),
    },
    "dose": {
        "en": (
            "What is the usual dose of {name}?",
            "How should {name} be taken?",
            "How much {name} can an adult take?",
            "Describe the dosage of {name}.",
            "How often do I take {name}?",
        ),
        "es": (
            "¿Cuál es la dosis habitual de {name}?",
            "¿Cómo se toma {name}?",
            "¿Cuánto puede tomar un adulto de {name}?",
            "Describe la posología de {name}.",
            "¿Cada cuánto tomo {name}?",
        ),
    },
    "side_effects": {
        "en": (
            "What are the side effects of {name}?",
            "What adverse reactions can {name} cause?",
            "Describe the unwanted effects of {name}.",
            "Does {name} have side effects?",
            "What discomfort may {name} bring as a side effect?",
        ),
        "es": (
            "¿Qué efectos secundarios tiene {name}?",
            "¿Qué reacciones adversas puede causar {name}?",
            "Describe los efectos adversos de {name}.",
            "¿Qué efectos no deseados da {name}?",
            "¿Qué molestias puede dar {name} como efecto secundario?",
        ),
    },
    "contraindications": {
        "en": (
            "Who should not take {name}?",
            "What are the contraindications of {name}?",
            "When must {name} not be used?",
            "Describe when {name} is contraindicated.",
            "In whom is {name} forbidden?",
        ),
        "es": (
            "¿Quién no debe tomar {name}?",
            "¿Cuáles son las contraindicaciones de {name}?",
            "¿Cuándo no se debe usar {name}?",
            "Describe cuándo está contraindicado {name}.",
            "¿En qué personas está prohibido {name}?",
        ),
    },
    "interactions": {
        "en": (
            "What does {name} interact with?",
            "Which medicines should not be mixed with {name}?",
            "Describe the interactions of {name}.",
            "Can I take other medicines together with {name}?",
            "What drug interactions does {name} have?",
        ),
        "es": (
            "¿Con qué interacciona {name}?",
            "¿Qué medicamentos no se deben mezclar con {name}?",
            "Describe las interacciones de {name}.",
            "¿Puedo tomar otros medicamentos junto con {name}?",
            "¿Qué interacciones tiene {name}?",
        ),
    },
    "pregnancy": {
        "en": (
            "Can {name} be taken during pregnancy?",
            "Is {name} safe while pregnant?",
            "Describe the use of {name} in pregnancy.",
            "I am pregnant: can I use {name}?",
            "Can a pregnant woman take {name}?",
        ),
        "es": (
            "¿Se puede tomar {name} durante el embarazo?",
            "¿Es seguro {name} en el embarazo?",
            "Describe el uso de {name} en el embarazo.",
            "Estoy embarazada, ¿puedo usar {name}?",
            "¿Puede una mujer embarazada tomar {name}?",
        ),
    },
    "driving": {
        "en": (
            "Can I drive while taking {name}?",
            "Does {name} affect driving?",
            "Describe how {name} affects driving and using machines.",
            "Is it safe to drive with {name}?",
            "May I take the car after {name}?",
        ),
        "es": (
            "¿Puedo conducir si tomo {name}?",
            "¿Afecta {name} a la conducción?",
            "Describe cómo afecta {name} a conducir y usar máquinas.",
            "¿Es seguro conducir con {name}?",
            "¿Puedo coger el coche después de {name}?",
        ),
    },
    "overdose": {
        "en": (
            "What happens in an overdose of {name}?",
            "What should I do if I take too much {name}?",
            "Describe an overdose of {name}.",
            "What are the signs of a {name} overdose?",
            "Someone swallowed too many {name} tablets, what now?",
        ),
        "es": (
            "¿Qué pasa en una sobredosis de {name}?",
            "¿Qué hago si tomo demasiado {name}?",
            "Describe una sobredosis de {name}.",
            "¿Cuáles son los signos de una sobredosis de {name}?",
            "Alguien ha tragado demasiadas pastillas de {name}, ¿qué hago?",
        ),
    },
    "storage": {
        "en": (
            "How should {name} be stored?",
            "At what temperature is {name} kept?",
            "Describe the storage of {name}.",
            "Where do I keep {name}?",
            "What are the storage conditions of {name}?",
        ),
        "es": (
            "¿Cómo se conserva {name}?",
            "¿A qué temperatura se guarda {name}?",
            "Describe la conservación de {name}.",
            "¿Dónde guardo {name}?",
            "¿Cuáles son las condiciones de almacenamiento de {name}?",
        ),
    },
    "composition": {
        "en": (
            "What does {name} contain?",
            "What are the ingredients of {name}?",
            "Describe the composition of {name}.",
            "In which forms and strengths does {name} come?",
            "What is in {name}?",
        ),
        "es": (
            "¿Qué contiene {name}?",
            "¿Cuáles son los ingredientes de {name}?",
            "Describe la composición de {name}.",
            "¿En qué formas y concentraciones se presenta {name}?",
            "¿De qué está hecho {name}?",
        ),
    },
    "warnings": {
        "en": (
            "What are the warnings about {name}?",
            "What precautions does {name} call for?",
            "Describe the warnings and precautions of {name}.",
            "What should I be careful about with {name}?",
            "Which warnings come with {name}?",
        ),
        "es": (
            "¿Qué advertencias tiene {name}?",
            "¿Qué precauciones hay que tener con {name}?",
            "Describe las advertencias y precauciones de {name}.",
            "¿Con qué debo tener cuidado si tomo {name}?",
            "¿Cuáles son las advertencias sobre {name}?",
        ),
    },
}

KINDS = tuple(QUESTIONS)


def training_wordings(kind: str, language: Language) -> tuple[str, ...]:
    """The wordings that training and validation draw from."""
    return QUESTIONS[kind][language][:-1]


def description_wording(kind: str, language: Language) -> str:
    """The wording that asks for a description: a monograph is made of these.

    >>> description_wording("storage", "es")
    'Describe la conservación de {name}.'
    """
    return next(wording for wording in QUESTIONS[kind][language] if wording.startswith("Describe"))


def held_out_wording(kind: str, language: Language) -> str:
    """The wording kept for the test split."""
    return QUESTIONS[kind][language][-1]
