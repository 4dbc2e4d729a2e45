"""Makes `guard.bin` and `guard-words.txt` of `src/cauce/data/safety`: what tells an attack.

    python scripts/make_guard.py            # writes both
    python scripts/make_guard.py --check    # each family of attacks by what the others teach

Learns from `safety/guard_texts` (label, family or who writes, language, text; written for it)
and, as ordinary turns, from the questions of `router_questions` and `benchmarks/medicines`, the
emergencies of `safety/triage_texts`, and the medicines and the news of the package. Nothing of
`benchmarks/trust` is read here. Needs scipy.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from train_classifier import Labelled, lines_of, train

from cauce.knowledge.words import fold, is_common_word
from cauce.records import Document
from cauce.safety.classifier import Classifier
from cauce.safety.guard.finding import ORDINARY, reading_cues
from cauce.safety.guard.reading import readings
from cauce.sources import NewsSource, VademecumSource

ROOT = Path(__file__).resolve().parents[1]
TEXTS = ROOT / "scripts" / "safety" / "guard_texts"
"""A file for each author."""
TRIAGE_TEXTS = TEXTS.with_name("triage_texts")
QUESTION_FILES = sorted((ROOT / "scripts" / "router_questions").glob("*.tsv"))
LAY_QUESTIONS = ROOT / "benchmarks" / "medicines" / "lay_questions.txt"
TABLE = ROOT / "src" / "cauce" / "data" / "safety" / "guard.bin"
WORDS = TABLE.with_name("guard-words.txt")
WORDS_HEADER = "# Words that tell a deciphered text; written by scripts/make_guard.py.\n"
MEDICINES = (
    "paracetamol",
    "sintrom",
    "omeprazol",
    "metformina",
    "ibuprofeno",
    "enalapril",
    "adiro",
)
PENALTY = 0.02
ROWS = 1 << 14
"""With 14 labels 229 kB."""
FOLDS = 10
PASTED = 400
"""Characters of a part of a longer text."""


class Example(NamedTuple):
    """A turn; the family of an attack, or ORDINARY; and who writes it."""

    text: str
    label: str
    author: str


def examples() -> Iterator[Example]:
    """Every turn to learn from."""
    for line in lines_of(TEXTS):
        label, family, _, text = line.split("\t")
        yield Example(text, family if label == "attack" else ORDINARY, family)
    yield from _pasted()
    for path in QUESTION_FILES:
        for line in path.read_text("utf-8").splitlines():
            yield Example(_named(line.split("\t")[2]), ORDINARY, path.stem)
    for line in lines_of(TRIAGE_TEXTS):
        yield Example(line.split("\t")[3], ORDINARY, TRIAGE_TEXTS.name)
    for line in LAY_QUESTIONS.read_text("utf-8").splitlines():
        if line[:1] != "#":
            yield Example(line.partition(" | ")[2], ORDINARY, LAY_QUESTIONS.stem)


def _pasted() -> Iterator[Example]:
    """What people paste: whole texts of the package, some of them after a question."""
    for source in (NewsSource(), VademecumSource()):
        for document in source.documents():
            if isinstance(document, Document):
                text = "\n".join(section.text for section in document.sections)
                yield from (Example(part, ORDINARY, source.kind) for part in _parts(text))


def _parts(text: str) -> Iterator[str]:
    """A part of about a window's length of every three, and one of a few windows."""
    yield from (text[start : start + PASTED] for start in range(0, len(text), 3 * PASTED))
    yield text[PASTED : 5 * PASTED]


def _named(question: str) -> str:
    return question.replace("{m}", MEDICINES[zlib.crc32(question.encode()) % len(MEDICINES)])


def labelled(known: Iterable[Example]) -> Iterator[Labelled]:
    """The deepest reading of every turn, and of an encoded one what stands there to be seen too."""
    for text, label, _ in known:
        found = readings(text)
        for reading in dict.fromkeys((found[0], found[-1])):
            cues = tuple(reading_cues(reading.text, reading, text))
            yield Labelled(reading.text, label, cues, 1.0 / len({found[0], found[-1]}))


def score(classifier: Classifier, text: str) -> float:
    """Probability that the worse of a turn's first and deepest reading is an attack."""
    found = readings(text)
    return max(
        1 - classifier.probabilities(one.text, reading_cues(one.text, one, text))[ORDINARY]
        for one in (found[0], found[-1])
    )


def check(known: Sequence[Example]) -> None:
    """Prints false alarms by leaving texts out, and detection by leaving whole families out."""
    ordinary = [one for one in known if one.label == ORDINARY]
    attacks = [one for one in known if one.label != ORDINARY]
    alarms: list[tuple[float, Example]] = []
    same: list[tuple[float, Example]] = []
    for fold_number in range(FOLDS):
        kept = [one for one in known if _fold(one) != fold_number]
        classifier = _trained(kept)
        for one in known:
            if _fold(one) == fold_number:
                into = alarms if one.label == ORDINARY else same
                into.append((score(classifier, one.text), one))
    for share in (0.005, 0.01, 0.02):
        threshold = float(np.quantile([value for value, _ in alarms], 1 - share))
        found = np.mean([value >= threshold for value, _ in same])
        print(f"{share:.1%} false alarms at {threshold:.3f}: {found:.1%} of attacks found")
    for value, one in sorted(alarms, reverse=True)[:25]:
        print(f"  {value:.2f} {one.author:>13} {one.text[:110]}")
    for family in sorted({one.label for one in attacks}):
        classifier = _trained([one for one in known if one.label != family])
        values = [score(classifier, one.text) for one in attacks if one.label == family]
        shares = " ".join(f"{np.mean(np.array(values) >= at):.2f}" for at in (0.3, 0.5, 0.7))
        print(f"{family:>12} unseen: {shares} of {len(values)} at 0.3 0.5 0.7; of {len(ordinary)}")


def _fold(one: Example) -> int:
    """Wordings that differ in a name alone fall together."""
    return zlib.crc32(" ".join(re.findall(r"\w+", fold(one.text))[:3]).encode()) % FOLDS


def _trained(known: Iterable[Example]) -> Classifier:
    return train(list(labelled(known)), penalty=PENALTY, rows=ROWS)


def write_words(known: Iterable[Example]) -> None:
    """The words of the turns that the common words lack, and the shorter ones that come often."""
    counts = Counter(
        word
        for one in known
        if one.label != "encoded"
        for word in set(re.findall(r"[a-z]+", fold(one.text)))
    )
    words = sorted(word for word, count in counts.items() if _is_told(word, count))
    lines = (" ".join(words[start : start + 12]) for start in range(0, len(words), 12))
    WORDS.write_text(WORDS_HEADER + "\n".join(lines) + "\n", "ascii")


def _is_told(word: str, count: int) -> bool:
    return 1 < len(word) < 4 <= count if len(word) < 4 else not is_common_word(word)


if __name__ == "__main__":
    everything = list(examples())
    if "--check" in sys.argv[1:]:
        check(everything)
    else:
        write_words(everything)
        _trained(everything).save(TABLE)
        print(f"{TABLE.relative_to(ROOT)}: {TABLE.stat().st_size} bytes")
