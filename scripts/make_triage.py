"""Makes `src/cauce/data/safety/triage.bin`: what the texts of `safety/triage_texts` teach.

    python scripts/make_triage.py            # writes the table
    python scripts/make_triage.py --check    # each fifth of the texts by what the others teach

Needs numpy and scipy. The texts, and the questions of `router_questions` beside them, were written
for this project; those of `benchmarks/trust` are never read.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))
from train_classifier import Labelled, lines_of, train

from cauce.evaluation.robustness.swaps import swaps
from cauce.safety.classifier import Classifier
from cauce.safety.triage.signs import certain_kind, signs_in
from cauce.safety.triage.wording import neutral

ROOT = Path(__file__).resolve().parents[1]
TEXTS = ROOT / "scripts" / "safety" / "triage_texts"
"""A file for each author."""
GUARD_TEXTS = ROOT / "scripts" / "safety" / "guard_texts"
AMONG_THEM = ROOT / "scripts" / "safety" / "emergencies_among_guard_texts.tsv"
"""Which of the ordinary ones tell of an emergency, by one reader; `doubt`: left out."""
QUESTIONS = sorted((ROOT / "scripts" / "router_questions").glob("*.tsv"))
TABLE = ROOT / "src" / "cauce" / "data" / "safety" / "triage.bin"
PENALTY = 0.01
ROWS = 1 << 17
"""With 9 labels 1.2 MB; half of it costs 2 of 100 false alarms on authors who were left out."""
SUSPECT = {"overdose", "side_effects", "warnings"}
"""Kinds of question behind which an emergency may stand."""
NAMES = ("paracetamol", "enalapril", "sintrom", "lorazepam", "insulina", "tramadol", "eutirox")
FOLDS = 5
OPENINGS = ("override", "role", "prefix", "suppress", "turns", "hypothetical")
"""Families of attacks that something else can follow."""
WRAPPED = 800


class Text(NamedTuple):
    """A line of the table of texts."""

    kind: str
    directness: str
    language: str
    text: str


class Judged(NamedTuple):
    """A text with how likely it is an emergency, and whether the rules alone say so."""

    text: Text
    score: float
    is_certain: bool


def texts() -> list[Text]:
    """Every text to learn from."""
    known = [Text(*line.split("\t")) for line in lines_of(TEXTS)]
    return [
        *(*known, *_wrapped(known), *_said_elsewhere(known)),
        *(*_attacks(), *_ordinary(), *_questions()),
    ]


def _wrapped(known: Sequence[Text]) -> Iterator[Text]:
    """Emergencies behind an attack: they are emergencies all the same."""
    drawn = random.Random(0)
    attacks = [line.split("\t") for line in lines_of(GUARD_TEXTS)]
    openings = [it[3] for it in attacks if it[0] == "attack" and it[1] in OPENINGS]
    for text in drawn.sample([one for one in known if one.kind != "none"], WRAPPED):
        yield text._replace(text=f"{drawn.choice(openings)} {text.text}")


def _said_elsewhere(known: Sequence[Text]) -> Iterator[Text]:
    """What people of another country would have said."""
    for text in known:
        if text.language == "es":
            for variant in swaps(text.text, ("dialect",))[:1]:
                yield text._replace(text=variant.text)


def _attacks() -> Iterator[Text]:
    """Attacks on an assistant are none either, but those that tell of an emergency."""
    for line in lines_of(GUARD_TEXTS):
        label, _, language, text = line.split("\t")
        if label == "attack" and certain_kind(signs_in(text)) is None:
            yield Text("none", "none", language, text)


def _ordinary() -> Iterator[Text]:
    """What people write and paste, for the guard to let pass."""
    kinds = emergencies_among_guard_texts()
    for line in lines_of(GUARD_TEXTS):
        label, _, language, text = line.split("\t")
        kind = kinds.get(text, "none")
        if label == "ordinary" and kind != "doubt":
            yield Text(kind, "none" if kind == "none" else "indirect", language, text)


def emergencies_among_guard_texts() -> dict[str, str]:
    """The kind of each ordinary text of the guard that tells, or may tell, of an emergency."""
    lines = (line.split("\t") for line in AMONG_THEM.read_text("utf-8").splitlines())
    return {text: kind for kind, text in lines}


def _questions() -> Iterator[Text]:
    """Questions on medicines, which are no emergencies; not those on overdose and side effects."""
    for path in QUESTIONS:
        for place, line in enumerate(path.read_text("utf-8").splitlines()):
            kind, language, question = line.split("\t")
            if not set(kind.split("+")) & SUSPECT:
                name = NAMES[place % len(NAMES)]
                yield Text("none", "none", language, question.replace("{m}", name))


def taught(known: Sequence[Text]) -> Classifier:
    """The classifier that these texts teach."""
    return train([_labelled(text) for text in known], penalty=PENALTY, rows=ROWS)


def _labelled(text: Text) -> Labelled:
    return Labelled(neutral(text.text), text.kind, tuple(sorted(signs_in(text.text))))


def check() -> None:
    """Prints alarms over thresholds, each text judged by a table that has not seen it."""
    known = texts()
    random.Random(0).shuffle(known)
    judged = [one for fold in range(FOLDS) for one in _judged(known, fold)]
    for alarm in (0.2, 0.25, 0.3, 0.35, 0.4):
        for directness in ("explicit", "indirect", "none"):
            mine = [one for one in judged if one.text.directness == directness]
            alarms = sum(one.score >= alarm or one.is_certain for one in mine)
            print(f"from {alarm}: {directness} {alarms / len(mine):.3f} of {len(mine)}")


def _judged(known: Sequence[Text], fold: int) -> Iterator[Judged]:
    table = taught([text for place, text in enumerate(known) if place % FOLDS != fold])
    for text in known[fold::FOLDS]:
        one = _labelled(text)
        score = 1 - table.probabilities(one.text, one.cues)["none"]
        yield Judged(text, score, certain_kind(frozenset(one.cues)) is not None)


def main() -> None:
    """Writes the table, or checks it."""
    if "--check" in sys.argv:
        check()
    else:
        taught(texts()).save(TABLE)
        print(f"{TABLE}: {TABLE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
