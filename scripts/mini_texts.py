"""Writes the texts that cauce-mini is made from: `train.txt.xz` and `held-out.txt.xz`.

    python scripts/mini_texts.py --data ../shared/data --out runs/mini-texts

Spanish novels (public domain, COST-ELTeC/ELTeC-spa), clinical cases (SPACCC, CC BY 4.0), doctors'
explanations of exam cases (CasiMedicos, CC0; Spanish and English) and answers on health (MedQuAD,
CC BY 4.0; English). A blank line stands between two texts. Labels of medicines and the
mini-vademecum stay out, so that what is measured on them was never seen before. Held out are the
novels of other authors and one in twenty of the other texts.
"""

from __future__ import annotations

import argparse
import lzma
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

HELD_OUT_EVERY = 20
SHORTEST_CHARACTERS = 200
BLANK_LINES = re.compile(r"\n\s*\n")


def members(archive: Path, ending: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of an archive's files."""
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.name.endswith(ending) else None
            if stream is not None:
                yield member.name, stream.read()


def medquad(data: Path) -> Iterator[str]:
    """Answers on health in English, one line each."""
    for _, content in members(data / "medquad/medquad.tar.xz", ".xml"):
        for answer in etree.fromstring(content).iter("Answer"):
            yield " ".join((answer.text or "").split())


def spaccc(data: Path) -> Iterator[str]:
    """Clinical cases in Spanish."""
    for _, content in members(data / "spaccc/spaccc-1000-cases.tar.xz", ".txt"):
        yield content.decode()


def casimedicos(data: Path) -> Iterator[str]:
    """Exam cases with their explanations, whose words stand one a line with a label each."""
    for name, content in members(data / "casimedicos/casimedicos-arg.tar.gz", ".tsv"):
        if "/ES/" in name or "/EN/" in name:
            for case in content.decode().split("QUESTION O")[1:]:
                sentences = BLANK_LINES.split(f"QUESTION O{case}")
                yield "\n".join(map(_words, sentences))


def _words(lines: str) -> str:
    return " ".join(line.split(" ")[0] for line in lines.splitlines() if line.strip())


def novels(path: Path) -> list[str]:
    """The novels of one file."""
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        return stream.read().split("\n\n")


def write(path: Path, texts: list[str]) -> None:
    """The texts with a blank line between two, and none inside one."""
    whole = [BLANK_LINES.sub("\n", text).strip() for text in texts]
    kept = [text for text in whole if len(text) >= SHORTEST_CHARACTERS]
    with lzma.open(path, "wt", encoding="utf-8") as stream:
        stream.write("\n\n".join(kept))
    print(f"{path}: {len(kept)} texts, {sum(map(len, kept)):,} characters")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--out", type=Path, required=True)
    found = options.parse_args()
    found.out.mkdir(parents=True, exist_ok=True)
    learned = novels(found.data / "novels-es/train.txt.xz")
    held_out = novels(found.data / "novels-es/val.txt.xz")
    for source in (spaccc, casimedicos, medquad):
        texts = list(source(found.data))
        held_out += texts[::HELD_OUT_EVERY]
        learned += [text for number, text in enumerate(texts) if number % HELD_OUT_EVERY]
    write(found.out / "train.txt.xz", learned)
    write(found.out / "held-out.txt.xz", held_out)


if __name__ == "__main__":
    main()
