"""Tools on medicines: found by name, their sections listed, two of them compared."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cauce.errors import NotFound
from cauce.knowledge.labels.interactions import Interaction, interactions
from cauce.knowledge.labels.overview import KeyPassage, key_passages, ranked_documents
from cauce.knowledge.labels.shelf import Shelf
from cauce.knowledge.names.resolver import Mention
from cauce.knowledge.sections.store import DocumentEntry
from cauce.records import Language
from cauce.serving.mcp.outputs import (
    DocumentPlace,
    MedicineFound,
    MedicinesCompared,
    MedicinesFound,
    Named,
    SaidOfOther,
    SectionList,
    SectionPlace,
    SideBySide,
)

MOST_DOCUMENTS = 8
LONGEST_NAME_CHARS = 300
WHAT_TO_DO = {
    "found": "Go on with list_sections, giving it the name.",
    "ask": "Ask the person which of the choices is meant; never pick one for them.",
    "unknown": "Say that there is no document about it here; answer nothing from memory.",
    "unnamed": "Ask the person for the name on the box.",
}

Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_NAME_CHARS,
        description="A brand, a generic name or a code, in Spanish or English.",
    ),
]
Wanted = Annotated[
    Language | None, Field(description="Documents in this language come first: es or en.")
]


class Medicines:
    """What a shelf of labels and leaflets tells."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def find_medicine(self, name: Name, language: Wanted = None) -> MedicinesFound:
        """Which medicine a name stands for, with its documents; look-alike names to be asked about.

        Call this first, with the name as the person wrote it. Misspelled names are found; where a
        name may stand for several medicines, the outcome is `ask` and none is picked.
        En español: busca un medicamento por su marca, principio activo o código.
        """
        found = self._shelf.resolver.resolve(name)
        return MedicinesFound(
            outcome=found.kind,
            what_to_do=WHAT_TO_DO[found.kind],
            medicines=tuple(self._medicine(mention, language) for mention in found.mentions),
            choices=found.choices,
            not_held=found.looked_for,
        )

    def list_sections(
        self,
        name: Name,
        language: Wanted = None,
        document: Annotated[
            str, Field(description="The id of one of its documents; else the foremost is taken.")
        ] = "",
    ) -> SectionList:
        """The sections of a medicine's document: identifiers, kinds, titles and lengths.

        En español: enumera las secciones de la ficha técnica o del prospecto de un medicamento.
        """
        held = self._shelf.documents(name, language)
        chosen = [one for one in held if document in ("", one.id)]
        if not chosen:
            ids = ", ".join(one.id for one in held[:MOST_DOCUMENTS])
            raise NotFound(f"{name} has no document {document!r}.\nIts documents are: {ids}")
        sections = self._shelf.store.all_sections(chosen[0])
        return SectionList(
            document=DocumentPlace.of(chosen[0]),
            sections=tuple(SectionPlace.of(section) for section in sections),
        )

    def compare_medicines(
        self, first: Name, second: Name, language: Wanted = None
    ) -> MedicinesCompared:
        """Two medicines kind by kind, and the passages in which their texts name each other.

        En español: compara dos medicamentos y muestra lo que cada texto dice del otro.
        """
        sides = [self._shelf.documents(name, language)[0] for name in (first, second)]
        passages = [self._passages(side) for side in sides]
        spoken = language or sides[0].language
        mentions = [self._shelf.mention(name) for name in (first, second)]
        together = interactions(self._shelf.store, self._shelf.resolver, mentions, spoken)
        return MedicinesCompared(
            first=DocumentPlace.of(sides[0]),
            second=DocumentPlace.of(sides[1]),
            kinds=tuple(
                SideBySide(kind=kind, first=passages[0].get(kind), second=passages[1].get(kind))
                for kind in passages[0] | passages[1]
            ),
            together=tuple(_said(one) for one in together),
        )

    def _medicine(self, mention: Mention, language: Language | None) -> MedicineFound:
        store = self._shelf.store
        names = store.names_of(mention.group)
        documents = ranked_documents(store, mention.group, mention.name, language)
        return MedicineFound(
            name=mention.name,
            misspelled_letters=mention.typos,
            generic_names=tuple(entry.name for entry in names if entry.scheme != "brand"),
            brands=tuple(entry.name for entry in names if entry.scheme == "brand"),
            documents_in_all=len(documents),
            documents=tuple(map(DocumentPlace.of, documents[:MOST_DOCUMENTS])),
        )

    def _passages(self, document: DocumentEntry) -> dict[str, KeyPassage]:
        return {one.kind: one for one in key_passages(self._shelf.store.all_sections(document))}


def _said(one: Interaction) -> SaidOfOther:
    return SaidOfOther(
        of=one.of.name,
        other=one.other.name,
        texts_read=one.texts,
        passages=tuple(
            Named(by=naming.by, said=naming.said, citation=naming.citation)
            for naming in one.namings
        ),
    )
