"""What a piece of personal data is, and which kinds are masked."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Kind = Literal[
    "NOMBRE",
    "FECHA",
    "EDAD",
    "SEXO",
    "LUGAR",
    "PAÍS",
    "DIRECCIÓN",
    "CENTRO",
    "DNI",
    "NUSS",
    "CUENTA",
    "IDENTIFICADOR",
    "TELÉFONO",
    "CORREO",
    "WEB",
    "FAMILIAR",
    "PROFESIÓN",
]
"""What is told of a person. LUGAR is a town, a province or a postal code; CENTRO a hospital or any
institution; IDENTIFICADOR the number of a record, a health card, an episode or a licence."""

KINDS: tuple[Kind, ...] = get_args(Kind)

CLINICAL: frozenset[Kind] = frozenset({"EDAD", "SEXO", "PAÍS", "FAMILIAR", "PROFESIÓN"})
"""Kinds that medicine needs and that name nobody by themselves: found, and left where they are."""

OLDEST_YEARS = 89
"""Ages above it tell who somebody is (HIPAA, 45 CFR 164.514(b)(2)(i)(C))."""


class PersonalSpan(NamedTuple):
    """A piece of personal data: its first character, and the one behind its last."""

    start: int
    end: int
    kind: Kind
    certainty: float
    """1 where check digits agree, else how likely it is, 0..1."""
