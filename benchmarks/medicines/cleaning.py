"""Characters that reading loses: raw files against the sections made of them, bar 0.

What a file says is collected from its own markup, by means that share no code with the readers.
A narrative counts as kept when its letters stand in the document's sections in one piece and in
order; a field of openFDA, whose repeats the reader takes out, when its section and those below
hold its letters; a table, when its cells do. Whitelisted: white space, invisible characters, and
the bar that the reader puts between cells. Tags, attributes and pictures are not text.
"""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from benchmarks import report
from benchmarks.medicines.options import Options
from benchmarks.sources import lost_cells, lost_characters
from cauce.records import Document, Refusal
from cauce.sources import EpiSource, OpenFdaSource, SplSource

LABELS = ("labels-150.jsonl.gz", "versions-of-12.jsonl.gz")
FHIR = "{http://hl7.org/fhir}"
XHTML = "{http://www.w3.org/1999/xhtml}"
SPL = "{urn:hl7-org:v3}"
INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
LOOKS_LIKE_A_TAG = re.compile("<.*?>")


class Losses(NamedTuple):
    """What one document lacks of its file."""

    place: str
    characters: int
    cells: int = 0
    texts: tuple[str, ...] = ()
    """The beginnings of the texts that are not whole."""


def run(options: Options) -> None:
    failures: list[dict[str, Any]] = []
    for name, measured in (
        ("openFDA", openfda_losses(options.data / "openfda", quick=options.quick)),
        ("ePI", epi_losses(options.data / "epi-aemps")),
        ("SPL", spl_losses(options.data / "spl")),
    ):
        found = list(measured)
        failures += [losses._asdict() for losses in found if losses.characters or losses.cells]
        characters = sum(losses.characters for losses in found)
        report(f"characters lost by cleaning, {name}, {len(found)} documents", characters, 0)
        report(f"table cells lost, {name}", sum(losses.cells for losses in found), 0)
    naive = characters_between_angles(options.data / "openfda" / LABELS[0])
    report("characters that dropping <...> would lose, openFDA, 150 documents", naive, None)
    options.write_failures("cleaning", failures)


def openfda_losses(folder: Path, *, quick: bool) -> Iterator[Losses]:
    """For each label, field by field and table by table."""
    for name in LABELS[:1] if quick else LABELS:
        with gzip.open(folder / name, "rb") as stream:
            documents = OpenFdaSource(path=folder / name).documents()
            for raw, document in zip(map(json.loads, stream), documents, strict=True):
                assert isinstance(document, Document), document
                characters, cells = lost_characters(raw, document), lost_cells(raw, document)
                yield Losses(document.id, characters, cells)


def characters_between_angles(path: Path) -> int:
    """What is deleted of the plain fields, which hold no markup, by deleting what looks like it."""
    with gzip.open(path, "rb") as stream:
        return sum(
            len(letters(found))
            for record in map(json.loads, stream)
            for field, value in record.items()
            if isinstance(value, list) and not field.endswith("_table")
            for text in value
            for found in LOOKS_LIKE_A_TAG.findall(text)
        )


def epi_losses(folder: Path) -> Iterator[Losses]:
    """For each text of each bundle: its headings, its narratives and the cells in them."""
    read = {
        item.id: item for item in EpiSource(path=folder).documents() if isinstance(item, Document)
    }
    for path in sorted(folder.glob("*.xml")):
        for composition in etree.parse(path).getroot().iter(f"{FHIR}Composition"):
            kind = "p" if composition.find(f"{FHIR}title").get("value") == "Prospecto" else "ft"
            sections = list(composition.iter(f"{FHIR}section"))
            divs = composition.findall(f".//{FHIR}section/{FHIR}text/{XHTML}div")
            # The first section bears the title of the text itself.
            texts = [section.find(f"{FHIR}title").get("value") for section in sections[1:]]
            texts += ["".join(div.itertext()) for div in divs]
            cells = [cell for div in divs for cell in div.iter(f"{XHTML}td", f"{XHTML}th")]
            yield compared(f"{path.stem}-{kind}", texts, cells, read.get(f"{path.stem}-{kind}"))


def spl_losses(folder: Path) -> Iterator[Losses]:
    """For each file: the titles, texts and highlights of its sections; of refused ones, all."""
    for path in sorted(folder.glob("*.xml")):
        (document,) = SplSource(path=path).documents()
        root = etree.parse(path).getroot()
        highlight = f"{SPL}excerpt/{SPL}highlight/{SPL}text"
        parts = [
            part
            for section in root.iter(f"{SPL}section")
            for tag in (f"{SPL}title", f"{SPL}text", highlight)
            for part in section.findall(tag)
        ]
        texts = ["".join(map(str, part.itertext())) for part in parts]
        cells = [cell for part in parts for cell in part.iter(f"{SPL}td", f"{SPL}th")]
        yield compared(path.name, texts, cells, document)


def compared(
    place: str, texts: list[str], cells: list[Any], document: Document | Refusal | None
) -> Losses:
    """What the document lacks of these texts and cells."""
    sections = document.sections if isinstance(document, Document) else ()
    whole = letters("".join(section.title.removesuffix("…") + section.text for section in sections))
    tables = [table for section in sections for table in section.tables]
    kept = Counter(letters(cell) for table in tables for row in table.rows for cell in row)
    printed = Counter(letters("".join(map(str, cell.itertext()))) for cell in cells)
    absent = [text for text in map(letters, texts) if text not in whole]
    lacking = printed - kept
    return Losses(
        place,
        sum(missing(text, whole) for text in absent),
        sum(count for cell, count in lacking.items() if cell),
        tuple(text[:60] for text in absent),
    )


def missing(text: str, whole: str) -> int:
    """Characters that the whole lacks of a text; all of a text that is there but not in order."""
    return (Counter(text) - Counter(whole)).total() or len(text)


def letters(text: str) -> str:
    """The text without what the whitelist names."""
    return "".join(
        character
        for character in text
        if not character.isspace()
        and character not in INVISIBLE
        and character != "|"
        and unicodedata.category(character) != "Cc"
    )
