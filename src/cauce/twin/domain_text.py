"""Why a model tells no risk of a person, in Spanish, English or Catalan."""

from __future__ import annotations

from collections.abc import Sequence

from cauce.records import Spoken
from cauce.twin.domain import Comparison
from cauce.twin.physionet import UNITS_OF_CARE
from cauce.twin.readings import known_readings
from cauce.twin.summary.wording import printed_number

WITHHELD: dict[Spoken, str] = {
    "en": "The model tells no risk of this person, who is unlike the people that it learned from: "
    "{reasons}. It would guess blindly.",
    "es": "El modelo no da el riesgo de esta persona, que no se parece a aquellas de las que "
    "aprendió: {reasons}. Lo diría a ciegas.",
    "ca": "El model no dona el risc d'aquesta persona, que no s'assembla a aquelles de les quals "
    "va aprendre: {reasons}. Ho diria a cegues.",
}
REASONS: dict[Spoken, dict[str, str]] = {
    "en": {
        "readings": "readings: {found} (of 99 in 100 of them {low} or more)",
        "variables": "different things measured: {found} (of 99 in 100 of them {low} or more)",
        "hours": "the readings span {found} hours (of 99 in 100 of them {low} to {high})",
        "unknown": "it is not known: {name} (of them it was)",
        "static": "{name}: {found} (of 99 in 100 of them between {low} and {high})",
        "other": "{name}: other than that of all of them",
        "outside": "{found} % of the readings are unusual among theirs (of 99 in 100 of them "
        "{high} % or less)",
        "state": "the course as a whole is {found} deviations from theirs (99 in 100 of them lie "
        "within {high})",
    },
    "es": {
        "readings": "medidas: {found} (de 99 de cada 100 de ellas, {low} o más)",
        "variables": "cosas distintas que se midieron: {found} (a 99 de cada 100 de ellas, {low} "
        "o más)",
        "hours": "las medidas abarcan {found} horas (de 99 de cada 100 de ellas, de {low} a "
        "{high})",
        "unknown": "no consta: {name} (de ellas sí)",
        "static": "{name}: {found} (en 99 de cada 100 de ellas, entre {low} y {high})",
        "other": "{name}: distinto del de todas ellas",
        "outside": "el {found} % de las medidas son raras entre las suyas (en 99 de cada 100 de "
        "ellas, el {high} % o menos)",
        "state": "la evolución en conjunto está a {found} desviaciones de la suya (99 de cada 100 "
        "de ellas, a {high} o menos)",
    },
    "ca": {
        "readings": "mesures: {found} (de 99 de cada 100 d'elles, {low} o més)",
        "variables": "coses diferents que es van mesurar: {found} (a 99 de cada 100 d'elles, {low} "
        "o més)",
        "hours": "les mesures abasten {found} hores (de 99 de cada 100 d'elles, de {low} a {high})",
        "unknown": "no consta: {name} (d'elles sí)",
        "static": "{name}: {found} (en 99 de cada 100 d'elles, entre {low} i {high})",
        "other": "{name}: diferent del de totes elles",
        "outside": "el {found} % de les mesures són rares entre les seves (en 99 de cada 100 "
        "d'elles, el {high} % o menys)",
        "state": "l'evolució en conjunt és a {found} desviacions de la seva (99 de cada 100 "
        "d'elles, a {high} o menys)",
    },
}
NAMES: dict[Spoken, dict[str, str]] = {
    "en": {"age": "age", "female": "sex", "unit": "unit of intensive care"},
    "es": {"age": "edad", "female": "sexo", "unit": "unidad de cuidados intensivos"},
    "ca": {"age": "edat", "female": "sexe", "unit": "unitat de cures intensives"},
}


def withheld_text(doubts: Sequence[Comparison], language: Spoken) -> str:
    """That no risk is told, and why."""
    unknown = dict.fromkeys(_name(one.name, language) for one in doubts if one.found is None)
    reasons = [_reason(one, language) for one in doubts if one.found is not None]
    if unknown:
        reasons.append(REASONS[language]["unknown"].format(name=", ".join(unknown)))
    return WITHHELD[language].format(reasons="; ".join(reasons))


def _reason(one: Comparison, language: Spoken) -> str:
    kind: str = one.compared
    if kind == "static" and one.low == one.high:
        kind = "other"
    scale = 100 if kind == "outside" else 1
    figures = {"found": one.found, "low": one.low, "high": one.high}
    told = {
        name: printed_number(float(f"{scale * figure:.3g}"), language)
        for name, figure in figures.items()
        if figure is not None
    }
    return REASONS[language][kind].format(**told, name=_name(one.name, language))


def _name(static: str, language: Spoken) -> str:
    known = known_readings().get(static)
    if known:
        return known.names[language]
    return NAMES[language].get("unit" if static in UNITS_OF_CARE else static, static)
