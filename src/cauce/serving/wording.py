"""The words of the chat page, in each of its languages."""

from __future__ import annotations

from cauce.records import Language

WORDING: dict[Language, dict[str, str]] = {
    "es": {
        "language_name": "Español",
        "title": "Pregunte por un medicamento",
        "intro": (
            "Para qué sirve, cómo se toma, con qué no se debe mezclar. Cada respuesta enseña la "
            "sección en la que se apoya; si no puede enseñarla, lo dice."
        ),
        "notice": (
            "Demostración: no es consejo médico. Consulte a su farmacéutico o a su médico. "
            "En una urgencia, llame al 112."
        ),
        "skip": "Ir a la pregunta",
        "languages": "Idioma",
        "conversation": "Conversación",
        "label": "Su pregunta",
        "hint": "Intro envía; Mayús + Intro, línea nueva.",
        "send": "Preguntar",
        "stop": "Parar",
        "retry": "Repetir la pregunta",
        "restart": "Empezar de nuevo",
        "you": "Usted",
        "assistant": "Respuesta",
        "working": "Buscando en los documentos…",
        "done": "Respuesta completa.",
        "stopped": "Parada a petición suya: la respuesta no está completa.",
        "failed": "No hay respuesta: ",
        "unreachable": "el servidor no contesta. Compruebe que sigue en marcha.",
        "broken": "la respuesta se cortó antes de acabar.",
        "abstained": "No se da respuesta.",
        "withheld": "El texto del modelo se ha retenido; esto es lo que dice la fuente.",
        "quoted": "Texto literal de la fuente.",
        "generated": "Redactado por el modelo y comprobado con la fuente.",
        "truncated": "La respuesta se cortó por su longitud.",
        "choose": "¿A cuál se refiere?",
        "sources": "En qué se apoya",
        "no_sources": "Esta respuesta no cita ninguna fuente.",
        "section": "Sección",
        "source": "Fuente",
        "id": "Identificador",
        "version": "Versión",
        "open": "Abrir el documento de origen",
        "checks": "Comprobaciones",
        "check_complete": "Frases completas",
        "check_numbers": "Números de la fuente",
        "check_medicines": "Medicamentos de la fuente",
        "check_wording": "Palabras de la fuente",
        "check_negation": "Negaciones de la fuente",
        "passed": "superada",
        "not_passed": "no superada",
    },
    "en": {
        "language_name": "English",
        "title": "Ask about a medicine",
        "intro": (
            "What it is for, how to take it, what not to mix it with. Every answer shows the "
            "section it rests on; when it cannot show one, it says so."
        ),
        "notice": (
            "Demonstration: this is not medical advice. Ask your pharmacist or doctor. "
            "In an emergency call 112."
        ),
        "skip": "Skip to the question",
        "languages": "Language",
        "conversation": "Conversation",
        "label": "Your question",
        "hint": "Enter sends; Shift + Enter starts a new line.",
        "send": "Ask",
        "stop": "Stop",
        "retry": "Ask again",
        "restart": "Start over",
        "you": "You",
        "assistant": "Answer",
        "working": "Searching the documents…",
        "done": "Answer complete.",
        "stopped": "Stopped at your request: the answer is not complete.",
        "failed": "There is no answer: ",
        "unreachable": "the server does not respond. Check that it is still running.",
        "broken": "the answer broke off before its end.",
        "abstained": "No answer is given.",
        "withheld": "The model's own text was withheld; this is what the source says.",
        "quoted": "Word for word from the source.",
        "generated": "Written by the model and checked against the source.",
        "truncated": "The answer was cut for length.",
        "choose": "Which one do you mean?",
        "sources": "What it rests on",
        "no_sources": "This answer cites no source.",
        "section": "Section",
        "source": "Source",
        "id": "Identifier",
        "version": "Version",
        "open": "Open the original document",
        "checks": "Checks",
        "check_complete": "Whole sentences",
        "check_numbers": "Numbers of the source",
        "check_medicines": "Medicines of the source",
        "check_wording": "Words of the source",
        "check_negation": "Negations of the source",
        "passed": "passed",
        "not_passed": "not passed",
    },
}
