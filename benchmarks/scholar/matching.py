"""References against a catalogue: how many DOIs are found, and how many of them are wrong.

The works that real articles cite are put into a catalogue, every second one of them, with works
that look like them, of those left out too. Each is then asked for as articles print it: in five
styles (one without titles), as its own article prints it, field by field, and both. A DOI
for a work that was left out, or of another work, is wrong; one of another version is right.

The weights and the threshold were chosen on the references of every second article; what is
reported comes from the others.
"""

from __future__ import annotations

import itertools
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from benchmarks.scholar.printing import (
    NEAR,
    STYLES,
    fewer_fields,
    near_duplicate,
    poorer,
    preprint,
    printed,
)
from cauce.knowledge.works.catalogue import Catalogue
from cauce.knowledge.works.matching import ACCEPTED, best_match
from cauce.knowledge.works.spelling import plain
from cauce.records import Document, Reference
from cauce.sources.articles import ArticlesSource
from cauce.sources.registries.work import Work

ARTICLES = ("scholar/jats/epmc", "scholar/jats/plos", "scholar/pdf-jats/hindawi/*/*.xml")
SEED = 7
LEAST_PRINTED = 40
"""Characters of a printed reference that is worth asking for."""
THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
_PRINTED_DOI = re.compile(r"(?:\[?doi|https?:|10\.\d{4}).*$", re.IGNORECASE)


class Question(NamedTuple):
    """A reference that is asked for, and the set of versions that it means."""

    style: str
    cited: Reference
    same: str | None
    """None where the catalogue does not hold the work."""


class Trial(NamedTuple):
    """A catalogue and what it is asked."""

    catalogue: Catalogue
    questions: list[Question]


class Outcome(NamedTuple):
    """The best answer, whatever its score, and whether it is right."""

    style: str
    score: float
    margin: float
    is_present: bool
    is_right: bool
    is_first_right: bool
    """Whether the first hit of the search is right."""


def trial(works: Sequence[Reference], seed: int = SEED) -> Trial:
    """Half of the works in a catalogue, with near duplicates, and questions for all of them."""
    chance = random.Random(seed)
    order = chance.sample(list(works), len(works))
    catalogue, registered = Catalogue(), []
    for number, work in enumerate(order):
        registered += _registered(work, number, number % 2 == 0, chance)
    catalogue.add(chance.sample(registered, len(registered)))
    questions = []
    for number, work in enumerate(order):
        entry = catalogue.entry(f"10.1000/{number}")
        questions += _questions(work, entry.same if entry else None, chance)
    return Trial(catalogue, questions)


def _registered(
    work: Reference, number: int, is_present: bool, chance: random.Random
) -> list[Work]:
    """What the catalogue holds of a work and of those that look like it."""
    found = []
    if is_present:
        found.append((f"10.1000/{number}", poorer(work, chance)))
        if chance.random() < 0.1:
            found.append((f"10.1000/{number}.preprint", preprint(work)))
    for kind in chance.sample(NEAR, chance.choice((0, 1, 2))):
        if kind == "book" and not work.container:
            continue
        found.append((f"10.1000/{number}.{kind}", near_duplicate(work, kind, chance)))
    return [
        Work(reference=each.model_copy(update={"id": doi, "doi": doi, "raw": ""}), source="trial")
        for doi, each in found
    ]


def _questions(work: Reference, same: str | None, chance: random.Random) -> list[Question]:
    texts = {
        style: printed(work, style, chance)
        for style in STYLES
        if style != "aip" or (work.volume and work.pages)
    }
    own = _PRINTED_DOI.sub("", work.raw)
    if len(own) >= LEAST_PRINTED:
        texts["as printed"] = own
    asked = [Question(style, Reference(id=style, raw=text), same) for style, text in texts.items()]
    fields = fewer_fields(work, chance)
    if len(own) >= LEAST_PRINTED:
        asked.append(Question("both", fields.model_copy(update={"raw": own}), same))
    return [*asked, Question("fields", fields, same)]


def outcomes(asked: Trial) -> list[Outcome]:
    """What the matcher answers to every question."""
    return [_outcome(asked.catalogue, question) for question in asked.questions]


def _outcome(catalogue: Catalogue, question: Question) -> Outcome:
    candidates = catalogue.candidates(question.cited)
    best = best_match(question.cited, candidates, "catalogue", accepted=0.0)
    sets = {entry.work.doi: entry.same for entry in candidates}
    same = question.same
    return Outcome(
        question.style,
        best.score,
        best.margin,
        same is not None,
        best.doi is not None and sets[best.doi] == same,
        bool(candidates) and candidates[0].same == same,
    )


class Rates(NamedTuple):
    """What a threshold gives."""

    precision: float
    recall: float
    false_absent: float
    """Share of the works that are not in the catalogue which get a DOI."""


def rates(answered: Sequence[Outcome], threshold: float) -> Rates:
    """Precision, recall and false DOIs of the answers that reach a score."""
    given = [each for each in answered if each.score >= threshold]
    right = sum(each.is_right for each in given)
    absent = sum(not each.is_present for each in answered)
    return Rates(
        right / max(1, len(given)),
        right / max(1, len(answered) - absent),
        sum(not each.is_present for each in given) / max(1, absent),
    )


def cited_works(folder: Path) -> dict[str, list[Reference]]:
    """The references of each article with title, author and year, each work once."""
    seen: set[str] = set()
    found: dict[str, list[Reference]] = {}
    for document in _articles(folder):
        for work in document.references:
            keys = {plain(work.title), work.doi or plain(work.title)}
            if keys.isdisjoint(seen) and work.title and work.authors and work.year:
                seen |= keys
                found.setdefault(document.id, []).append(work)
    return found


def _articles(folder: Path) -> Iterator[Document]:
    for name in ARTICLES:
        for document in ArticlesSource(path=folder / name).documents():
            if isinstance(document, Document):
                yield document


def halves(folder: Path) -> tuple[list[Reference], list[Reference]]:
    """The works to tune on and those to report on: of every second article."""
    works = list(cited_works(folder).values())
    return list(itertools.chain(*works[::2])), list(itertools.chain(*works[1::2]))


def matching(data: Path) -> None:
    """Prints every figure; `data` is the folder of the shared inputs."""
    _, held_out = halves(data)
    asked = trial(held_out)
    started = time.perf_counter()
    answered = outcomes(asked)
    milliseconds = 1000 * (time.perf_counter() - started) / len(answered)
    for threshold in sorted({*THRESHOLDS, ACCEPTED}):
        at = rates(answered, threshold)
        print(f"score >= {threshold:.2f}: {_shown(at)}", file=sys.stderr)
    for style in dict.fromkeys(each.style for each in answered):
        at = rates([each for each in answered if each.style == style], ACCEPTED)
        print(f"{style:10s} at {ACCEPTED}: {_shown(at)}", file=sys.stderr)
    at = rates(answered, ACCEPTED)
    report("matching: precision", at.precision, 0.995, "higher")
    report("matching: recall", at.recall, 0.85, "higher")
    report("matching: DOIs for absent works", at.false_absent, 0.01)
    report("matching: calibration error", _calibration_error(answered), None)
    report("matching: ms a reference", milliseconds, None)
    first = sum(each.is_first_right for each in answered) / len(answered)
    report("first hit: precision", first, None, "higher")


def _shown(at: Rates) -> str:
    return f"P {at.precision:.4f}  R {at.recall:.4f}  absent {at.false_absent:.4f}"


def _calibration_error(answered: Sequence[Outcome]) -> float:
    """Mean distance of the score from the share that is right, in ten bins of score."""
    bins: dict[int, list[Outcome]] = {}
    for each in answered:
        bins.setdefault(min(9, int(10 * each.score)), []).append(each)
    gaps = (
        abs(sum(e.score for e in group) - sum(e.is_right for e in group)) for group in bins.values()
    )
    return sum(gaps) / len(answered)
