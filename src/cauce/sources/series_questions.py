"""Invented people whose readings were never taken, and questions that only these can answer.

Everything is drawn from a seed: to learn how numbers are read, and to measure it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from cauce.records import Document, Language, Measurements, Record, Refusal, Section

VERSION = "2026-11"
RETRIEVED = "2026-11-29"
"""Date of the edition: the data is made by the package, and reading it fetches nothing."""

Pairs = tuple[tuple[float, float], ...]

DAY = 24.0
LENGTH = 72.0
"""Hours from the first time to the last."""
MEASURED = 0.7
"""Share of the times at which a variable was measured."""
FEVER, LOW, HIGH = 38.0, 70.0, 180.0
"""Degrees Celsius; mg/dL of glucose."""
RISE, TREND = 10.0, 8.0
"""mmHg in a day; beats per minute between the first and the last third."""
LEVELS = {"low": (45, 66), "normal": (78, 160), "high": (195, 320)}
"""mg/dL between which a last glucose is drawn."""

ASKED: dict[str, dict[Language, tuple[str, ...]]] = {
    "rise": {
        "es": ("¿Ha subido la tensión en las últimas 24 horas?",
               "¿Está la tensión más alta que hace un día?"),
        "en": ("Has the blood pressure risen in the last 24 hours?",
               "Is the blood pressure higher than a day ago?"),
    },
    "last": {
        "es": ("¿Cuál fue la última glucosa: alta, normal o baja?",
               "La última glucosa, ¿es alta, normal o baja?"),
        "en": ("Was the last glucose high, normal or low?",
               "How is the last glucose: high, normal or low?"),
    },
    "trend": {
        "es": ("¿La frecuencia cardíaca sube, baja o sigue igual?",
               "¿Qué hace la frecuencia cardíaca: sube, baja o sigue igual?"),
        "en": ("Is the heart rate rising, falling or steady?",
               "What does the heart rate do: is it rising, falling or steady?"),
    },
    "fevers": {
        "es": ("¿Cuántas veces ha tenido 38 grados o más?",
               "¿En cuántas mediciones había fiebre, de 38 o más?"),
        "en": ("How many times was the temperature 38 or more?",
               "In how many measurements was there fever, of 38 or more?"),
    },
}  # fmt: skip
"""By kind and language; the two wordings mean the same."""

SAID: dict[str, dict[Language, str]] = {
    "yes": {"es": "Sí", "en": "Yes"},
    "no": {"es": "No", "en": "No"},
    "high": {"es": "Alta", "en": "High"},
    "normal": {"es": "Normal", "en": "Normal"},
    "low": {"es": "Baja", "en": "Low"},
    "up": {"es": "Sube", "en": "Rising"},
    "down": {"es": "Baja", "en": "Falling"},
    "steady": {"es": "Sigue igual", "en": "Steady"},
}
"""Answers that are no numbers."""


class SeriesQuestionsSource(Record):
    """Questions about invented readings, each a Document with series, question and answer."""

    kind: Literal["series_questions"] = "series_questions"
    people: int = Field(400, ge=3)
    """Each is asked about four times, in Spanish or English."""
    times: int = Field(12, ge=6)
    """Times in 72 hours at which something was measured; 0.7 of four variables each time."""
    seed: int = Field(0, ge=0)
    """Draws people, questions and languages."""

    def inputs(self) -> tuple[Path, ...]:
        """None: the data is made."""
        return ()

    def documents(self) -> Iterator[Document | Refusal]:
        """Every question; none is refused."""
        for number in range(self.people):
            draw = random.Random(f"{self.seed}/{number}")
            invented = invent(draw, self.times)
            for kind in ASKED:
                yield _document(number, kind, invented, draw)


class Invented(NamedTuple):
    """A person's readings and what is true of them, by the kind of question."""

    series: Measurements
    answers: Mapping[str, str]
    """A key of `SAID`, or a number."""


def invent(draw: random.Random, times: int) -> Invented:
    """A person; each answer follows from the numbers as they are told, and by some margin."""
    hours = _hours(draw, times)
    pressure = _pressure(draw, hours)
    level = draw.choice(sorted(LEVELS))
    glucose = _noisy(draw, hours, lambda _: draw.uniform(60, 220), 0)
    glucose = (*glucose[:-1], (glucose[-1][0], float(draw.randint(*LEVELS[level]))))
    slope, base = draw.choice((-1, 0, 1)), draw.uniform(75, 95)
    rate = _noisy(draw, hours, lambda hour: base + 25 * slope * (hour / LENGTH - 0.5), 2)
    degrees = _temperature(draw, hours)
    return Invented(
        Measurements(
            of={
                "systolic_pressure": pressure,
                "glucose": glucose,
                "heart_rate": rate,
                "temperature": degrees,
            }
        ),
        {
            "rise": "yes" if change_in_a_day(pressure) >= RISE else "no",
            "last": level_of(glucose[-1][1]),
            "trend": trend_of(rate),
            "fevers": str(sum(value >= FEVER for _, value in degrees)),
        },
    )


def change_in_a_day(pairs: Pairs) -> float:
    """The last value less the last of those a day or more before it."""
    end = pairs[-1][0]
    return pairs[-1][1] - [value for hour, value in pairs if hour <= end - DAY][-1]


def level_of(glucose: float) -> str:
    """`low`, `normal` or `high`, in mg/dL."""
    return "low" if glucose < LOW else "high" if glucose > HIGH else "normal"


def trend_of(pairs: Pairs) -> str:
    """`up`, `down` or `steady`: the mean of the last third of the values against the first."""
    third = max(1, len(pairs) // 3)
    first, last = ([value for _, value in part] for part in (pairs[:third], pairs[-third:]))
    change = sum(last) / third - sum(first) / third
    return "up" if change >= TREND else "down" if change <= -TREND else "steady"


def _hours(draw: random.Random, times: int) -> list[float]:
    inner = sorted(draw.uniform(0, LENGTH) for _ in range(times - 2))
    return [0.0, *(round(hour, 1) for hour in inner), LENGTH]


def _pressure(draw: random.Random, hours: list[float]) -> Pairs:
    """Steady, and in its last day one step up or down."""
    base, step = draw.uniform(110, 150), draw.choice((-1, 1)) * draw.uniform(20, 34)
    return _noisy(draw, hours, lambda hour: base + step * (hour > LENGTH - DAY / 2), 2)


def _temperature(draw: random.Random, hours: list[float]) -> Pairs:
    pairs = _noisy(draw, hours, lambda _: 36.6, 0.2, digits=1)
    fevers = draw.sample(range(len(pairs)), min(draw.randint(0, 3), len(pairs)))
    return tuple(
        (hour, round(draw.uniform(38.3, 39.8), 1)) if place in fevers else (hour, value)
        for place, (hour, value) in enumerate(pairs)
    )


def _noisy(
    draw: random.Random,
    hours: list[float],
    mean: Callable[[float], float],
    noise: float,
    *,
    digits: int = 0,
) -> Pairs:
    """What was measured at some of the hours, at the first and the last always."""
    chosen = [it for it in hours[1:-1] if draw.random() < MEASURED]
    return tuple(
        (hour, round(draw.gauss(mean(hour), noise), digits))
        for hour in (hours[0], *chosen, hours[-1])
    )


def _document(number: int, kind: str, invented: Invented, draw: random.Random) -> Document:
    language: Language = draw.choice(("es", "en"))
    answer = invented.answers[kind]
    question, series = draw.choice(ASKED[kind][language]), invented.series.text
    said = SAID[answer][language] if answer in SAID else answer
    texts = {"series": series, "question": f"{series}\n{question}", "answer": said}
    return Document(
        source="series_questions",
        id=f"{number:05d}-{kind}",
        version=VERSION,
        title=question,
        language=language,
        sections=tuple(
            Section(id=name, kind=name, title=name, text=text) for name, text in texts.items()
        ),
        group=f"person-{number:05d}",
        licence="Apache-2.0",
        retrieved=RETRIEVED,
    )
