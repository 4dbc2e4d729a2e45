"""The text that *arroyo*, the embedded base model, is made from: open licences, no drug labels.

MedQuAD (CC BY 4.0), SPACCC (CC BY 4.0), CasiMedicos (CC0) and Spanish novels in the public domain.
Labels and the mini-vademecum stay out, so that what is measured on them was never seen before.
"""

from __future__ import annotations

import json
import lzma
import random
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

NOVEL_CHARACTERS = 10_000_000
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÁÉÍÓÚÑ¿¡])")


def paragraphs(data: Path) -> list[str]:
    """Paragraphs of 120 to 900 characters, in Spanish and English."""
    texts = [*_medquad(data), *_spaccc(data), *_casimedicos(data), *_novels(data)]
    return [piece for text in texts for piece in _pieces(text)]


def _pieces(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n|\n(?=[A-ZÁÉÍÓÚÑ¿¡])", text):
        piece = ""
        for sentence in SENTENCE_END.split(" ".join(paragraph.split())):
            if len(piece) + len(sentence) > 900:
                if len(piece) >= 120:
                    yield piece
                piece = ""
            piece = f"{piece} {sentence}".strip()
        if 120 <= len(piece) <= 900:
            yield piece


def _members(archive: Path, ending: str) -> Iterator[bytes]:
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.name.endswith(ending) else None
            if stream is not None:
                yield stream.read()


def _medquad(data: Path) -> Iterator[str]:
    for content in _members(data / "medquad/medquad.tar.xz", ".xml"):
        for answer in etree.fromstring(content).iter("Answer"):
            if answer.text:
                yield answer.text


def _spaccc(data: Path) -> Iterator[str]:
    for content in _members(data / "spaccc/spaccc-1000-cases.tar.xz", ".txt"):
        yield content.decode()


def _casimedicos(data: Path) -> Iterator[str]:
    for content in _members(data / "casimedicos/casimedicos-arg.tar.gz", ".jsonl"):
        for line in content.decode().splitlines():
            case = json.loads(line)
            for field in ("full_question", "full_answer"):
                if isinstance(case.get(field), str):
                    yield case[field]


def _novels(data: Path) -> Iterator[str]:
    with lzma.open(data / "novels-es/train.txt.xz", "rt", encoding="utf-8") as stream:
        text = stream.read()
    step = len(text) // 40
    share = NOVEL_CHARACTERS // 40
    for start in range(0, step * 40, step):
        yield text[start : start + share]


def passages(pieces: list[str], seed: int) -> Iterator[str]:
    """An endless stream of documents: two in three end by repeating sentences of their own.

    They were meant to teach copying and did not (docs/log.md); the later stages do.
    """
    draw = random.Random(seed)
    while True:
        text = draw.choice(pieces)
        sentences = SENTENCE_END.split(text)
        if draw.random() < 0.67:
            start = 0 if draw.random() < 0.5 else draw.randrange(len(sentences))
            text += "\n\n" + " ".join(sentences[start : start + draw.choice((1, 1, 2))])
        yield text
