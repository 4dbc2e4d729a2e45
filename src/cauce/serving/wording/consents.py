"""The words of what a person allowed, on their own account and where an administrator sees it."""

from __future__ import annotations

from cauce.serving.wording import Wording

CONSENTS: Wording = {
    "es": {
        "none": "Nada todavía.",
        "purpose": "Para qué",
        "said": "Qué dijo",
        "when": "Cuándo",
        "yes": "sí",
        "no": "no",
        "improve": "Aprender de las opiniones",
        "twin": "Mostrar el gemelo a {name}",
    },
    "en": {
        "none": "Nothing yet.",
        "purpose": "For what",
        "said": "What was said",
        "when": "When",
        "yes": "yes",
        "no": "no",
        "improve": "Learning from opinions",
        "twin": "Showing the twin to {name}",
    },
    "ca": {
        "none": "Encara res.",
        "purpose": "Per a què",
        "said": "Què va dir",
        "when": "Quan",
        "yes": "sí",
        "no": "no",
        "improve": "Aprendre de les opinions",
        "twin": "Mostrar el bessó a {name}",
    },
}
