"""The words of the page that finds publications."""

from __future__ import annotations

from cauce.serving.wording import Wording

RESEARCH: Wording = {
    "es": {
        "title": "Publicaciones",
        "intro": "Pregunte y verá qué trabajos lo apoyan: la frase que los cita, palabra por "
        "palabra, y su DOI tal como está en el catálogo.",
        "question": "Pregunta",
        "find": "Buscar",
        "found": "{count} frases que lo apoyan",
        "found_one": "Una frase que lo apoya",
        "nothing": "Nada de lo que hay aquí lo apoya",
        "works": "Trabajos que cita la frase",
        "see": "Ver la frase en su artículo",
        "retracted": "Retractado",
        "retracted_why": "La revista lo retiró: no se apoye en él.",
        "from": "En",
    },
    "en": {
        "title": "Publications",
        "intro": "Ask, and see which works support it: the sentence that cites them, word for "
        "word, and their DOI as the catalogue has it.",
        "question": "Question",
        "find": "Find",
        "found": "{count} sentences that support it",
        "found_one": "One sentence that supports it",
        "nothing": "Nothing that is held here supports it",
        "works": "Works that the sentence cites",
        "see": "See the sentence in its article",
        "retracted": "Retracted",
        "retracted_why": "The journal withdrew it: do not rely on it.",
        "from": "In",
    },
    "ca": {
        "title": "Publicacions",
        "intro": "Pregunteu i veureu quins treballs ho avalen: la frase que els cita, paraula per "
        "paraula, i el seu DOI tal com és al catàleg.",
        "question": "Pregunta",
        "find": "Cerca",
        "found": "{count} frases que ho avalen",
        "found_one": "Una frase que ho avala",
        "nothing": "Res del que hi ha aquí no ho avala",
        "works": "Treballs que cita la frase",
        "see": "Mostra la frase al seu article",
        "retracted": "Retractat",
        "retracted_why": "La revista el va retirar: no us hi baseu.",
        "from": "A",
    },
}
