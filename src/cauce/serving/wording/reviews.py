"""The words of the queue of answers that a clinician judges."""

from __future__ import annotations

from cauce.serving.wording import Wording

REVIEWS: Wording = {
    "es": {
        "title": "Por revisar",
        "intro": "Respuestas que alguien no dio por buenas y permitió que se leyeran. No se dice "
        "quién preguntó.",
        "none": "No hay ninguna por revisar.",
        "count": "Por revisar: {count}",
        "kept": "Juicio guardado.",
        "question": "Pregunta",
        "answer": "Respuesta",
        "images": "Con la pregunta se enseñaron {count} imágenes, que aquí no se muestran.",
        "sources": "En qué se apoya",
        "said": "Qué dijo quien preguntó",
        "down": "No le sirvió",
        "up": "Le sirvió",
        "correction": "Propone otra respuesta",
        "verdict": "Su juicio",
        "right": "Es correcta",
        "wrong": "Es incorrecta",
        "unsafe": "Puede hacer daño",
        "text": "Una respuesta mejor",
        "text_why": "Si la respuesta no es correcta, de esto se aprende, palabra por palabra: "
        "escríbalo como debe leerlo quien preguntó, o déjelo vacío.",
        "send": "Guardar el juicio",
    },
    "en": {
        "title": "To review",
        "intro": "Answers that somebody did not find good and allowed to be read. Who asked is not "
        "told.",
        "none": "There is none to review.",
        "count": "To review: {count}",
        "kept": "Verdict kept.",
        "question": "Question",
        "answer": "Answer",
        "images": "{count} images were shown with the question, and are not shown here.",
        "sources": "What it rests on",
        "said": "What the asker said",
        "down": "It did not help",
        "up": "It helped",
        "correction": "Suggests another answer",
        "verdict": "Your verdict",
        "right": "It is right",
        "wrong": "It is wrong",
        "unsafe": "It may do harm",
        "text": "A better answer",
        "text_why": "Where the answer is not right, this is learned from, word for word: write it "
        "as the asker should read it, or leave it empty.",
        "send": "Keep the verdict",
    },
    "ca": {
        "title": "Per revisar",
        "intro": "Respostes que algú no va donar per bones i va permetre que es llegissin. No es "
        "diu qui va preguntar.",
        "none": "No n'hi ha cap per revisar.",
        "count": "Per revisar: {count}",
        "kept": "Judici desat.",
        "question": "Pregunta",
        "answer": "Resposta",
        "images": "Amb la pregunta es van mostrar {count} imatges, que aquí no es veuen.",
        "sources": "En què es basa",
        "said": "Què va dir qui preguntava",
        "down": "No li va servir",
        "up": "Li va servir",
        "correction": "Proposa una altra resposta",
        "verdict": "El vostre judici",
        "right": "És correcta",
        "wrong": "És incorrecta",
        "unsafe": "Pot fer mal",
        "text": "Una resposta millor",
        "text_why": "Si la resposta no és correcta, se n'aprèn això, paraula per paraula: "
        "escriviu-ho com ho ha de llegir qui preguntava, o deixeu-ho buit.",
        "send": "Desa el judici",
    },
}
