"""Published scales as data: what each asks, how many points an option has, what a total means."""

from __future__ import annotations

import difflib
import functools
import importlib.resources
from typing import Any, Literal, NamedTuple

import yaml

from cauce.errors import UserError
from cauce.records import Record, Spoken

_LANGUAGES: tuple[Spoken, ...] = ("es", "en", "ca")
"""The order of names in the files."""


class Bounds(NamedTuple):
    """The lowest and the highest that a total can be."""

    lowest: int
    highest: int


class Option(Record):
    """One of the answers to an item."""

    id: str
    points: int
    names: dict[Spoken, str]


class Item(Record):
    """One thing that a scale asks or looks at."""

    id: str
    names: dict[Spoken, str]
    """Our own words, not those of a questionnaire."""
    loinc: str = ""
    period: str = ""
    """What an answer looks back on, ISO 8601; empty where it is how things are now."""
    options: tuple[Option, ...]

    @property
    def bounds(self) -> Bounds:
        """The fewest points and the most."""
        points = [option.points for option in self.options]
        return Bounds(min(points), max(points))


class Band(Record):
    """What the totals from `lowest` to `highest` mean."""

    id: str
    lowest: int
    highest: int
    names: dict[Spoken, str]


class Scale(Record):
    """A published scale; its total is the sum of the points of its items."""

    name: str
    names: dict[Spoken, str]
    also: tuple[str, ...] = ()
    """Other names by which a record may hold its total."""
    better: Literal["higher", "lower"]
    """Which end is good."""
    loinc: tuple[str, ...] = ()
    """Codes by which a record may hold its total."""
    sources: dict[str, str]
    """The paper of the `items` and the one of the `bands`."""
    family: str
    """The scale that asks the same items; itself where there is no other."""
    items: tuple[Item, ...]
    bands: tuple[Band, ...]

    def band_of(self, total: int) -> Band:
        """The band that a total lies in; StopIteration where it lies outside the scale."""
        return next(band for band in self.bands if band.lowest <= total <= band.highest)


def scale_named(name: str) -> Scale:
    """The scale of that name; UserError with the nearest where there is none."""
    if found := scales().get(name):
        return found
    near = difflib.get_close_matches(name, scales(), n=1, cutoff=0)[0]
    raise UserError(
        f"There is no scale {name!r}; the nearest is {near}.\nThere are {', '.join(scales())}."
    )


@functools.cache
def scales() -> dict[str, Scale]:
    """Every scale by its name."""
    folder = importlib.resources.files("cauce") / "data/twin/scales"
    read = [
        yaml.safe_load(file.read_text("utf-8"))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".yaml")
    ]
    tables = {table["name"]: table for table in read}
    return {name: _scale(table, tables) for name, table in tables.items()}


def _scale(table: dict[str, Any], tables: dict[str, dict[str, Any]]) -> Scale:
    family = table.get("items_of", table["name"])
    more = table.get("one_more", 0)
    items = tables[family]["items"].items()
    return Scale(
        name=table["name"],
        names=_names(table["names"]),
        also=table.get("also", ()),
        better=table["better"],
        loinc=table.get("loinc", ()),
        sources=table["sources"],
        family=family,
        items=tuple(_item(id, item, more) for id, item in items),
        bands=tuple(
            Band(id=id, lowest=lowest, highest=highest, names=_names(names))
            for id, (lowest, highest, *names) in table["bands"].items()
        ),
    )


def _item(id: str, item: dict[str, Any], more: int) -> Item:
    return Item(
        id=id,
        names=_names(item["names"]),
        loinc=item.get("loinc", ""),
        period=item.get("period", ""),
        options=tuple(
            Option(id=option, points=points + more, names=_names(names))
            for option, (points, *names) in item["options"].items()
        ),
    )


def _names(names: list[str]) -> dict[Spoken, str]:
    return dict(zip(_LANGUAGES, names, strict=True))
