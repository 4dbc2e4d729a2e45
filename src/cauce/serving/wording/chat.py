"""The words of the conversation: the page's own, and those of what its script adds."""

from __future__ import annotations

from cauce.serving.wording import Wording

CHAT: Wording = {
    "es": {
        "title": "Pregunte por un medicamento",
        "intro": (
            "Para qué sirve, cómo se toma, con qué no se debe mezclar. Cada respuesta enseña la "
            "frase en la que se apoya; si no puede enseñarla, lo dice."
        ),
        "notice": (
            "Demostración: no es consejo médico. Consulte a su farmacéutico o a su médico. "
            "En una urgencia, llame al 112."
        ),
        "conversation": "Conversación",
        "label": "Su pregunta",
        "hint": "Intro envía; Mayús + Intro, línea nueva.",
        "send": "Preguntar",
        "stop": "Parar",
        "retry": "Repetir la pregunta",
        "restart": "Nueva conversación",
        "plain": "Lectura fácil",
        "picture": "Añadir una foto",
        "picture_of": "Foto que acompaña a la pregunta",
        "picture_bad": "Ese archivo no se puede leer como foto. Sirven PNG, JPEG y WebP.",
        "remove": "Quitar la foto",
        "you": "Usted",
        "assistant": "Respuesta",
        "working": "Buscando en los documentos…",
        "done": "Respuesta completa.",
        "stopped": "Parada a petición suya: la respuesta no está completa.",
        "interrupted": "La respuesta se interrumpió. Su pregunta está guardada.",
        "failed": "No hay respuesta: ",
        "logged_out": "su sesión ha terminado. Entre en otra pestaña y repita la pregunta.",
        "busy": "son demasiadas preguntas seguidas. Espere un momento y repita la suya.",
        "silent": "la máquina que redacta no responde. Espere un momento y repita la pregunta.",
        "unreachable": "el servidor no contesta. Compruebe que sigue en marcha.",
        "broken": "se cortó antes de acabar.",
        "abstained": "No se da respuesta.",
        "withheld": "El texto del modelo se ha retenido; esto es lo que dice la fuente.",
        "quoted": "Texto literal de la fuente.",
        "plainly": "En lectura fácil; cada número y cada negación, comprobados.",
        "generated": "Redactado por el modelo y comprobado con la fuente.",
        "truncated": "La respuesta se cortó por su longitud.",
        "call": "Llamar al",
        "choose": "¿A cuál se refiere?",
        "sources": "En qué se apoya",
        "no_sources": "Esta respuesta no cita ninguna fuente.",
        "works": "Publicaciones",
        "retracted": "retirada",
        "read": "Leer en voz alta",
        "silence": "Dejar de leer",
        "close": "Cerrar la fuente",
        "source_title": "Fuente",
        "useful": "Útil",
        "useless": "No es útil",
        "opinion": "Su opinión de esta respuesta",
        "correction": "¿Qué debería decir? (si quiere)",
        "consent": (
            "Permito que un modelo aprenda de esta opinión y que un profesional lea la pregunta "
            "y la respuesta. Puedo retirarlo en el historial."
        ),
        "keep": "Guardar",
        "kept": "Guardado. Gracias.",
        "checks": "Comprobaciones",
        "check_attack": "Intento de cambiar lo que hace el asistente",
        "check_harm": "Respuesta que puede hacer daño",
        "check_leak": "El modelo no cuenta sus normas",
        "check_complete": "Frases completas",
        "check_numbers": "Números de la fuente",
        "check_medicines": "Medicamentos de la fuente",
        "check_wording": "Palabras de la fuente",
        "check_negation": "Negaciones de la fuente",
        "check_units": "Unidades de la fuente",
        "check_frequency": "Frecuencia de las tomas de la fuente",
        "check_route": "Vía de administración de la fuente",
        "check_population": "Grupo de pacientes de la fuente",
        "passed": "superada",
        "not_passed": "no superada",
    },
    "en": {
        "title": "Ask about a medicine",
        "intro": (
            "What it is for, how to take it, what not to mix it with. Every answer shows the "
            "sentence it rests on; when it cannot show one, it says so."
        ),
        "notice": (
            "Demonstration: this is not medical advice. Ask your pharmacist or doctor. "
            "In an emergency call 112."
        ),
        "conversation": "Conversation",
        "label": "Your question",
        "hint": "Enter sends; Shift + Enter starts a new line.",
        "send": "Ask",
        "stop": "Stop",
        "retry": "Ask again",
        "restart": "New conversation",
        "plain": "Easy reading",
        "picture": "Add a photo",
        "picture_of": "Photo that goes with the question",
        "picture_bad": "That file cannot be read as a photo. PNG, JPEG and WebP can.",
        "remove": "Remove the photo",
        "you": "You",
        "assistant": "Answer",
        "working": "Searching the documents…",
        "done": "Answer complete.",
        "stopped": "Stopped at your request: the answer is not complete.",
        "interrupted": "The answer was interrupted. Your question is kept.",
        "failed": "There is no answer: ",
        "logged_out": "your session has ended. Log in in another tab, then ask again.",
        "busy": "too many questions in a row. Wait a moment, then ask again.",
        "silent": "the machine that writes does not answer. Wait a moment, then ask again.",
        "unreachable": "the server does not respond. Check that it is still running.",
        "broken": "it broke off before its end.",
        "abstained": "No answer is given.",
        "withheld": "The model's own text was withheld; this is what the source says.",
        "quoted": "Word for word from the source.",
        "plainly": "In plain words; every number and every negation checked.",
        "generated": "Written by the model and checked against the source.",
        "truncated": "The answer was cut for length.",
        "call": "Call",
        "choose": "Which one do you mean?",
        "sources": "What it rests on",
        "no_sources": "This answer cites no source.",
        "works": "Publications",
        "retracted": "retracted",
        "read": "Read aloud",
        "silence": "Stop reading",
        "close": "Close the source",
        "source_title": "Source",
        "useful": "Useful",
        "useless": "Not useful",
        "opinion": "What you think of this answer",
        "correction": "What should it say? (if you like)",
        "consent": (
            "A model may learn from this opinion, and a professional may read the question and "
            "the answer. I can withdraw this in the history."
        ),
        "keep": "Save",
        "kept": "Saved. Thank you.",
        "checks": "Checks",
        "check_attack": "Attempt to change what the assistant does",
        "check_harm": "Answer that may do harm",
        "check_leak": "The model keeps its rules to itself",
        "check_complete": "Whole sentences",
        "check_numbers": "Numbers of the source",
        "check_medicines": "Medicines of the source",
        "check_wording": "Words of the source",
        "check_negation": "Negations of the source",
        "check_units": "Units of the source",
        "check_frequency": "How often, as in the source",
        "check_route": "Way of giving, as in the source",
        "check_population": "Group of patients of the source",
        "passed": "passed",
        "not_passed": "not passed",
    },
    "ca": {
        "title": "Pregunteu per un medicament",
        "intro": (
            "Per a què serveix, com es pren, amb què no s'ha de barrejar. Cada resposta ensenya la "
            "frase en què es basa; si no la pot ensenyar, ho diu."
        ),
        "notice": (
            "Demostració: no és consell mèdic. Consulteu el farmacèutic o el metge. "
            "En una urgència, truqueu al 112."
        ),
        "conversation": "Conversa",
        "label": "La vostra pregunta",
        "hint": "Retorn envia; Majúscules + Retorn, línia nova.",
        "send": "Pregunta",
        "stop": "Atura",
        "retry": "Repeteix la pregunta",
        "restart": "Conversa nova",
        "plain": "Lectura fàcil",
        "picture": "Afegeix una foto",
        "picture_of": "Foto que acompanya la pregunta",
        "picture_bad": "Aquest fitxer no es pot llegir com a foto. Serveixen PNG, JPEG i WebP.",
        "remove": "Treu la foto",
        "you": "Vós",
        "assistant": "Resposta",
        "working": "S'està cercant en els documents…",
        "done": "Resposta completa.",
        "stopped": "Aturada a petició vostra: la resposta no és completa.",
        "interrupted": "La resposta s'ha interromput. La vostra pregunta està desada.",
        "failed": "No hi ha resposta: ",
        "logged_out": "la vostra sessió ha acabat. Entreu en una altra pestanya i repetiu-la.",
        "busy": "són massa preguntes seguides. Espereu un moment i repetiu la vostra.",
        "silent": "la màquina que redacta no respon. Espereu un moment i repetiu la pregunta.",
        "unreachable": "el servidor no contesta. Comproveu que continua en marxa.",
        "broken": "s'ha tallat abans d'acabar.",
        "abstained": "No es dona resposta.",
        "withheld": "El text del model s'ha retingut; això és el que diu la font.",
        "quoted": "Text literal de la font.",
        "plainly": "En lectura fàcil; cada nombre i cada negació, comprovats.",
        "generated": "Redactat pel model i comprovat amb la font.",
        "truncated": "La resposta s'ha tallat per la seva llargada.",
        "call": "Truca al",
        "choose": "A quin us referiu?",
        "sources": "En què es basa",
        "no_sources": "Aquesta resposta no cita cap font.",
        "works": "Publicacions",
        "retracted": "retirada",
        "read": "Llegeix en veu alta",
        "silence": "Deixa de llegir",
        "close": "Tanca la font",
        "source_title": "Font",
        "useful": "Útil",
        "useless": "No és útil",
        "opinion": "La vostra opinió d'aquesta resposta",
        "correction": "Què hauria de dir? (si voleu)",
        "consent": (
            "Permeto que un model aprengui d'aquesta opinió i que un professional llegeixi la "
            "pregunta i la resposta. Ho puc retirar a l'historial."
        ),
        "keep": "Desa",
        "kept": "Desat. Gràcies.",
        "checks": "Comprovacions",
        "check_attack": "Intent de canviar el que fa l'assistent",
        "check_harm": "Resposta que pot fer mal",
        "check_leak": "El model no explica les seves normes",
        "check_complete": "Frases completes",
        "check_numbers": "Nombres de la font",
        "check_medicines": "Medicaments de la font",
        "check_wording": "Paraules de la font",
        "check_negation": "Negacions de la font",
        "check_units": "Unitats de la font",
        "check_frequency": "Freqüència de les preses de la font",
        "check_route": "Via d'administració de la font",
        "check_population": "Grup de pacients de la font",
        "passed": "superada",
        "not_passed": "no superada",
    },
}

_OF_ARTICLES: Wording = {
    "es": {
        "title": "Pregunte a los artículos",
        "intro": (
            "Qué se sabe y qué trabajos lo dicen. Cada respuesta enseña la frase en la que se "
            "apoya, con su DOI; si no puede enseñarla, lo dice."
        ),
    },
    "en": {
        "title": "Ask the articles",
        "intro": (
            "What is known, and which works say so. Every answer shows the sentence it rests on, "
            "with its DOI; when it cannot show one, it says so."
        ),
    },
    "ca": {
        "title": "Pregunteu als articles",
        "intro": (
            "Què se sap i quins treballs ho diuen. Cada resposta ensenya la frase en què es basa, "
            "amb el seu DOI; si no la pot ensenyar, ho diu."
        ),
    },
}
CHAT_OF_ARTICLES: Wording = {
    spoken: {**CHAT[spoken], **changed} for spoken, changed in _OF_ARTICLES.items()
}
"""Where what is served was made of articles, nothing invites to ask about a medicine."""
