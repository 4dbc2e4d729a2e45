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
        "en": "I have no document about {quoted}, so I cannot show anything about it. "
        "Ask a pharmacist or a doctor.",
        "es": "No tengo ningún documento sobre {quoted}, así que no puedo mostrar nada al "
        "respecto. Consulte a un farmacéutico o a un médico.",
    },
    "unnamed": {
        "en": "I found no medicine that I know in your question. Which medicine do you mean?",
        "es": "No encuentro en su pregunta ningún medicamento que conozca. "
        "¿De qué medicamento se trata?",
    },
    "ask": {
        "en": "It may be any of these: {names}. Which one do you mean?",
        "es": "Puede tratarse de cualquiera de estos: {names}. ¿A cuál se refiere?",
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
        "es": "Los documentos que tengo sobre {names} no los nombran juntos en el apartado "
        "«{section}». Eso no significa que se puedan combinar: consulte a un farmacéutico o a "
        "un médico.",
    },
    "no_section": {
        "en": "The documents I have about {names} have no section “{section}”. That does not "
        "mean that there is nothing to know: ask a pharmacist or a doctor.",
        "es": "Los documentos que tengo sobre {names} no tienen el apartado «{section}». Eso no "
        "significa que no haya nada que saber: consulte a un farmacéutico o a un médico.",
    },
    "not_mentioned": {
        "en": "What I looked into about {names} says nothing about {section}. "
        "That does not mean that it makes no difference: ask a pharmacist or a doctor.",
        "es": "Lo que he consultado de {names} no dice nada sobre {section}. "
        "Eso no significa que dé igual: consulte a un farmacéutico o a un médico.",
    },
    "not_named": {
        "en": "The text about {names} does not name “{section}”. That does not mean that there "
        "is no interaction: ask a pharmacist or a doctor.",
        "es": "El texto sobre {names} no nombra «{section}». Eso no significa que no haya "
        "interacción: consulte a un farmacéutico o a un médico.",
    },
    "named_by_group": {
        "en": "The group “{section}” includes {names}.",
        "es": "El grupo «{section}» incluye {names}.",
    },
    "maker_differs": {
        "en": "Another label, of {names}, says otherwise: “{section}”",
        "es": "Otra ficha, la de {names}, dice otra cosa: «{section}»",
    },
    "other_language": {
        "en": "What I found about {names} is only in Spanish.",
        "es": "Lo que he encontrado sobre {names} solo está en inglés.",
    },
    "unsure": {
        "en": "I am not sure enough that what I found answers your question, so I do not give it "
        "as an answer. Read it at its source: {quoted}.",
        "es": "No estoy lo bastante seguro de que lo que encuentro responda a su pregunta, así que "
        "no lo doy por respuesta. Léalo en su fuente: {quoted}.",
    },
    "no_kind": {
        "en": "I cannot tell what you want to know about {names}. Ask, for example, about "
        "dose, side effects or interactions.",
        "es": "No sé qué quiere saber sobre {names}. Pregunte, por ejemplo, por la dosis, "
        "los efectos secundarios o las interacciones.",
    },
}
_CHOICE = frozenset(("ask", "ask_one"))
"""Messages whose names are alternatives: "A or B"; those of the others go together."""
_JOINED: dict[Language, tuple[str, str]] = {"en": ("and", "or"), "es": ("y", "o")}
_I_SOUND = re.compile(r"h?[ií](?![aáeéo])", re.IGNORECASE)
_O_SOUND = re.compile(r"h?[oó]", re.IGNORECASE)

_SPANISH = frozenset(
    """
    el la los las de del que en y para por con sin es como se un una puedo si mi su cual
    cuanto cuanta cada cuando donde tomo tomar toma dosis efectos sirve tiene hay esta al lo
    le quien sobre puede pueden debo soy tengo estoy desde hasta embarazo lactancia conducir
    contraindicaciones interacciones secundarios adversos reacciones sobredosis pauta excipientes
    posologia advertencias precauciones prospecto pastilla pastillas comprimido comprimidos jarabe
    alergia alergico ninos nino bebe ancianos mayores insuficiencia olvido dejar beber mezclar
    caducidad nevera tambien entonces e o u estoy encuentro bien mal antes despues mientras hijo
    hija madre padre abuelo abuela mujer hombre mejor peor junto juntos diferencia
    tos gripe fiebre dolor sangre piel corazon higado rinon azucar leche comida
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
    nausea diarrhea diarrhoea asthma anemia anaemia edema oedema pneumonia
    warnings dosage pill pills tablet tablets kidney liver too many will would could
    """.split()  # noqa: SIM905
)

_SPANISH_ENDING = re.compile(r"(?:[^ie]a|as|os?|ones|osis|cion|dad|dades|[ai]r)$")
_ENGLISH_SPELLING = re.compile(r"(?:[bcfghkmpqvwxy]|[^s]t|e|[dklnst]s|[ai]tes|ing|tion)$|w")
_SHORTEST_TELLING_WORD = 4

_IBERIAN_LETTERS = re.compile(r"[¿¡ñáéíóúüàèòçï·]")


def say(message: str, language: Language, *, names: Sequence[str] = (), kind: str = "") -> str:
    """The message in that language, with the names and the section filled in."""
    section = SECTION_NAMES.get(kind, {}).get(language, kind)
    marks = "“{}”" if language == "en" else "«{}»"
    is_choice = message in _CHOICE
    return _MESSAGES[message][language].format(
        names=listed(names, language, is_choice=is_choice),
        quoted=listed([marks.format(name) for name in names], language),
        section=section,
    )


def listed(names: Sequence[str], language: Language, *, is_choice: bool = False) -> str:
    """The names as a sentence lists them.

    >>> listed(["A", "B", "C"], "en"), listed(["Adiro", "ibuprofeno"], "es")
    ('A, B and C', 'Adiro e ibuprofeno')
    >>> listed(["metformina", "Orfidal"], "es", is_choice=True)
    'metformina u Orfidal'
    """
    if len(names) < 2:
        return "".join(names)
    word = _JOINED[language][is_choice]
    last = names[-1].lstrip("«")
    if language == "es" and (_O_SOUND if is_choice else _I_SOUND).match(last):
        word = "u" if is_choice else "e"
    return f"{', '.join(names[:-1])} {word} {names[-1]}"


def language_of(text: str) -> Language:
    """`es` or `en`, by the small words of each language and by Spanish letters and signs.

    Where they weigh the same, as in "finasterida embarazada", the spelling of the words decides.
    Catalan is answered in Spanish.

    >>> language_of("¿Dosis de ibuprofeno?"), language_of("ibuprofen dose")
    ('es', 'en')
    >>> language_of("Puc prendre ibuprofen si condueixo?"), language_of("diclofenaco infarto")
    ('es', 'es')
    """
    found = words(text)
    letters = 2 * len(_IBERIAN_LETTERS.findall(text.lower()))
    iberian = max(sum(word in own for word in found) for own in (_SPANISH, _CATALAN))
    english = sum(word in _ENGLISH for word in found)
    if iberian + letters == english:
        telling = [word for word in found if len(word) >= _SHORTEST_TELLING_WORD]
        iberian += sum(bool(_SPANISH_ENDING.search(word)) for word in telling)
        english += sum(bool(_ENGLISH_SPELLING.search(word)) for word in telling)
    return "es" if iberian + letters > english else "en"
