"""Are altered answers caught, and faithful ones let through? On the sentences of real labels.

A case is a sentence of a label, altered or not, checked against the passage of up to 700 characters
that it stands in. The labels (openFDA, AEMPS leaflets, the embedded vademecum) are split in halves
by substance; the patterns of the check were written on one half, `held out` is the other.

Many altered cases start from a faithful rewording. Excluded, so that every altered case is false:
an alteration that gives words of the passage; a number or unit that the same sentence states as
altered, number and word after it; a medicine replaced by another name of its substance. Faithful
cases leave out only clauses without numbers, negations, conditions, limits or populations; an item
of a list is quoted with its opening line, and nothing below a heading without a full stop is.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from benchmarks import report
from benchmarks.medicines import alterations, faithful
from benchmarks.medicines.label_sentences import (
    Sentence,
    documents_of,
    names_of,
    sentences_of,
    single_words,
)
from benchmarks.medicines.options import Options
from cauce.knowledge.claims.checks import check_answer
from cauce.knowledge.names.resolver import NameResolver

CASES_PER_KIND = 1500
BARS = {
    "numbers": 0.99,
    "units": 0.99,
    "routes": 0.99,
    "drugs": 0.99,
    "negation": 0.90,
    "frequencies": 0.99,
}


class Case(NamedTuple):
    """An answer to check, and what was done to the sentence it comes from."""

    kind: str
    change: str
    answer: str
    sentence: Sentence


def run(options: Options) -> None:
    """Reports false alarms and what is caught, of all labels and of the half held out."""
    documents = list(documents_of(options.data))
    entries = list(names_of(documents))
    medicines = NameResolver(entries)
    found = list(sentences_of(documents))
    random.Random(4).shuffle(found)
    limit = CASES_PER_KIND // 10 if options.quick else CASES_PER_KIND
    cases = [*_faithful(found, limit), *_altered(found, single_words(entries), limit)]
    wrong: list[tuple[Case, str]] = []
    seconds: list[float] = []
    passed: dict[tuple[str, bool], Counter[bool]] = defaultdict(Counter)
    changes: dict[str, Counter[bool]] = defaultdict(Counter)
    for case in cases:
        started = time.process_time()
        failed = _failed(case, medicines.medicines_of)
        seconds.append(time.process_time() - started)
        passed[case.kind, case.sentence.held_out][not failed] += 1
        changes[f"{case.kind}: {case.change}"][not failed] += 1
        if bool(failed) == (case.kind == "faithful"):
            wrong.append((case, "; ".join(failed)))
    _report(passed, changes)
    seconds.sort()
    report("claims: CPU ms of a check, p95", 1000 * seconds[len(seconds) * 95 // 100], 5.0)
    rows = (
        {**case._asdict(), "sentence": case.sentence._asdict(), "failed": failed}
        for case, failed in wrong
    )
    options.write_failures("claims", rows)


def _failed(case: Case, medicines_of: Callable[[str], set[str]]) -> list[str]:
    sentence = case.sentence
    checks = check_answer(
        case.answer, sentence.passage, sentence.title, medicines_of, language=sentence.language
    )
    return [f"{check.name}: {check.detail}" for check in checks if not check.passed]


def _report(
    passed: dict[tuple[str, bool], Counter[bool]], changes: dict[str, Counter[bool]]
) -> None:
    for kind in dict.fromkeys(kind for kind, _ in passed):
        for name, halves in (("", (False, True)), (", held out", (True,))):
            count = sum((passed[kind, half] for half in halves), Counter())
            total = count.total()
            label = f"claims: {kind}{name} ({total} cases)"
            if kind == "faithful":
                report(f"{label}, false alarms", count[False] / total, 0.02)
            else:
                report(f"{label}, caught", count[False] / total, BARS.get(kind), better="higher")
    for change, count in sorted(changes.items()):
        value = count[False] / count.total()
        better = "lower" if change.startswith("faithful") else "higher"
        report(f"claims by change: {change} ({count.total()}), failed", value, None, better=better)


def _faithful(found: list[Sentence], limit: int) -> Iterator[Case]:
    for change, alter in faithful.CHANGES.items():
        count = 0
        for sentence in found:
            for answer in alter(sentence.text, sentence.language, sentence.title):
                yield Case("faithful", change, answer, sentence)
                count += 1
            if count >= limit // 3:
                break


def _altered(found: list[Sentence], names: Mapping[str, str], limit: int) -> Iterator[Case]:
    for kind, alter in alterations.KINDS.items():
        luck = random.Random(7)
        count: Counter[bool] = Counter()
        for sentence in found:
            if count[sentence.held_out] >= limit // 2:
                continue
            base = _reworded(sentence, luck)
            for change, answer in alter(base, sentence, names, luck):
                if not _stated(answer, sentence.passage):
                    yield Case(kind, change, answer, sentence)
                    count[sentence.held_out] += 1


def _reworded(sentence: Sentence, luck: random.Random) -> str:
    """The sentence in words of its own or, where there are any, in other faithful ones."""
    ways = [
        answer
        for alter in faithful.CHANGES.values()
        for answer in alter(sentence.text, sentence.language, sentence.title)
    ]
    return luck.choice([sentence.text, *ways])


def _stated(answer: str, quote: str) -> bool:
    """True when the passage states the altered answer letter for letter."""
    return " ".join(answer.lower().split()) in " ".join(quote.lower().split())
