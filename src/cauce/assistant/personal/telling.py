"""A reply with what the record and the label say of each other behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cauce.assistant.personal.finding import Finding
from cauce.assistant.personal.wording import SAID
from cauce.knowledge.sections.store import DocumentEntry, SectionEntry
from cauce.records import Citation, Language, Reply, Spoken, Statement
from cauce.twin.summary.recorded import Recorded

RECORD = "record"
"""The source of a citation that points into the person's record."""
MOST_QUOTES = 6
"""Quotations that a reply adds; what is left over is said to be there."""
MOST_OF_ONE = 3
"""Quotations on one statement of the record."""
_OPEN = {"unread", "no_figure"}
_ORDER = (
    *("contraindications", "interactions", "pregnancy", "warnings", "dose", "elderly", "children"),
    *("populations", "driving", "composition"),
)
"""Kinds of section in the order in which they are quoted; what the record alone tells is first."""


class _Told(NamedTuple):
    """A statement, and what it rests on."""

    text: str
    citation: Citation | None = None


def with_findings(reply: Reply, findings: Sequence[Finding], language: Spoken) -> Reply:
    """The reply, and behind it each statement of the record with what the label says of it.

    Findings that share a quotation are told together. Nothing is concluded from them.
    """
    said = SAID[language]
    groups = sorted(_grouped(_chosen(findings)).values(), key=_rank)
    told = _without_repeats(
        line for group in groups[:MOST_QUOTES] for line in _lines(group, language)
    )
    is_cut = len(groups) > MOST_QUOTES or len(_chosen(findings)) < len(findings)
    told += [_Told(said["more"])] if is_cut else []
    told.append(_Told(said["talk"] if groups else said["nothing"]))
    citations = list(reply.citations)
    statements = list(reply.statements)
    for line in told:
        place = None
        if line.citation is not None:
            if line.citation not in citations:
                citations.append(line.citation)
            place = citations.index(line.citation)
        statements.append(Statement(text=line.text, citation=place))
    return reply.model_copy(
        update={
            "text": "\n".join([reply.text, *(line.text for line in told)]),
            "statements": tuple(statements),
            "citations": tuple(citations),
        }
    )


def record_citation(recorded: Recorded, language: Spoken) -> Citation:
    """The citation of a statement of the record: its first resource, the statement as the quote."""
    return Citation(
        source=RECORD,
        id=recorded.events[0].partition(" in ")[0],
        version="",
        section=recorded.reading or recorded.subject,
        quote=recorded.text,
        title=f"{SAID[language]['section']} · {'; '.join(recorded.events)}",
        language=_document_language(language),
    )


def record_section(recorded: Recorded, language: Spoken, body: str) -> SectionEntry:
    """The statement of the record as a section, which its citation opens."""
    citation = record_citation(recorded, language)
    document = DocumentEntry(
        doc=-1,
        source=RECORD,
        id=citation.id,
        version="",
        title=SAID[language]["section"],
        language=citation.language,
        group="",
        url="",
    )
    return SectionEntry(document, citation.section, RECORD, citation.title, body)


def _chosen(findings: Sequence[Finding]) -> list[Finding]:
    """Of each statement of the record those that say most: compared ones before open ones."""
    told: dict[str, int] = {}
    chosen = []
    for finding in sorted(findings, key=lambda one: (bool(_OPEN & {*one.notes}), _rank([one]))):
        told[finding.recorded.text] = told.get(finding.recorded.text, 0) + 1
        if told[finding.recorded.text] <= MOST_OF_ONE:
            chosen.append(finding)
    return chosen


def _grouped(findings: Sequence[Finding]) -> dict[object, list[Finding]]:
    """The findings of each quotation, of each statement without one, in order."""
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        passage = finding.passage
        key: object = (passage.section, passage.quote) if passage else finding.recorded.text
        if finding.recorded not in [other.recorded for other in groups.get(key, ())]:
            groups.setdefault(key, []).append(finding)
    return groups


def _rank(group: Sequence[Finding]) -> int:
    passage = group[0].passage
    return _ORDER.index(passage.section.kind) if passage else -1


def _without_repeats(lines: Iterable[_Told]) -> list[_Told]:
    """The lines, without those that say of the record what was the last that was said of it."""
    told: list[_Told] = []
    last = ""
    for line in lines:
        is_of_record = line.citation is not None and line.citation.source == RECORD
        if not is_of_record or line.text != last:
            told.append(line)
        last = line.text if is_of_record else last
    return told


def _lines(group: Sequence[Finding], language: Spoken) -> list[_Told]:
    said = SAID[language]
    lines = [
        _Told(
            said["record"].format(text=finding.recorded.text),
            record_citation(finding.recorded, language),
        )
        for finding in group
    ]
    passage = group[0].passage
    if passage is not None:
        citation = passage.section.cite(passage.quote)
        document = passage.section.document
        text = said["label"].format(
            title=document.title, section=passage.section.title, quote=passage.quote
        )
        lines.append(_Told(text, citation))
    notes = {(note, one.named) for one in group for note in one.notes}
    return [*lines, *(_Told(said[note].format(named=named)) for note, named in sorted(notes))]


def _document_language(language: Spoken) -> Language:
    return "en" if language == "en" else "es"
