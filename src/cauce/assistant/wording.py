"""What the assistant says in its own voice, in Spanish and English, and how it tells them apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cauce.knowledge.words import words
from cauce.records import Language

SECTION_NAMES: dict[str, dict[Language, str]] = {
    "use": {"en": "what it is for", "es": "para qué sirve"},
    "dose": {"en": "dose", "es": "dosis"},
    "side_effects": {"en": "side effects", "es": "efectos secundarios"},
    "contraindications": {"en": "contraindications", "es": "contraindicaciones"},
    "interactions": {"en": "interactions", "es": "interacciones"},
    "pregnancy": {"en": "pregnancy", "es": "embarazo"},
    "driving": {"en": "driving", "es": "conducción"},
    "overdose": {"en": "overdose", "es": "sobredosis"},
    "storage": {"en": "storage", "es": "conservación"},
    "composition": {"en": "composition", "es": "composición"},
    "warnings": {"en": "warnings", "es": "advertencias"},
    "children": {"en": "use in children", "es": "uso en niños"},
    "elderly": {"en": "use in older people", "es": "uso en personas mayores"},
    "populations": {"en": "use in specific populations", "es": "uso en grupos de pacientes"},
    "mechanism": {"en": "how it works", "es": "cómo actúa"},
    "dependence": {"en": "dependence", "es": "dependencia"},
    "patients": {"en": "information for patients", "es": "información para el paciente"},
}

_MESSAGES: dict[str, dict[Language, str]] = {
    "unknown": {
        "en": "I cannot show anything about {names}: I have no document about it. "
        "Ask a pharmacist or a doctor.",
        "es": "No puedo mostrar nada sobre {names}: no tengo ningún documento suyo. "
        "Consulte a un farmacéutico o a un médico.",
    },
    "unnamed": {
        "en": "I found no medicine that I know in your question. Which medicine do you mean?",
        "es": "No encuentro en su pregunta ningún medicamento que conozca. "
        "¿De qué medicamento se trata?",
    },
    "ask": {
        "en": "These names are easily confused: {names}. Which one do you mean?",
        "es": "Estos nombres se confunden con facilidad: {names}. ¿Cuál de ellos es?",
    },
    "ask_one": {
        "en": "I have no medicine of exactly that name. Do you mean {names}?",
        "es": "No tengo ningún medicamento con ese nombre exacto. ¿Se refiere a {names}?",
    },
    "several": {
        "en": "Your question names several medicines: {names}. Please ask about one at a time.",
        "es": "Su pregunta nombra varios medicamentos: {names}. "
        "Pregunte por uno cada vez, por favor.",
    },
    "not_named_together": {
        "en": "The documents I have about {names} do not name them together under “{section}”. "
        "That does not mean they may be combined: ask a pharmacist or a doctor.",
        "es": "Los documentos que tengo sobre {names} no los nombran juntos en «{section}». "
        "Eso no significa que se puedan combinar: consulte a un farmacéutico o a un médico.",
    },
    "no_section": {
        "en": "The documents I have about {names} say nothing under “{section}”. "
        "Ask a pharmacist or a doctor.",
        "es": "Los documentos que tengo sobre {names} no dicen nada en «{section}». "
        "Consulte a un farmacéutico o a un médico.",
    },
    "not_mentioned": {
        "en": "The sections I looked into about {names} do not mention {section}. "
        "That does not mean that it makes no difference: ask a pharmacist or a doctor.",
        "es": "Las secciones que he consultado sobre {names} no mencionan {section}. "
        "Eso no significa que dé igual: consulte a un farmacéutico o a un médico.",
    },
    "not_named": {
        "en": "The text about {names} does not name {section}. That is not “no interaction”: "
        "ask a pharmacist or a doctor.",
        "es": "El texto sobre {names} no nombra {section}. Eso no es «no hay interacción»: "
        "consulte a un farmacéutico o a un médico.",
    },
    "named_by_group": {
        "en": "“{section}” is a group of medicines to which {names} belongs.",
        "es": "«{section}» es un grupo de medicamentos al que pertenece {names}.",
    },
    "maker_differs": {
        "en": "Another label, of {names}, says otherwise: “{section}”",
        "es": "Otra ficha, la de {names}, dice otra cosa: «{section}»",
    },
    "other_language": {
        "en": "The only text I have about {names} is in Spanish.",
        "es": "El único texto que tengo sobre {names} está en inglés.",
    },
    "no_kind": {
        "en": "I cannot tell what you want to know about {names}. Ask, for example, about "
        "its dose, its side effects or its interactions.",
        "es": "No sé qué quiere saber sobre {names}. Pregunte, por ejemplo, por su dosis, "
        "sus efectos secundarios o sus interacciones.",
    },
}

_SPANISH = frozenset(
    """
    el la los las de del que en y para por con sin es como se un una puedo si mi su cual
    cuanto cuanta cada cuando donde tomo tomar toma dosis efectos sirve tiene hay esta al lo
    le quien sobre puede pueden debo soy tengo estoy desde hasta embarazo lactancia conducir
    contraindicaciones interacciones secundarios adversos reacciones sobredosis pauta excipientes
    posologia advertencias precauciones prospecto pastilla pastillas comprimido comprimidos jarabe
    alergia alergico ninos nino bebe ancianos mayores insuficiencia olvido dejar beber mezclar
    caducidad nevera tambien entonces
    """.split()  # noqa: SIM905
)
_CATALAN = frozenset(
    """
    el la els les de del que en i per amb sense es com un una puc si quin quina quins quines quan
    on prenc prendre pot poden dosi efectes serveix te hi al qui sobre soc tinc estic durant fins
    embaras conduir contraindicacions interaccions adversos gent nens fill meva meu
    """.split()  # noqa: SIM905
)
_ENGLISH = frozenset(
    """
    the of to and for with without is are how what which who can i my does do it in on take
    taking dose effects side while should if much often when where about any used be a
    am you your me was were has have had not from this that there safe get give kids children old
    pregnancy breastfeeding driving overdose storage interactions contraindications
    warnings dosage pill pills tablet tablets kidney liver too many will would could
    """.split()  # noqa: SIM905
)

_IBERIAN_LETTERS = re.compile(r"[¿¡ñáéíóúüàèòçï·]")


def say(message: str, language: Language, *, names: Sequence[str] = (), kind: str = "") -> str:
    """The message in that language, with the names and the section filled in."""
    section = SECTION_NAMES.get(kind, {}).get(language, kind)
    return _MESSAGES[message][language].format(names=", ".join(names), section=section)


def language_of(text: str) -> Language:
    """`es` or `en`, by the small words of each language and by Spanish letters and signs.

    Catalan is answered in Spanish.

    >>> language_of("¿Dosis de ibuprofeno?"), language_of("ibuprofen dose")
    ('es', 'en')
    >>> language_of("Puc prendre ibuprofen si condueixo?")
    'es'
    """
    found = words(text)
    letters = 2 * len(_IBERIAN_LETTERS.findall(text.lower()))
    iberian = max(sum(word in own for word in found) for own in (_SPANISH, _CATALAN))
    english = sum(word in _ENGLISH for word in found)
    return "es" if iberian + letters > english else "en"
