"""Where in the record a question is answered: the section, and the part of it that is quoted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cauce.knowledge.index import DocumentEntry, Index, SectionEntry
from cauce.knowledge.passages import passage
from cauce.knowledge.sentences import lead
from cauce.knowledge.words import fold, stems, words
from cauce.records import Citation

SHORTEST_SECTION_CHARS = 40
"""A section shorter than this only points elsewhere; a longer one of the same kind is preferred."""


class Evidence(NamedTuple):
    """A section and the quote, letter for letter, that an answer may rest on."""

    section: SectionEntry
    quote: str

    @property
    def title(self) -> str:
        """The medicine and the section's subject, as a reader sees them."""
        return self.citation.title

    @property
    def citation(self) -> Citation:
        """The citation of the quote."""
        return self.section.cite(self.quote)

    def shortened(self, limit_chars: int) -> Evidence:
        """The same evidence with no more than the first `limit_chars` of its quote."""
        return self._replace(quote=passage(self.quote, limit_chars))


def find_evidence(
    index: Index,
    document: DocumentEntry,
    kind: str,
    *,
    limit_chars: int,
    question: str = "",
    known: str = "",
) -> Evidence | None:
    """The document's section of that kind and a passage of it; None when the document has none.

    Words of `question` that are not in `known` (the medicine's names, the usual wordings for the
    section) choose between sections of one kind, and the sentence at which the passage starts.
    """
    sections = index.sections(document, kind)
    if not sections:
        return None
    expected = frozenset(stems(f"{known} {document.title}"))
    section = _section_for(sections, stems(question) - expected)
    quote = passage(section.body, limit_chars, question, expected | stems(section.title))
    return Evidence(section, quote)


def _section_for(sections: Sequence[SectionEntry], wanted: set[str]) -> SectionEntry:
    """The section with most of the wanted stems; among equals the first that says something."""
    return max(
        sections,
        key=lambda section: (
            len(wanted & stems(section.body)) if wanted else 0,
            len(section.body) >= SHORTEST_SECTION_CHARS,
        ),
    )


def short_answer(document_title: str, quote: str, limit_chars: int) -> str:
    """The first sentences of the quote that fit, opened by the medicine's name where they lack it.

    Empty when the first sentence is longer than `limit_chars`: it is never cut.
    """
    text = lead(quote, limit_chars)
    name = subject_name(document_title)
    if not text or not name or names_subject(text, document_title):
        return text
    return f"{name}: {text}"


def subject_name(document_title: str) -> str:
    """The medicine's name in a title, without strengths: no number that the section may lack.

    >>> subject_name("Humira 80 mg solución inyectable"), subject_name("Dilantin-125")
    ('Humira', 'Dilantin')
    """
    found = re.match(r"[^\d(]*", document_title)
    return found.group().strip(" -/·,") if found else ""


def names_subject(text: str, document_title: str) -> bool:
    """True when the first word of the title's name stands in the text."""
    name = words(document_title)
    return bool(name) and name[0] in fold(text)
