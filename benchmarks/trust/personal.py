"""Personal data found in labelled texts, what is masked wrongly, and how fast.

    python -m benchmarks.trust.personal [dev|test]

A span counts as found where start and end are those that people marked; `overlapping` where one
touches it. Kinds count only where it is said. The clinical texts are MEDDOCAN's; the chats were
written for this by the author of the rules, who knows both.
"""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report
from benchmarks.trust import kept
from benchmarks.trust.meddocan import Labelled, corpus_file, labelled, part_of
from cauce.evaluation.statistics import Estimate, rate_exact
from cauce.safety.personal.finding import find, tells_who
from cauce.safety.personal.spans import PersonalSpan

HERE = Path(__file__).parent / "data"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
RECALL, PRECISION = 0.95, 0.90
SAME_PERSONAL = {"DNI": "IDENTIFICADOR", "NUSS": "IDENTIFICADOR", "CUENTA": "IDENTIFICADOR"}
"""Kinds that are one where kinds are compared."""

Mark = tuple[int, int, str]


class Marked(NamedTuple):
    """A text with what people marked, and what was found."""

    id: str
    gold: list[Mark]
    found: list[Mark]


def marked(texts: Iterable[Labelled], *, only_masked: bool = False) -> list[Marked]:
    """What is found in each text; with `only_masked` kinds that stay in it are left out of both."""
    read = []
    for item in texts:
        found = list(find(item.text))
        gold = item.spans
        if only_masked:
            found = [it for it in found if tells_who(item.text, it)]
            gold = [it for it in gold if tells_who(item.text, PersonalSpan(*it, 1.0))]  # type: ignore[arg-type]
        read.append(Marked(item.id, [_one(*it) for it in gold], [_one(*it[:3]) for it in found]))
    return read


def _one(start: int, end: int, kind: str) -> Mark:
    return start, end, SAME_PERSONAL.get(kind, kind)


Match = Callable[[Mark, Sequence[Mark]], bool]


def strict(mark: Mark, others: Sequence[Mark]) -> bool:
    """Whether one of the others has the same place."""
    return any(mark[:2] == other[:2] for other in others)


def with_kind(mark: Mark, others: Sequence[Mark]) -> bool:
    """Whether one of the others has the same place and kind."""
    return mark in others


def overlapping(mark: Mark, others: Sequence[Mark]) -> bool:
    """Whether one of the others touches it."""
    return any(mark[0] < other[1] and other[0] < mark[1] for other in others)


def rates(items: Sequence[Marked], match: Match, kind: str = "") -> dict[str, Estimate]:
    """Recall and precision, a text's spans being one cluster; of one kind, or of all."""
    found: dict[str, list[tuple[float, str]]] = {"recall": [], "precision": []}
    for item in items:
        for name, own, others in (
            ("recall", item.gold, item.found),
            ("precision", item.found, item.gold),
        ):
            found[name] += [
                (float(match(it, others)), item.id) for it in own if kind in ("", it[2])
            ]
    return {
        name: rate_exact([value for value, _ in pairs], [group for _, group in pairs])
        for name, pairs in found.items()
        if pairs
    }


def tell(what: str, estimates: dict[str, Estimate], *, is_bar: bool) -> None:
    """Prints each rate with its interval."""
    for name, it in estimates.items():
        bar = {"recall": RECALL, "precision": PRECISION}[name] if is_bar else None
        report(f"personal data, {what}: {name} [{_interval(it)}]", it.value, bar, "higher")


def _interval(it: Estimate) -> str:
    bounds = "-" if it.low is None or it.high is None else f"{it.low:.3f}-{it.high:.3f}"
    return f"{bounds}, n {it.n}"


def chats(part: str) -> list[Labelled]:
    """The chats of a part."""
    lines = (HERE / f"personal-{part}.jsonl").read_text("utf-8").splitlines()
    read = (json.loads(line) for line in lines)
    return [
        Labelled(it["id"], it["text"], [(start, end, kind) for start, end, kind in it["spans"]])
        for it in read
    ]


def clinical_cases(data: Path) -> Iterator[str]:
    """Cases without names, of articles that nothing was learned from; places and dates do occur."""
    with tarfile.open(data / "spaccc" / "spaccc-1000-cases.tar.xz") as archive:
        for member in archive:
            name, _, kind = member.name.rpartition("/")[2].rpartition(".")
            file = archive.extractfile(member)
            if kind == "txt" and part_of(name) == "test" and file is not None:
                yield file.read().decode()


def leaflets(data: Path) -> Iterator[str]:
    """Labels of medicines, in English."""
    with gzip.open(data / "openfda" / "labels-150.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            fields = json.loads(line)
            for name in ("indications_and_usage", "dosage_and_administration", "warnings"):
                yield from fields.get(name, ())


def harmless() -> list[str]:
    """Sentences with eponyms, scales, medicines and doses, one a line, that name nobody."""
    return (HERE / "eponyms.txt").read_text("utf-8").splitlines()


def alarms(what: str, texts: Sequence[str], kinds: Iterable[str]) -> list[str]:
    """Prints how many spans of these kinds are found in 1,000 words; returns them."""
    wanted, words, found = set(kinds), 0, []
    for text in texts:
        words += len(text.split())
        found += [text[it.start : it.end] for it in find(text) if it.kind in wanted]
    report(f"personal data, {what}: masked wrongly in 1,000 words", 1000 * len(found) / words, None)
    return found


def speed(texts: Sequence[str]) -> None:
    """Prints kilobytes a second on one thread."""
    start = time.perf_counter()
    for text in texts:
        find(text)
    seconds = time.perf_counter() - start
    size = sum(len(text.encode()) for text in texts)
    report("personal data: kB a second", size / seconds / 1000, None, "higher")


def measure(part: str = "test") -> None:
    """Prints the figures of a part of the texts."""
    reports = labelled(SHARED, "dev" if part == "dev" else "test")
    items, spoken = marked(reports), marked(chats(part), only_masked=True)
    tell("clinical texts, place and kind", rates(items, with_kind), is_bar=False)
    tell("clinical texts, place", rates(items, strict), is_bar=True)
    tell("clinical texts, overlapping", rates(items, overlapping), is_bar=False)
    masked = marked(reports, only_masked=True)
    tell("clinical texts, what is masked, place", rates(masked, strict), is_bar=False)
    tell("clinical texts, what is masked, overlapping", rates(masked, overlapping), is_bar=False)
    for kind in sorted({mark[2] for item in items for mark in item.gold}):
        tell(f"clinical texts, {kind}", rates(items, with_kind, kind), is_bar=False)
    tell("chats, place", rates(spoken, strict), is_bar=True)
    tell("chats, overlapping", rates(spoken, overlapping), is_bar=False)
    for kind in sorted({mark[2] for item in spoken for mark in item.gold}):
        tell(f"chats, {kind}", rates(spoken, with_kind, kind), is_bar=False)
    who = ("NOMBRE", "DNI", "NUSS", "IDENTIFICADOR", "TELÉFONO", "DIRECCIÓN", "CUENTA", "CORREO")
    alarms("clinical cases without names", list(clinical_cases(SHARED)), who)
    alarms("labels in English", list(leaflets(SHARED)), who)
    alarms("eponyms, scales and doses", harmless(), who)
    speed([it.text for it in reports])
    if part == "test":
        rows = kept_rows({"clinical texts": items, "chats": spoken})
        kept.keep("personal", rows, corpus_file(SHARED), HERE / "personal-test.jsonl")


def kept_rows(parts: Mapping[str, Sequence[Marked]]) -> list[dict[str, Any]]:
    """What the report of evidence tells of each kind of text: place alone, as the bars are."""
    return [
        {"name": f"personal_data_{name}", "part": part, **estimate.model_dump()}
        for part, items in parts.items()
        for name, estimate in rates(items, strict).items()
    ]


def mistakes(items: Sequence[Labelled], kinds: bool = False) -> Iterator[str]:
    """What was missed (-) and what was found wrongly (+), with its surroundings: of dev texts."""
    for item in items:
        (own,) = marked([item])
        match = with_kind if kinds else strict
        for sign, marks, others in (("-", own.gold, own.found), ("+", own.found, own.gold)):
            for start, end, kind in marks:
                if not match((start, end, kind), others):
                    text = item.text
                    before, after = text[max(0, start - 30) : start], text[end : end + 15]
                    around = f"{before}[{text[start:end]}]{after}"
                    yield f"{sign} {kind} {around!r}"


if __name__ == "__main__":
    measure(*sys.argv[1:])
