"""A simulation as a person reads it, in Spanish, English or Catalan, marked as the guess it is."""

from __future__ import annotations

from collections.abc import Iterator

from cauce.records import Spoken
from cauce.twin.domain_text import withheld_text
from cauce.twin.readings import known_readings
from cauce.twin.simulation import Guess, Replaced, Risks, Simulation
from cauce.twin.summary.wording import printed_number, printed_unit

TITLE: dict[Spoken, str] = {
    "en": "{person}: {hours:g} hours after the last reading, had it been so",
    "es": "{person}: {hours:g} horas después de la última medida, si hubiera sido así",
    "ca": "{person}: {hours:g} hores després de l'última mesura, si hagués estat així",
}
REPLACED: dict[Spoken, str] = {
    "en": "{name}: {supposed} instead of {measured}, measured {ago} h before the last reading",
    "es": "{name}: {supposed} en lugar de {measured}, medido {ago} h antes de la última medida",
    "ca": "{name}: {supposed} en lloc de {measured}, mesurat {ago} h abans de l'última mesura",
}
RISK: dict[Spoken, str] = {
    "en": "risk of {outcome}: {before} as it is, {after} with the change",
    "es": "riesgo de {outcome}: {before} tal como está, {after} con el cambio",
    "ca": "risc de {outcome}: {before} tal com està, {after} amb el canvi",
}
AS_BLIND: dict[Spoken, str] = {
    "en": "Nor can the readings be relied on that it expects here:",
    "es": "Tampoco son de fiar las medidas que espera aquí:",
    "ca": "Tampoc no són de fiar les mesures que espera aquí:",
}
COLUMNS: dict[Spoken, tuple[str, ...]] = {
    "en": ("", "last", "expected as it is", "with the change", "difference"),
    "es": ("", "última", "esperado tal como está", "con el cambio", "diferencia"),
    "ca": ("", "última", "esperat tal com està", "amb el canvi", "diferència"),
}
INTERVALS: dict[Spoken, str] = {
    "en": "In brackets, where nine of ten readings of people whom the model never saw lay around "
    "its forecast; of a difference, where nine of ten pairs of people lay.",
    "es": "Entre corchetes, donde estuvieron nueve de cada diez medidas de personas que el modelo "
    "no vio; en la diferencia, nueve de cada diez pares de personas.",
    "ca": "Entre claudàtors, on van ser nou de cada deu mesures de persones que el model no va "
    "veure; en la diferència, nou de cada deu parells de persones.",
}


def simulation_text(simulation: Simulation, language: Spoken = "en") -> str:
    """The guess with its warning first and last: nobody reads a part of it without."""
    found, warning = simulation, simulation.warning[language]
    return "\n".join(
        [
            warning,
            "",
            TITLE[language].format(person=found.person, hours=found.hours),
            *(_replaced(one, language) for one in found.replaced),
            _risks(found, language),
            "",
            *_table(found, language),
            "",
            INTERVALS[language],
            warning,
        ]
    )


def name_of(reading: str, language: Spoken) -> str:
    """What people call the reading."""
    known = known_readings().get(reading)
    return known.names[language] if known else reading


def _replaced(one: Replaced, language: Spoken) -> str:
    known = known_readings().get(one.reading)
    unit = f" {printed_unit(known.unit, language)}" if known else ""
    return REPLACED[language].format(
        name=name_of(one.reading, language),
        supposed=f"{printed_number(one.supposed, language)}{unit}",
        measured=f"{printed_number(one.measured, language)}{unit}",
        ago=_short(one.hours_ago, language),
    )


def _risks(found: Simulation, language: Spoken) -> str:
    if found.risk_as_is is None or found.risk_changed is None:
        return f"{withheld_text(found.doubts, language)} {AS_BLIND[language]}"
    before, after = (_risk(one, language) for one in (found.risk_as_is, found.risk_changed))
    return RISK[language].format(outcome=found.outcome, before=before, after=after)


def _risk(risks: Risks, language: Spoken) -> str:
    told = {name: f"{_short(100 * risk, language)} %" for name, risk in risks.members.items()}
    members = ", ".join(f"{name} {risk}" for name, risk in told.items())
    return f"{_short(100 * risks.together, language)} %" + (
        f" ({members})" if len(risks.members) > 1 else ""
    )


def _table(found: Simulation, language: Spoken) -> Iterator[str]:
    """A line for each reading that the person has."""
    rows = [COLUMNS[language]]
    for effect in found.effects:
        if effect.last is not None:
            name, last = name_of(effect.reading, language), printed_number(effect.last, language)
            guesses = (effect.as_is, effect.changed, effect.difference)
            rows.append((name, last, *(_cell(guess, language) for guess in guesses)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        right = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *right])


def _cell(guess: Guess, language: Spoken) -> str:
    value = _short(guess.value, language)
    if guess.low is None or guess.high is None:
        return value
    between = "; " if language != "en" else ", "
    return f"{value} [{_short(guess.low, language)}{between}{_short(guess.high, language)}]"


def _short(value: float, language: Spoken) -> str:
    """Three digits that count."""
    return printed_number(float(f"{value:.3g}"), language)
