"""Tools on one section: its text with version and citation, and whether it says what is claimed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cauce.errors import NotFound
from cauce.knowledge.claims.checks import MedicinesOf
from cauce.knowledge.claims.verdicts import check_claims
from cauce.knowledge.sections.store import SectionEntry
from cauce.records import Language
from cauce.serving.mcp.outputs import (
    DATA,
    ClaimJudged,
    ClaimsJudged,
    DocumentPlace,
    SectionPlace,
    SectionText,
    cite_as,
)
from cauce.serving.queue import Answerer

PIECE_CHARS = 12_000
"""Of a section at once, about three thousand tokens: clients cut longer results off."""
LONGEST_CLAIM_CHARS = 4_000

Source = Annotated[str, Field(description="`source` of the document.")]
Id = Annotated[str, Field(description="`id` of the document.")]
Part = Annotated[str, Field(description="`id` of the section.")]
Written = Annotated[Language, Field(description="`language` of the document.")]


class Sections:
    """What the sections say that an assistant may cite."""

    def __init__(self, assistant: Answerer, medicines_of: MedicinesOf | None) -> None:
        """`medicines_of` tells the medicines that a text names, where the documents are of any."""
        self._assistant, self._medicines_of = assistant, medicines_of

    def read_section(
        self,
        source: Source,
        id: Id,
        section: Part,
        language: Written,
        start: Annotated[int, Field(ge=0, description="`next_start` of the piece before.")] = 0,
    ) -> SectionText:
        """A section word for word, with its version and how to cite it; long ones in pieces.

        En español: lee una sección tal como está escrita, con su versión y su cita.
        """
        found = self._section(source, id, section, language)
        end = _end_of_piece(found.body, start)
        return SectionText(
            document=DocumentPlace.of(found.document),
            section=SectionPlace.of(found),
            cite_as=cite_as(found),
            text=found.body[start:end],
            start=start,
            next_start=end if end < len(found.body) else None,
        )

    def check_claim(
        self,
        claim: Annotated[
            str,
            Field(
                min_length=1,
                max_length=LONGEST_CLAIM_CHARS,
                description="One or more sentences, in Spanish or English.",
            ),
        ],
        source: Source,
        id: Id,
        section: Part,
        language: Written,
    ) -> ClaimsJudged:
        """Whether a section says what is claimed, sentence by sentence: the checks of `ask`.

        Numbers, units, frequencies, routes, populations and negations have to be those of one
        sentence of the section. Check with it what you are about to say of a medicine.
        En español: comprueba si una sección dice lo que se afirma.
        """
        found = self._section(source, id, section, language)
        judged = check_claims(
            claim,
            [found.body],
            language,
            title=found.document.title,
            medicines_of=self._medicines_of,
        )
        return ClaimsJudged(
            document=DocumentPlace.of(found.document),
            section=SectionPlace.of(found),
            cite_as=cite_as(found),
            claims=tuple(
                ClaimJudged(
                    text=one.text,
                    verdict=one.verdict,
                    failed_checks=one.checks,
                    detail=one.detail,
                    score=one.score,
                )
                for one in judged
            ),
        )

    def section_text(self, source: str, language: Language, id: str, section: str) -> str:
        """One section whole, headed by how to cite it and how to take it."""
        found = self._section(source, id, section, language)
        return f"{cite_as(found)}\n{DATA}\n\n{found.body}"

    def _section(self, source: str, id: str, section: str, language: Language) -> SectionEntry:
        found = self._assistant.section(source, id, section, language)
        if found is None:
            raise NotFound(
                f"no section {section!r} of {source}/{id} in {language!r} is held here.\n"
                "Give source, id, section and language as another tool or a citation gives them."
            )
        return found


def _end_of_piece(body: str, start: int) -> int:
    """Where the piece from `start` on ends: between two words, unless there is no space."""
    limit = start + PIECE_CHARS
    if limit >= len(body):
        return len(body)
    return max(body.rfind(" ", start, limit), body.rfind("\n", start, limit)) + 1 or limit
