"""What `cauce drugs` prints: a medicine, two side by side, what changed in a label."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from cauce.knowledge.claims.numbers import numbers_in
from cauce.knowledge.labels.differences import Difference, marked
from cauce.knowledge.labels.interactions import Interaction
from cauce.knowledge.labels.overview import DocumentLine, KeyPassage, Overview
from cauce.knowledge.labels.revisions import Revision
from cauce.records import Citation, Language

WIDTH = 100
MOST_VALUES = 12
"""Names or codes of one scheme that are printed; how many more there are is said."""
MOVED_CHARS = 120

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}
_SAYS: dict[str, dict[Language, str]] = {
    "of_another": {
        "en": "What the texts of {of} say of {other}:",
        "es": "Lo que dicen de {other} los textos de {of}:",
    },
    "not_named": {
        "en": "No mention found in these texts. {caution}",
        "es": "No se encuentra mención en estos textos. {caution}",
    },
    "no_text": {
        "en": "There is no text of it on interactions here. {caution}",
        "es": "No hay aquí ningún texto suyo sobre interacciones. {caution}",
    },
    "caution": {
        "en": "That is not “no interaction”: ask a pharmacist or a doctor.",
        "es": "Eso no significa que no haya interacción: consulte a un farmacéutico o a un médico.",
    },
    "by_class": {"en": "(names its class: “{said}”)", "es": "(nombra su clase: «{said}»)"},
    "reference": {
        "en": "[{place} version {version}, section {section}]",
        "es": "[{place} versión {version}, sección {section}]",
    },
    "version": {"en": "version {version}", "es": "versión {version}"},
    "since": {"en": " of {date}", "es": " de {date}"},
    "more": {"en": " and {count} more", "es": " y {count} más"},
    "generic": {"en": "generic", "es": "genérico"},
    "brands": {"en": "brands", "es": "marcas"},
    "makers": {"en": "makers", "es": "laboratorios"},
    "documents": {"en": "documents: {count}", "es": "documentos: {count}"},
    "sections": {"en": ", {count} sections", "es": ", {count} secciones"},
    "characters": {"en": "characters", "es": "caracteres"},
    "nothing": {"en": "{title}: nothing in its text", "es": "{title}: nada en su texto"},
}


def reference(citation: Citation, language: Language = "en") -> str:
    """Where a quote stands: source, id, version and section.

    >>> reference(Citation(source="epi", id="1", version="2", section="4.2", quote=""))
    '[epi/1 version 2, section 4.2]'
    """
    return _SAYS["reference"][language].format(
        place=f"{citation.source}/{citation.id}",
        version=citation.version,
        section=citation.section,
    )


def overview_text(found: Overview) -> str:
    """Names, codes, documents with their sections, and the key passages with citations.

    What stands around them is in the language of the first document.
    """
    language: Language = "es" if found.documents[0].language == "es" else "en"
    rows = {
        _SAYS["generic"][language]: found.generics,
        _SAYS["brands"][language]: found.brands,
        _SAYS["makers"][language]: found.makers,
        **found.codes,
    }
    count = _SAYS["documents"][language].format(count=found.documents_in_all)
    lines = [found.title, *_rows(rows, language), "", count]
    for place, document in enumerate(found.documents):
        lines += _document(document, language, with_sections=place == 0)
    for passage in found.key_passages:
        lines += ["", *_passage(passage, language)]
    return "\n".join(lines)


def _rows(rows: Mapping[str, Sequence[str]], language: Language) -> Iterator[str]:
    for name, values in rows.items():
        if values:
            left = len(values) - MOST_VALUES
            more = _SAYS["more"][language].format(count=left) if left > 0 else ""
            yield f"  {name:12} {', '.join(values[:MOST_VALUES])}{more}"


def _document(document: DocumentLine, language: Language, *, with_sections: bool) -> Iterator[str]:
    dated = _SAYS["since"][language].format(date=document.effective) if document.effective else ""
    place = f"{document.source}/{document.id}/{document.language}"
    version = _SAYS["version"][language].format(version=document.version)
    sections = _SAYS["sections"][language].format(count=len(document.sections))
    count = "" if with_sections else sections
    yield f"  {place}  {version}{dated}  {document.title}{count}"
    if with_sections:
        characters = _SAYS["characters"][language]
        for part in document.sections:
            yield f"    {part.kind:18} {part.chars:>7} {characters}  {part.id}  {part.title}"


def _passage(passage: KeyPassage, language: Language) -> list[str]:
    place = reference(passage.citation, language)
    return [f"{passage.title}:", *_wrapped(passage.text), f"  {place}"]


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    """The text at `WIDTH`, with its own lines kept."""
    return [
        line
        for own in text.splitlines()
        for line in textwrap.wrap(own, WIDTH, initial_indent=indent, subsequent_indent=indent)
    ]


def side_by_side_text(
    sides: Sequence[tuple[str, Mapping[str, KeyPassage]]],
    together: Sequence[Interaction],
    kinds: Mapping[str, str],
    language: Language,
) -> str:
    """Kind by kind the passage of each medicine; then what their texts say of one another."""
    lines: list[str] = []
    for kind, heading in kinds.items():
        if any(kind in passages for _, passages in sides):
            lines += [heading.upper()]
            for title, passages in sides:
                lines += _side(title, passages.get(kind), language)
            lines.append("")
    return "\n".join((*lines, interactions_text(together, language)))


def _side(title: str, passage: KeyPassage | None, language: Language) -> list[str]:
    if passage is None:
        return [f"  {_SAYS['nothing'][language].format(title=title)}"]
    return [
        f"  {title}:",
        *_wrapped(passage.text, "    "),
        f"    {reference(passage.citation, language)}",
    ]


def interactions_text(found: Iterable[Interaction], language: Language) -> str:
    """For each direction the passages, or that none was found and what that does not mean."""
    return "\n\n".join("\n".join(_directed(one, language)) for one in found)


def _directed(one: Interaction, language: Language) -> Iterator[str]:
    yield _SAYS["of_another"][language].format(of=one.of.name, other=one.other.name)
    if not one.namings:
        found = _SAYS["not_named" if one.texts else "no_text"][language]
        yield f"  {found.format(caution=_SAYS['caution'][language])}"
    for naming in one.namings:
        said = _SAYS["by_class"][language].format(said=naming.said)
        how = f" {said}" if naming.by == "class" else ""
        yield from _wrapped(naming.quote)
        yield f"  {reference(naming.citation, language)}{how}"


def interaction_row(one: Interaction) -> dict[str, Any]:
    """The interaction as JSON."""
    return {
        "of": one.of.group,
        "other": one.other.group,
        "texts": one.texts,
        "named": [
            {"by": naming.by, "said": naming.said, "citation": naming.citation.model_dump()}
            for naming in one.namings
        ],
    }


def revision_text(title: str, found: Revision) -> str:
    """Section by section: + added, - removed, ~ changed, > moved; changed numbers are named."""
    before, after = found.before, found.after
    lines = [f"{title}: version {_of(before)} -> version {_of(after)}"]
    titles = found.titles
    if not found.differences:
        return f"{lines[0]}\n  no sentence changed"
    lines.append(f"  {_counts(found.differences)}")
    for section, differences in groupby(found.differences, key=_section):
        lines += ["", titles.get(section, section)]
        for difference in differences:
            lines += _difference(difference, titles)
    return "\n".join(lines)


def _of(edition: Any) -> str:
    return f"{edition.version} ({edition.effective})" if edition.effective else edition.version


def _counts(differences: Sequence[Difference]) -> str:
    kinds = [difference.kind for difference in differences]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in _SIGNS if kind in kinds)


def _section(difference: Difference) -> str:
    return difference.section_after or difference.section_before


def _difference(difference: Difference, titles: Mapping[str, str]) -> list[str]:
    sign = _SIGNS[difference.kind]
    if difference.kind == "moved":
        text = textwrap.shorten(difference.after, MOVED_CHARS, placeholder=" …")
    elif difference.kind == "changed":
        text = marked(difference)
    else:
        text = difference.after or difference.before
    came_from = difference.section_before
    if came_from and came_from != _section(difference):
        text += f"  (from: {titles.get(came_from, came_from)})"
    lines = _wrapped(text, "    ") or [""]
    lines[0] = f"  {sign} {lines[0].strip()}"
    return lines + _numbers(difference)


def _numbers(difference: Difference) -> list[str]:
    """A line with the numbers that went and came, where they are not the same."""
    old, new = numbers_in(difference.before), numbers_in(difference.after)
    gone = [number for number in old if number not in new]
    come = [number for number in new if number not in old]
    if difference.kind != "changed" or not (gone or come):
        return []
    return [f"    numbers: {', '.join(gone) or 'none'} -> {', '.join(come) or 'none'}"]


def revision_rows(title: str, found: Revision) -> Iterator[dict[str, Any]]:
    """The differences as JSON, one a row, with the sections' titles."""
    for difference in found.differences:
        yield {
            "document": title,
            "from": found.before.version,
            "to": found.after.version,
            "section": found.titles.get(_section(difference), _section(difference)),
            **difference._asdict(),
        }
