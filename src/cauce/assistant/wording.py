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
    "too_long": {
        "en": "Your question is longer than I can read. Please ask it in a few words.",
        "es": "Su pregunta es más larga de lo que puedo leer. Hágala en pocas palabras, por favor.",
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
    le quien sobre
    """.split()  # noqa: SIM905
)
_ENGLISH = frozenset(
    """
    the of to and for with without is are how what which who can i my does do it in on take
    taking dose effects side while should if much often when where about any used be a
    """.split()  # noqa: SIM905
)


def say(message: str, language: Language, *, names: Sequence[str] = (), kind: str = "") -> str:
    """The message in that language, with the names and the section filled in."""
    section = SECTION_NAMES.get(kind, {}).get(language, kind)
    return _MESSAGES[message][language].format(names=", ".join(names), section=section)


def language_of(text: str) -> Language:
    """`es` or `en`, by the small words of each language and by Spanish letters and signs.

    >>> language_of("¿Dosis de ibuprofeno?"), language_of("ibuprofen dose")
    ('es', 'en')
    """
    found = words(text)
    spanish = sum(word in _SPANISH for word in found) + 2 * len(
        re.findall(r"[¿¡ñáéíóúü]", text.lower())
    )
    english = sum(word in _ENGLISH for word in found)
    return "es" if spanish > english else "en"
