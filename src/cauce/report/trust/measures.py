"""What a report of trust has rows for, and what the law asks: data, titled in two languages."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

import yaml

from cauce.records import Language, Record

Heading = Literal[
    "agency", "robustness", "privacy", "transparency", "fairness", "society", "accountability"
]
"""The seven requirements of the Assessment List for Trustworthy AI, in its order."""
Unit = Literal["share", "difference", "count", "number", "seconds", "Wh", "gCO2e", "text"]
"""A `share` is 0 to 1; a `difference` is of shares or of any other measure."""
DATA = Path(__file__).parents[2] / "data" / "trust"
ANNEX_IV = tuple(range(1, 10))
"""Sections of Annex IV to Regulation (EU) 2024/1689."""

Titles = dict[Language, str]


class Measure(Record):
    """One thing to know of a system, whether anyone has measured it or not."""

    name: str
    title: Titles
    headings: tuple[Heading, ...]
    sections: tuple[int, ...]
    """Of Annex IV."""
    unit: Unit
    better: Literal["higher", "lower", ""] = ""
    bar: float | None = None
    """Set before anything was measured; None where nobody set one."""
    command: str = ""
    """Measures it, with the run's name for `{run}`; empty where people have to write it."""
    guard: str = ""
    """The switch of `assistant.guards` that it is a figure of; empty where it hangs on none."""


class Source(Record):
    """Where a date of the law was read."""

    kind: Literal["official", "digest"]
    url: str


class LawDate(Record):
    """Since when something applies."""

    article: str
    applies: str
    """ISO 8601."""
    what: Titles
    source: str


class Law(Record):
    """What the law asks and from when."""

    read: str
    """ISO 8601 date on which the sources were read."""
    regulation: str
    sources: dict[str, Source]
    dates: tuple[LawDate, ...]
    altai: dict[Heading, Titles]
    annex_iv: tuple[Titles, ...]
    """Titles of sections 1 to 9."""


@functools.cache
def measures() -> dict[str, Measure]:
    """Every measure by name, in the order in which they are shown."""
    rows = [Measure.model_validate(row) for row in _read("measures.yaml")]
    return {row.name: row for row in rows}


@functools.cache
def law() -> Law:
    """The law as far as a report speaks of it."""
    return Law.model_validate(_read("law.yaml"))


def _read(name: str) -> Any:
    return yaml.safe_load((DATA / name).read_text("utf-8"))
