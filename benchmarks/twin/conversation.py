"""What the assistant tells of a record beside the labels: found, missed, told without ground.

The cases of `data/conversation.tsv` were written off the embedded labels by the author of the
rules, who looked at what went wrong with them; those of `data/conversation-held-out.tsv`, on other
labels, by the same author before any was run. Nobody else has labelled them. The ten synthetic
people of `CAUCE_SHARED_DATA` are asked about too, for what code can check: that every statement
points to an event that is there, and that no number or name of it is missing there.
`CAUCE_SHOW=1` shows what went wrong.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from cauce.assistant.assistant import Assistant
from cauce.assistant.personal.assistant import PersonalAssistant
from cauce.assistant.personal.contradictions import REASON
from cauce.assistant.personal.telling import RECORD
from cauce.assistant.settings import AssistantSettings
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Citation, Document, Reply
from cauce.sources.vademecum import VademecumSource
from cauce.twin.readings import known_readings
from cauce.twin.summary.checks import unsupported
from cauce.twin.summary.recorded import events_at, place_of_person
from cauce.twin.timeline import Code, Event, EventKind, Person, Timeline

CASES = Path(__file__).parent / "data"
PARTS = ("conversation", "conversation-held-out")
WHEN = datetime(2025, 6, 1, tzinfo=UTC)
BEFORE = datetime(2025, 3, 12, tzinfo=UTC)
ASKED_OF_ALL = (
    "¿puedo tomar ibuprofeno?",
    "can I take metformin?",
    "puc prendre espironolactona?",
    "¿qué dosis de citalopram?",
)
_WHO = re.compile(r"^([fm])(\d+) ")
_ALONE = {
    "taken": "Es el medicamento|It is the medicine|És el medicament",
    "same": "Es el",
    "group": "grup|group",
}


class Case(NamedTuple):
    """A record, a question, and what is to be told."""

    timeline: Timeline
    question: str
    expected: tuple[str, ...]


def measure() -> None:
    """Prints what was found, missed and told without ground, and the checks of every statement."""
    with tempfile.TemporaryDirectory() as folder:
        inner = _assistant(Path(folder) / "index.sqlite")
        checked: Counter[str] = Counter()
        for part in PARTS:
            counts: Counter[str] = Counter()
            for case in cases(part):
                assistant = PersonalAssistant(inner, case.timeline, when=WHEN)
                reply = assistant.reply(case.question)
                _count(case, reply, counts)
                _check(assistant, case.timeline, reply, checked)
            _report_part(part, counts)
        for timeline in _people():
            assistant = PersonalAssistant(inner, timeline, when=WHEN)
            for question in ASKED_OF_ALL:
                _check(assistant, timeline, assistant.reply(question), checked)
    _report_checks(checked)


def cases(part: str) -> Iterator[Case]:
    """The cases of one table."""
    for line in (CASES / f"{part}.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            facts, question, expected = line.split("\t")
            who = _WHO.match(question)
            sex, age = who.groups() if who else ("f", "50")
            person = Person(
                id="ana",
                birth=date(2025 - int(age), 3, 12),
                sex="female" if sex == "f" else "male",
            )
            told = [fact for fact in facts.split(",") if fact]
            events = tuple(_event(fact, place) for place, fact in enumerate(told))
            yield Case(
                Timeline(person=person, events=events),
                question[who.end() :] if who else question,
                tuple(filter(None, expected.split("|"))),
            )


def _event(fact: str, place: int) -> Event:
    kind, _, words = fact.partition("=")
    if not words:
        name, value = kind.split("@")
        reading = known_readings()[name]
        return Event(
            kind="reading",
            name=reading.names["en"],
            reading=name,
            value=float(value),
            unit=reading.unit,
            start=BEFORE,
            file="ana.json",
            origin=f"Observation/{place}",
        )
    codes = (Code(system="snomed", code="77386006"),) if kind == "pregnancy" else ()
    return Event(
        kind=_KINDS[kind],
        name=words,
        codes=codes,
        start=BEFORE,
        file="ana.json",
        origin=f"Resource/{place}",
    )


_KINDS: dict[str, EventKind] = {
    "allergy": "allergy",
    "medicine": "medicine",
    "condition": "condition",
    "pregnancy": "condition",
}


def _assistant(path: Path) -> Assistant:
    documents = [one for one in VademecumSource().documents() if isinstance(one, Document)]
    build_index(path, documents)
    return Assistant(None, Index(path), AssistantSettings())


def _count(case: Case, reply: Reply, counts: Counter[str]) -> None:
    counts["cases"] += 1
    is_to_be_asked = case.expected == ("?",)
    if is_to_be_asked or reply.reason == REASON:
        counts["asked" if is_to_be_asked == (reply.reason == REASON) else "not asked"] += 1
        _show(case, reply.reason != REASON or not is_to_be_asked, reply.text)
        return
    told = _told(reply)
    missed = [one for one in case.expected if not any(_matches(one, line) for line in told)]
    quotes = [line for line in told if _is_quote(line)]
    false = [line for line in quotes if not any(_matches(one, line) for one in case.expected)]
    counts["found"] += len(case.expected) - len(missed)
    counts["missed"] += len(missed)
    counts["quotes"] += len(quotes)
    counts["false"] += len(false)
    _show(case, bool(missed or false), "\n".join([f"missed {missed}", *false]))


def _show(case: Case, is_wrong: bool, text: str) -> None:
    if is_wrong and os.environ.get("CAUCE_SHOW"):
        names = [f"{event.name} {event.value or ''}" for event in case.timeline.events]
        print(names, case.question, text, sep="\n  ", file=sys.stderr)


def _told(reply: Reply) -> list[str]:
    """What the reply tells of the record: all behind the first statement that cites the record."""
    texts = [statement.text for statement in reply.statements]
    first = next(
        (
            place
            for place, statement in enumerate(reply.statements)
            if statement.citation is not None
            and reply.citations[statement.citation].source == RECORD
        ),
        len(texts),
    )
    return texts[first:]


def _is_quote(line: str) -> bool:
    return line.startswith(("La ficha «", "The label “", "La fitxa «"))


def _matches(expected: str, line: str) -> bool:
    if expected in _ALONE:
        return not _is_quote(line) and bool(re.search(_ALONE[expected], line))
    return _is_quote(line) and expected in line


def _check(
    assistant: PersonalAssistant, timeline: Timeline, reply: Reply, counts: Counter[str]
) -> None:
    """Whether every statement of the record stands in the events that it points to."""
    summary = assistant.summary(reply.language)
    cited = {one.quote for one in reply.citations if one.source == RECORD}
    for recorded in summary.statements:
        if recorded.text in cited:
            cited.discard(recorded.text)
            counts["statements"] += 1
            places = {*recorded.events} - {place_of_person(timeline.person)}
            counts["pointing"] += all(events_at(timeline, (place,)) for place in places)
            counts["held"] += not unsupported(recorded, timeline, reply.language, WHEN)
    counts["statements"] += len(cited)
    counts["quoted"] += sum(one.source != RECORD for one in reply.citations)
    counts["letter for letter"] += sum(
        _stands(assistant, one) for one in reply.citations if one.source != RECORD
    )


def _stands(assistant: PersonalAssistant, citation: Citation) -> bool:
    section = assistant.section(citation.source, citation.id, citation.section, citation.language)
    return section is not None and citation.quote in section.body


def _people() -> Iterator[Timeline]:
    from cauce.twin.fhir import read_fhir

    root = os.environ.get("CAUCE_SHARED_DATA")
    if root and (archive := Path(root) / "synthea" / "bundles-10.tar.xz").exists():
        yield from read_fhir(archive).timelines


def _report_part(part: str, counts: Counter[str]) -> None:
    found, missed = counts["found"], counts["missed"]
    name = f"{part} ({counts['cases']} cases)"
    report(f"{name}: expected findings found", found / (found + missed), 0.95, "higher")
    report(f"{name}: quotations not expected", counts["false"] / counts["quotes"], 0.05)
    asked = counts["asked"] + counts["not asked"]
    right = counts["asked"] / asked
    report(f"{name}: contradictions asked about, and no other ({asked})", right, 1.0, "higher")


def _report_checks(counts: Counter[str]) -> None:
    total, quoted = counts["statements"], counts["quoted"]
    for said, of, key in (
        (f"statements that point to an event ({total})", total, "pointing"),
        ("statements whose numbers and names stand there", total, "held"),
        (f"quotations letter for letter ({quoted})", quoted, "letter for letter"),
    ):
        report(f"conversation: {said}", counts[key] / of, 1.0, "higher")
