"""The plain-language view: facts first, short lines rendered from them, nothing left behind.

It follows the practice of easy reading (UNE 153101, the IFLA guidelines): headings that ask what a
reader asks, one idea a line, usual words, technical terms explained where they first come up. A
line is shown only when it keeps the numbers, units, medicines and negations of the statement that
it renders; else the statement itself is shown in its place, in the leaflet's words. In its place,
not at the end: a limit that is moved away from "in severe renal impairment" is said of everyone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from cauce.assistant.plain_lines import lines_of
from cauce.assistant.plain_words import PlainWriter
from cauce.knowledge.claims.checks import MedicinesOf, check_numbers
from cauce.knowledge.evidence.evidence import Evidence
from cauce.knowledge.facts.facts import Fact, facts_of, negations
from cauce.knowledge.facts.patterns import AMOUNT
from cauce.knowledge.sections.store import SectionEntry
from cauce.records import Citation, Language

LONGEST_LINE_WORDS = 32
"""A line that stays longer is no plain line: its statement is shown in the leaflet's words."""

_HEADINGS: dict[str, dict[Language, str]] = {
    "boxed_warning": {
        "en": "What is the most important thing to know?",
        "es": "¿Qué es lo más importante que debe saber?",
    },
    "contraindications": {"en": "Who must not use it?", "es": "¿Quién no debe usarlo?"},
    "dose": {"en": "How is it used, and how much?", "es": "¿Cómo se usa y en qué cantidad?"},
    "interactions": {
        "en": "What does not mix well with it?",
        "es": "¿Con qué no se lleva bien?",
    },
    "pregnancy": {
        "en": "What about pregnancy and breastfeeding?",
        "es": "¿Y en el embarazo y la lactancia?",
    },
    "children": {"en": "What about children?", "es": "¿Y en los niños?"},
    "elderly": {"en": "What about older people?", "es": "¿Y en las personas mayores?"},
    "driving": {"en": "Can I drive?", "es": "¿Puedo conducir?"},
    "overdose": {"en": "What if I take too much?", "es": "¿Y si tomo demasiado?"},
    "warnings": {"en": "What should I watch out for?", "es": "¿Con qué hay que tener cuidado?"},
    "side_effects": {
        "en": "What side effects can it have?",
        "es": "¿Qué efectos secundarios puede tener?",
    },
    "use": {"en": "What is it for?", "es": "¿Para qué sirve?"},
    "storage": {"en": "How do I keep it?", "es": "¿Cómo se guarda?"},
    "composition": {"en": "What is in it?", "es": "¿Qué lleva?"},
}
"""The question that each kind of section answers, in the order of what matters most."""

_VERBATIM: dict[Language, str] = {"en": "“{}”", "es": "«{}»"}
_VERBATIM_NOTE: dict[Language, str] = {
    "en": "What stands in “ ” is in the leaflet’s own words.",
    "es": "Lo que va entre « » está tal como lo dice el texto original.",
}
_CARE = re.compile(
    r"^\W*(?:(?:tenga|take) )?(?:especial cuidado|advertencias y precauciones|special care"
    r"|warnings and precautions)",
    re.IGNORECASE,
)
"""From here on a section on contraindications speaks of care; its conditions forbid nothing."""
_BOXED_IDS = ("boxed_warning", "34066-1")


Opening = Literal["", "- ", "  "]
_OPENINGS: dict[bool, tuple[Opening, Opening]] = {False: ("", ""), True: ("- ", "  ")}
"""What the first line of a statement and the further ones open with: as an item, or not."""


class PlainLine(NamedTuple):
    """One line, and the statement of the record that it says."""

    text: str
    citation: Citation
    is_verbatim: bool = False
    """True for a statement that no plain line could say safely: it stands letter for letter."""
    opening: Opening = ""
    """What stands before a line of the list that a line before announces, first or further."""


class PlainPart(NamedTuple):
    """What answers one of the reader's questions."""

    kind: str
    heading: str
    lines: tuple[PlainLine, ...]
    """In the order of the record."""


class PlainView(NamedTuple):
    """Sections in plain language, most important first."""

    parts: tuple[PlainPart, ...]
    language: Language

    @property
    def printed(self) -> tuple[tuple[str, Citation | None], ...]:
        """Each line as a person reads it, with what it says of the record; headings say nothing."""
        printed: list[tuple[str, Citation | None]] = []
        for part in self.parts:
            printed.append((part.heading, None))
            printed += [(_line_text(line, self.language), line.citation) for line in part.lines]
        if any(line.is_verbatim for part in self.parts for line in part.lines):
            printed.append((_VERBATIM_NOTE[self.language], None))
        return tuple(printed)

    @property
    def text(self) -> str:
        """The whole view, a blank line before each heading and before the note."""
        lines = (text if citation else f"\n{text}" for text, citation in self.printed)
        return "\n".join(lines).lstrip("\n")

    @property
    def rendered_share(self) -> float:
        """Which share of the statements is said in plain lines; 1 when there are none."""
        lines = [line for part in self.parts for line in part.lines]
        statements = {(line.citation.section, line.citation.start) for line in lines}
        verbatim = sum(line.is_verbatim for line in lines)
        return 1 - verbatim / len(statements) if statements else 1.0


def plain_view(
    sections: Sequence[SectionEntry],
    language: Language,
    *,
    medicines_of: MedicinesOf,
) -> PlainView:
    """The sections that a reader asks about, in plain language; headings in `language`.

    The lines are in the language of their document: nothing is translated. `medicines_of` names the
    medicines of a text, so that a line which loses or adds one is not shown.
    """
    parts = []
    writers = _writers()
    for kind, headings in _HEADINGS.items():
        lines = [
            line
            for section in sections
            if kind_shown(section) == kind
            for line in _rendered(section, section.body, 0, medicines_of, writers)
        ]
        if lines:
            parts.append(PlainPart(kind, headings[language], tuple(lines)))
    return PlainView(tuple(parts), language)


def plain_answer(evidence: Evidence, language: Language, *, medicines_of: MedicinesOf) -> PlainView:
    """The quoted passage alone, in plain language."""
    section = evidence.section
    kind = kind_shown(section)
    offset = section.body.index(evidence.quote)
    heading = _HEADINGS[kind][language] if kind in _HEADINGS else section.title
    lines = _rendered(section, evidence.quote, offset, medicines_of, _writers())
    return PlainView((PlainPart(kind, heading, tuple(lines)),), language)


def kind_shown(section: SectionEntry) -> str:
    """The kind under which a section is shown: its own, or that of a boxed warning."""
    is_boxed = section.kind == "warnings" and section.id.startswith(_BOXED_IDS)
    return "boxed_warning" if is_boxed else section.kind


Writers = Mapping[Language, PlainWriter]
"""A writer a language, for a view in which each term is explained once."""


def _writers() -> Writers:
    return {"en": PlainWriter("en"), "es": PlainWriter("es")}


def _rendered(
    section: SectionEntry, text: str, offset: int, medicines_of: MedicinesOf, writers: Writers
) -> list[PlainLine]:
    """The lines of a text of the section: plain where that is safe, else the statement itself."""
    language = section.document.language
    lines: list[PlainLine] = []
    is_listed = is_of_care = False
    for fact in facts_of(kind_shown(section), text, language, medicines_of=medicines_of):
        citation = _cited(section, fact, text, offset)
        is_of_care = is_of_care or bool(_CARE.search(fact.text))
        is_item = " | " in fact.text or (is_listed and (fact.is_item or fact.text[:1].islower()))
        is_told_otherwise = fact.kind == "contraindication" and (is_item or is_of_care)
        said = fact._replace(kind="statement") if is_told_otherwise else fact
        plain = lines_of(said, language, writers[language])
        first, further = _OPENINGS[is_item]
        if is_faithful(fact, plain, language, medicines_of):
            lines.append(PlainLine(plain[0], citation, opening=first))
            lines += [PlainLine(line, citation, opening=further) for line in plain[1:]]
        else:
            lines.append(PlainLine(citation.quote, citation, is_verbatim=True, opening=first))
        is_listed = (is_item and is_listed) or fact.text.endswith(":")
    return lines


def is_faithful(
    fact: Fact, lines: Sequence[str], language: Language, medicines_of: MedicinesOf
) -> bool:
    """True when the lines are short and say the fact's numbers, units, medicines and negations.

    What opens a contraindication ("Do not use it in case of") says what its section's title says
    and is not counted.
    """
    said = " ".join(lines)
    added = 1 if fact.kind == "contraindication" else 0
    return (
        bool(lines)
        and all(len(line.split()) <= LONGEST_LINE_WORDS for line in lines)
        and check_numbers(said, fact.text, language).passed
        and check_numbers(fact.text, said, language).passed
        and _amounts(said) == _amounts(fact.text)
        and 0 <= negations(said) - negations(fact.text) <= added
        and medicines_of(said) == medicines_of(fact.text)
    )


def _amounts(text: str) -> set[str]:
    return {"".join(amount.lower().split()) for amount in AMOUNT.findall(text)}


def _cited(section: SectionEntry, fact: Fact, text: str, offset: int) -> Citation:
    quote = fact.span.of(text)
    return section.cite(quote).model_copy(update={"start": offset + fact.span.start})


def _line_text(line: PlainLine, language: Language) -> str:
    text = _VERBATIM[language].format(line.text) if line.is_verbatim else line.text
    return line.opening + text
