"""A Spanish text as it would be said in Mexico, Argentina, Chile or Colombia."""

from __future__ import annotations

import re

from cauce.evaluation.robustness.sexes import like
from cauce.evaluation.robustness.tables import dialects, preterites

_PERFECT = re.compile(r"\b(ha|he) ([^\W\d_]+(?:ado|ido|cho|sto|elto|oto|erto))\b", re.IGNORECASE)

_BEFORE_E = {"c": "qu", "g": "gu", "z": "c"}
"""How a stem is spelled before e: `tocar`, `toqué`."""


def in_dialect(text: str, country: str) -> str:
    """The text in the Spanish of `country`, such as `es-AR`: its words, its verbs.

    >>> in_dialect("¿Puedes decirme si mi madre, que se ha caído, puede conducir?", "es-AR")
    '¿Podés decirme si mi mamá, que se cayó, puede manejar?'
    """
    table = dialects()[country]
    words = re.compile(rf"\b(?:{'|'.join(map(re.escape, table))})\b", re.IGNORECASE)
    text = words.sub(lambda found: like(found[0], table[found[0].lower()]), text)
    return _PERFECT.sub(_preterite, text)


def _preterite(found: re.Match[str]) -> str:
    """`ha tomado` as `tomó`, `he tomado` as `tomé`."""
    auxiliary, participle = found[1].lower(), found[2].lower()
    third, first = preterites().get(participle, ("", ""))
    if not third:
        stem, ending = participle[:-3], participle[-3:]
        if ending not in ("ado", "ido"):
            return found[0]
        sounded = stem[:-1] + _BEFORE_E.get(stem[-1:], stem[-1:])
        third, first = (stem + "ó", sounded + "é") if ending == "ado" else (stem + "ió", stem + "í")
    return like(found[1], third if auxiliary == "ha" else first)
