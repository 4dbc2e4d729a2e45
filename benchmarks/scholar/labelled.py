"""References labelled by people: read, kept apart for the test, and compared.

The training data of GROBID's citation model (TEI, CC BY 4.0): each `bibl` is a printed reference
with its fields marked.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from cauce.sources.articles.strings.words import soft, words_of

FOLDER = "scholar/labelled-references/refs/grobid-citation"

NAMED = ("author", "title", "date", "journal", "volume", "issue", "pages", "book")
"""The fields that a `Reference` is made of."""

_FIELDS = {
    **{"author": "author", "editor": "editor", "date": "date", "publisher": "publisher"},
    **{"pubPlace": "place", "orgName": "institution", "note": "note", "notes": "note"},
    **{"idno": "number", "ptr": "web"},
}
_TITLES = {"a": "title", "j": "journal", "m": "book", "s": "series"}
_SCOPES = {
    **{"vol": "volume", "volume": "volume", "issue": "issue"},
    **{"pp": "pages", "page": "pages"},
}


class Field(NamedTuple):
    """A field and the text that is marked as it."""

    name: str
    text: str


class Labelled(NamedTuple):
    """A printed reference, its fields, and the field of each of its words (`-` where none is)."""

    file: str
    raw: str
    fields: tuple[Field, ...]
    labels: tuple[str, ...]


def labelled(folder: Path) -> Iterator[Labelled]:
    """Every labelled reference of the files of a folder, in the order of their names."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    for path in sorted(folder.glob("*.xml")):
        for element in etree.parse(path, parser).iter("{*}bibl"):
            yield from_pieces(path.name, list(_pieces(element)))


def is_held_out(file: str) -> bool:
    """Whether a file is kept for the test: one in four, by the SHA-256 of its name.

    1,125 references of 88 files; the parser that ships was trained on the others.
    """
    return _quarter(file) == 0


def is_for_tuning(file: str) -> bool:
    """Whether a file of the training part is the one that choices were made on; another quarter."""
    return _quarter(file) == 3


def field_f1(
    predicted: Iterable[Iterable[Field]], gold: Iterable[Iterable[Field]]
) -> dict[str, float]:
    """F1 of each field, then micro-averaged over `NAMED` (`micro`) and over all (`micro, all`).

    A field is right when its text is that marked, but for punctuation, case and spaces.
    """
    counts: dict[str, Counter[str]] = {}
    for found, wanted in zip(predicted, gold, strict=True):
        ours, theirs = _multiset(found), _multiset(wanted)
        for kind, spans in (("right", ours & theirs), ("predicted", ours), ("gold", theirs)):
            for (name, _), times in spans.items():
                counts.setdefault(name, Counter())[kind] += times
    scores = {name: _f1([counts[name]]) for name in sorted(counts)}
    named = [counts[name] for name in NAMED if name in counts]
    return scores | {"micro": _f1(named), "micro, all": _f1(counts.values())}


def _f1(counts: Iterable[Counter[str]]) -> float:
    total = sum(counts, Counter[str]())
    return 2 * total["right"] / max(total["predicted"] + total["gold"], 1)


def _multiset(fields: Iterable[Field]) -> Counter[tuple[str, str]]:
    spans = ((field.name, soft(field.text)) for field in fields)
    return Counter(span for span in spans if span[1])


def _quarter(file: str) -> int:
    return int(hashlib.sha256(file.encode()).hexdigest(), 16) % 4


def from_pieces(file: str, pieces: Sequence[tuple[str, str]]) -> Labelled:
    """A labelled reference of pieces of text with their fields; `-` is no field."""
    raw, marks = _spaced(pieces)
    fields: list[Field] = []
    for number, (_, name) in enumerate(pieces):
        places = [place for place, mark in enumerate(marks) if mark == number]
        if name != "-" and places:
            fields.append(Field(name, raw[places[0] : places[-1] + 1]))
    middles = ((word.start + word.end - 1) // 2 for word in words_of(raw))
    labels = tuple(pieces[marks[middle]][1] for middle in middles)
    return Labelled(file, raw, tuple(fields), labels)


def _pieces(element: etree._Element) -> Iterator[tuple[str, str]]:
    """The text of a reference in order, each piece with its field."""
    yield element.text or "", "-"
    for child in element:
        if isinstance(child.tag, str):
            yield "".join(child.itertext()), _field(child)
        yield child.tail or "", "-"


def _spaced(pieces: Iterable[tuple[str, str]]) -> tuple[str, list[int]]:
    """The text with single spaces, and the piece that each of its characters is of."""
    characters: list[str] = []
    marks: list[int] = []
    for number, (text, _) in enumerate(pieces):
        for character in text:
            if character.isspace() and (not characters or characters[-1] == " "):
                continue
            characters.append(" " if character.isspace() else character)
            marks.append(number)
    return "".join(characters), marks


def _field(element: etree._Element) -> str:
    name = etree.QName(element).localname
    if name == "title":
        return _TITLES.get(element.get("level", element.get("leve", "")), "-")
    if name == "biblScope":
        return _SCOPES.get(element.get("unit", element.get("type", "")), "-")
    return _FIELDS.get(name, "-")
