"""The sentences of the shared labels, each in its passage: what the claim check is measured on."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from cauce.knowledge.evidence.passages import passage
from cauce.knowledge.sections.store import NameEntry
from cauce.knowledge.sentences import sentences
from cauce.records import Document, Language
from cauce.sources.epi import EpiSource
from cauce.sources.openfda import OpenFdaSource
from cauce.sources.vademecum import VademecumSource

PASSAGE_CHARS = 700
SHORTEST_CHARS, LONGEST_CHARS = 30, 400


class Sentence(NamedTuple):
    """A sentence of a label, with the opening of its list, and the passage that holds it."""

    text: str
    passage: str
    title: str
    language: Language
    group: str
    held_out: bool


def documents_of(data: Path) -> Iterator[Document]:
    """The documents of the labels, the leaflets and the vademecum."""
    sources = (
        VademecumSource(),
        EpiSource(path=data / "epi-aemps"),
        OpenFdaSource(path=data / "openfda" / "labels-150.jsonl.gz"),
    )
    for source in sources:
        for document in source.documents():
            if isinstance(document, Document):
                yield document


def names_of(documents: list[Document]) -> Iterator[NameEntry]:
    """Substances, generics and brands."""
    for document in documents:
        names = document.names
        for name in (*names.substances, *names.generics):
            yield NameEntry(name, document.group, "generic")
        for name in names.brands:
            yield NameEntry(name, document.group, "brand")


def single_words(entries: Iterable[NameEntry]) -> dict[str, str]:
    """The names of one word that belong to one medicine, each with its substance."""
    groups: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if re.fullmatch(r"[^\W\d_]{5,}", entry.name):
            groups[entry.name.lower()].add(entry.group)
    return {name: next(iter(owners)) for name, owners in groups.items() if len(owners) == 1}


def sentences_of(documents: list[Document]) -> Iterator[Sentence]:
    """The sentences of each section's first passages."""
    for document in documents:
        held_out = bool(zlib.crc32(document.group.encode()) % 2)
        for section in document.sections:
            text = section.text[: 12 * PASSAGE_CHARS]
            while text:
                quote = passage(text, PASSAGE_CHARS)
                title = f"{document.title} · {section.title}"
                for sentence in _of_passage(quote):
                    yield Sentence(
                        sentence, quote, title, document.language, document.group, held_out
                    )
                text = text[len(quote) :].lstrip() if quote else ""


def _of_passage(quote: str) -> Iterator[str]:
    opening = ""
    spans = sentences(quote)
    for span in spans:
        text = span.of(quote)
        if text.endswith(":"):
            opening = text
        elif re.match(r"[•●∘▪◦■*\-–—·a-z0-9]", text) and opening:
            yield from _whole(f"{opening} {text}")
        else:
            opening = ""
            if not _under_heading(quote, span.start):
                yield from _whole(text)


def _under_heading(quote: str, start: int) -> bool:
    """True below a line that is no sentence: what it heads may not be quoted without it."""
    before = quote[:start].rstrip(" ")
    return before.endswith("\n") and not before.rstrip().endswith((".", "!", "?", ")", ":"))


def _whole(text: str) -> Iterator[str]:
    """The text when it is one sentence of a fit length."""
    fits = SHORTEST_CHARS <= len(text) <= LONGEST_CHARS and text.endswith(".")
    if fits and len(re.findall(r"[^\W\d_]{2,}", text)) >= 4:
        yield text
