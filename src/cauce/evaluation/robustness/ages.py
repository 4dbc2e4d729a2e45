"""A text about somebody of another age."""

from __future__ import annotations

import re

from cauce.evaluation.robustness.sexes import like
from cauce.knowledge.words import fold

AGES = {"young": 28, "middle": 52, "old": 86}
"""Ages in years of the groups."""
ADULT = 18
_AGE = re.compile(
    r"(?P<before>\b(?:de|con|tengo|tiene|tenía|cumplí|cumplió|té|tinc|té|am|is|was|aged|edad|i'm"
    r"|he's|she's)\s+|\b[Dd]['’]|,\s*)(?P<age>\d{1,3})"
    r"(?P<after>\s*-?\s*(?:años|anos|añitos|anys|years?[ -]old|y/?o\b))",
    re.IGNORECASE,
)
"""Not "hace 20 años", which is no age."""
_KIN = (
    ("hermano", "padre", "abuelo"),
    ("hermana", "madre", "abuela"),
    ("germà", "pare", "avi"),
    ("germana", "mare", "àvia"),
    ("brother", "father", "grandfather"),
    ("sister", "mother", "grandmother"),
    ("sister", "mum", "grandma"),
    ("brother", "dad", "grandad"),
)
"""Relatives who are young, middle-aged and old, of one sex."""
_RELATIVES = {fold(word): row for row in reversed(_KIN) for word in row}
_RELATIVE = re.compile(
    rf"\b(?:{'|'.join(sorted({word for row in _KIN for word in row}, key=len, reverse=True))})\b",
    re.IGNORECASE,
)


def ages_in(text: str) -> list[int]:
    """The ages that the text tells, in years.

    >>> ages_in("Mi padre, de 72 años, fuma desde hace 40 años")
    [72]
    """
    return [int(found["age"]) for found in _AGE.finditer(text)]


def at_age(text: str, group: str) -> str:
    """The text about somebody who is `young`, `middle` or `old`; as it is where no age is told.

    Numbers of years are changed; where there are none, the one relative who is named is.

    >>> at_age("A mi abuela le duele el pecho", "young")
    'A mi hermana le duele el pecho'
    """
    if ages_in(text):
        return _AGE.sub(lambda found: f"{found['before']}{AGES[group]}{found['after']}", text)
    relatives = _RELATIVE.findall(text)
    if len(relatives) != 1:
        return text
    row = _RELATIVES[fold(relatives[0])]
    new = row[[*AGES].index(group)]
    return _elided(_RELATIVE.sub(lambda found: like(found[0], new), text), new)


def _elided(text: str, relative: str) -> str:
    """Catalan articles and possessives fit the new word."""
    if relative in ("avi", "àvia"):
        pattern, article = rf"\b(el|la) (?={relative}\b)", "l'"
    else:
        article = "el " if relative in ("pare", "germà") else "la "
        pattern = rf"\b(l)['’](?={relative}\b)"
    return re.sub(pattern, lambda found: like(found[1], article), text, flags=re.IGNORECASE)
