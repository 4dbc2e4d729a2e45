"""A medicine of CIMA into sections: those of its texts, and what the agency says beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cauce.records import Section
from cauce.sources.cima_client import CimaClient
from cauce.sources.cima_record import Part, SafetyNote, SupplyProblem, registered_facts, rows_of
from cauce.sources.epi_headings import LONGEST_HEADING, free_id, number_of, split_section
from cauce.sources.medicines import (
    KIND_OF_LEAFLET_NUMBER,
    KIND_OF_SMPC_NUMBER,
    kind_of_heading,
)
from cauce.sources.tables import parse_markup, tables_of, text_of

if TYPE_CHECKING:
    from lxml.etree import _Element


def sections_of(parts: list[Part], *, leaflet: bool) -> Iterator[Section]:
    """The sections of a text in its order; those that hold nothing, below them too, left out."""
    taken: set[str] = set()
    kinds: dict[str, str] = {}
    contents = [(part, parse_markup(part.markup)) for part in parts]
    held = [part.number for part, content in contents if text_of(content)]
    for part, content in contents:
        is_above = any(number.startswith(f"{part.number}.") for number in held)
        if not is_above and not text_of(content):
            continue
        parent = _parent(part.number, taken)
        kind = _kind(part, kinds.get(parent or "", "other"), leaflet)
        base = part.number if part.number in taken else parent
        section = _section(part, content, free_id(part.number, base, taken), kind, parent)
        kinds[section.id] = kind
        if leaflet and not is_above:
            yield from split_section(section, content, taken)
        else:
            yield section


def _parent(number: str, taken: set[str]) -> str | None:
    """The nearest section above that the text has: of 4.2.1, 4.2 or else 4."""
    while "." in number:
        number = number.rpartition(".")[0]
        if number in taken:
            return number
    return None


def _kind(part: Part, parent_kind: str, leaflet: bool) -> str:
    by_number = KIND_OF_LEAFLET_NUMBER if leaflet else KIND_OF_SMPC_NUMBER
    if part.number in by_number:
        return by_number[part.number]
    heading = kind_of_heading(part.title) if leaflet or not part.number else "other"
    return parent_kind if heading == "other" else heading


def _section(
    part: Part, content: _Element, section_id: str, kind: str, parent: str | None
) -> Section:
    """The section; a heading as long as a sentence is text too."""
    numbered = number_of(part.title) or not part.number
    title = part.title if numbered else f"{part.number}. {part.title}".strip()
    text = text_of(content)
    if len(title) > LONGEST_HEADING:
        title, text = f"{title[:LONGEST_HEADING]}…", f"{title}\n{text}".strip()
    return Section(
        id=section_id, kind=kind, title=title, text=text, tables=tables_of(content), parent=parent
    )


def sections_beside(client: CimaClient, record: dict[str, Any]) -> tuple[Section, ...]:
    """What the agency says of the medicine outside its two texts."""
    nregistro = str(record["nregistro"])
    short = [row for row in rows_of(record.get("presentaciones")) if row.get("psum")]
    problems = [
        problem
        for row in short
        for problem in client.supply_problems(cn=str(row.get("cn", "")))
        if problem.active
    ]
    notes = client.safety_notes(nregistro) if record.get("notas") else []
    texts = (
        ("registro", "other", "Situación en el registro", registered_facts(record)),
        ("psum", "other", "Problemas de suministro", "\n".join(map(_problem_line, problems))),
        ("notas", "warnings", "Notas de seguridad", "\n".join(map(_note_line, notes))),
    )
    return tuple(
        Section(id=name, kind=kind, title=title, text=text)
        for name, kind, title, text in texts
        if text
    )


def _problem_line(problem: SupplyProblem) -> str:
    since = f" desde {problem.starts}" if problem.starts else ""
    until = f" (fin previsto: {problem.ends})" if problem.ends else ""
    remarks = f". {problem.remarks}" if problem.remarks else "."
    return f"{problem.name} (CN {problem.cn}): problema de suministro{since}{until}{remarks}"


def _note_line(note: SafetyNote) -> str:
    number = " ".join(filter(None, (note.number, note.reference)))
    return (
        f"{note.date} · {note.subject}"
        + (f" ({number})" if number else "")
        + (f". {note.url}" if note.url else "")
    )
