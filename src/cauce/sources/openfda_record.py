"""One openFDA label record into one Document.

Quirks of the source that are settled here (all seen in real exports):

* Every section has a `*_table` twin that holds its tables as markup; the plain field holds the
  same cells as running text, and never markup.
* A child section (pregnancy, pharmacokinetics...) is repeated inside its parent. The child is kept
  as its own Section and its text is taken out of the parent's, so that both together hold each
  character once. Where it cannot be found letter for letter, both stay whole.
* `openfda` (names, codes) is missing in most records, and in a few belongs to another record.
* `version` is a string, `effective_time` is YYYYMMDD, and everything else is an array.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cauce.records import Document, Refusal, Section, Table
from cauce.sources.cleaning import clean_text, one_line
from cauce.sources.medicines import KIND_OF_FIELD, PARENTS_OF_FIELD, substance_group
from cauce.sources.openfda_names import names_of
from cauce.sources.tables import parse_markup, tables_of, text_of

LICENCE = "CC0-1.0"

_SHORTEST_REPEAT = 12
"""Characters below which a child's text may stand in a parent by chance."""

_HEADING_WORDS = {
    "adverse_reactions": "adverse reactions",
    "animal_pharmacology_and_or_toxicology": "animal toxicology pharmacology",
    "how_supplied": "how supplied storage handling",
    "information_for_patients": "patient counseling information",
    "spl_medguide": "medication guide",
    "warnings_and_cautions": "warnings precautions",
}
"""Words of a printed heading where they differ from the words of the field."""

_TITLES = {
    "spl_medguide": "Medication guide",
    "spl_patient_package_insert": "Patient package insert",
    "spl_product_data_elements": "Product data",
    "spl_unclassified_section": "Other information",
    "warnings_and_cautions": "Warnings and precautions",
}
"""Titles of fields whose name does not read as one."""


class _Part(NamedTuple):
    """One element of a field's array, cleaned, before children are taken out of parents."""

    id: str
    field: str
    text: str
    tables: tuple[str, ...]


def document_of(
    record: Mapping[str, Any], *, file: str, position: str, retrieved: str
) -> Document | Refusal:
    """The record as a Document, or why it is refused."""
    reason = _fault(record)
    if reason:
        return Refusal(file=file, position=position, reason=reason)
    sections = sections_of(record)
    if not sections:
        reason = f"set_id {record['set_id']}: no section of the label holds text"
        return Refusal(file=file, position=position, reason=reason)
    names = names_of(record)
    set_id = str(record["set_id"])
    title = " / ".join(names.brands[:3] or names.generics[:3] or names.substances[:3])
    return Document(
        source="openfda",
        id=set_id,
        version=str(record["version"]),
        effective=_iso_date(str(record.get("effective_time", ""))),
        title=title or _first_words(record),
        language="en",
        sections=sections,
        names=names,
        group=substance_group(names.substances or names.generics or names.brands or (set_id,)),
        url=f"https://dailymed.nlm.nih.gov/dailymed/drugInfo.cfm?setid={set_id}",
        licence=LICENCE,
        retrieved=retrieved,
    )


def _fault(record: Mapping[str, Any]) -> str:
    """What makes the record untrustworthy, or an empty string."""
    if not isinstance(record, Mapping):
        return f"not a JSON object but {type(record).__name__}"
    missing = [name for name in ("set_id", "version") if not record.get(name)]
    if missing:
        return f"no {' and no '.join(missing)}"
    if not str(record["version"]).isdigit():
        return f"version {record['version']!r} is not a whole number"
    for field, value in record.items():
        if isinstance(value, list) and not all(isinstance(text, str) for text in value):
            return f"{field} holds something that is not text"
    openfda = record.get("openfda") or {}
    if not isinstance(openfda, Mapping):
        return f"openfda is not a JSON object but {type(openfda).__name__}"
    label_ids = openfda.get("spl_set_id", [])
    if label_ids and record["set_id"] not in label_ids:
        return (
            f"set_id {record['set_id']} carries the openfda object of {', '.join(label_ids)}: "
            "its names and codes are another label's"
        )
    return ""


def _iso_date(compact: str) -> str:
    return f"{compact[:4]}-{compact[4:6]}-{compact[6:8]}" if re.fullmatch(r"\d{8}", compact) else ""


def sections_of(record: Mapping[str, Any]) -> tuple[Section, ...]:
    """The label's sections in the record's order, each character once."""
    parts = list(_parts(record))
    parents = {part.id: _parent(part, parts) for part in parts}
    return tuple(
        _section(part, record, parents[part.id], [p for p in parts if parents[p.id] == part.id])
        for part in parts
    )


def _parts(record: Mapping[str, Any]) -> Iterator[_Part]:
    for field in _section_fields(record):
        markup = tuple(table for table in record.get(f"{field}_table", ()) if table.strip())
        texts = [text for text in map(clean_text, record.get(field, ())) if text]
        if not texts and markup:
            texts = ["\n".join(text_of(parse_markup(table)) for table in markup)]
        for number, text in enumerate(texts, 1):
            part_id = field if number == 1 else f"{field}-{number}"
            yield _Part(part_id, field, text, markup if number == 1 else ())


def _section_fields(record: Mapping[str, Any]) -> list[str]:
    """Names of the fields that hold sections; a table without its plain field counts too."""
    arrays = [name for name, value in record.items() if isinstance(value, list)]
    return list(dict.fromkeys(name.removesuffix("_table") for name in arrays))


def _parent(part: _Part, parts: Sequence[_Part]) -> str | None:
    """Id of the nearest part that repeats this one's text: of its own field, else of a parent."""
    if len(part.text) < _SHORTEST_REPEAT:
        return None
    for field in (part.field, *PARENTS_OF_FIELD.get(part.field, ())):
        holders = [
            other
            for other in parts
            if other.field == field and len(other.text) > len(part.text) and part.text in other.text
        ]
        if holders:
            return min(holders, key=lambda holder: len(holder.text)).id
    return None


def _section(
    part: _Part, record: Mapping[str, Any], parent: str | None, children: Sequence[_Part]
) -> Section:
    kept_by_children = {markup for child in children for markup in child.tables}
    title, text = _split_heading(part.field, _without(part.text, children))
    if not text and not children and not part.tables:
        text = part.text
    kind = KIND_OF_FIELD.get(part.field, "other")
    if part.field == "how_supplied" and "storage_and_handling" in record:
        kind = "other"
    return Section(
        id=part.id,
        kind=kind,
        title=title,
        text=text,
        tables=tuple(
            table
            for markup in part.tables
            if markup not in kept_by_children
            for table in _tables(markup)
        ),
        parent=parent,
    )


def _tables(markup: str) -> tuple[Table, ...]:
    return tables_of(parse_markup(markup))


def _without(text: str, children: Sequence[_Part]) -> str:
    """`text` less one span for each child; spans that would overlap are left in."""
    taken: list[tuple[int, int]] = []
    for child in sorted(children, key=lambda child: -len(child.text)):
        start = text.find(child.text)
        while start >= 0 and _overlaps(taken, start, start + len(child.text)):
            start = text.find(child.text, start + 1)
        if start >= 0:
            taken.append((start, start + len(child.text)))
    pieces, position = [], 0
    for begin, end in sorted(taken):
        pieces.append(text[position:begin].strip())
        position = end
    pieces.append(text[position:].strip())
    return "\n".join(filter(None, pieces))


def _overlaps(spans: Sequence[tuple[int, int]], start: int, stop: int) -> bool:
    return any(start < end and begin < stop for begin, end in spans)


def _split_heading(field: str, text: str) -> tuple[str, str]:
    """The printed heading (number and title) as title, and the text after it.

    A field whose text opens with no such heading is titled by the field's own words.
    """
    found = _heading_pattern(field).match(text)
    if found and (found.end() == len(text) or not text[found.end()].isalnum()):
        return one_line(found.group()), text[found.end() :].strip()
    return _TITLES.get(field, field.replace("_", " ").capitalize()), text


_PATTERNS: dict[str, re.Pattern[str]] = {}


def _heading_pattern(field: str) -> re.Pattern[str]:
    """Matches an optional section number and the words of the field's heading."""
    if field not in _PATTERNS:
        printed = _HEADING_WORDS.get(field, field.replace("_", " "))
        words = [word for word in printed.split() if word not in ("and", "or")]
        between = r"(?:\W{1,3}(?:and|or|&)\b)*\W{1,3}"
        optional = r"(?:\d+(?:\.\d+)*\.?\s+)?"
        _PATTERNS[field] = re.compile(optional + between.join(words) + ":?", re.IGNORECASE)
    return _PATTERNS[field]


def _first_words(record: Mapping[str, Any]) -> str:
    for field in ("package_label_principal_display_panel", *record):
        value = record.get(field)
        if isinstance(value, list) and value:
            return " ".join(one_line(value[0]).split()[:6])
    return str(record["set_id"])
