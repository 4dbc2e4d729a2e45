"""Electronic product information (ePI) of AEMPS and EMA: FHIR R5 bundles, in XML or JSON.

A bundle holds the text for professionals (ficha técnica, SmPC) and the one for patients
(prospecto, package leaflet), each a Composition; they become two Documents, `NREG-ft` and
`NREG-p`. Headings are those of the QRD template; what a section is about is told by its code,
else its number, else its words, else the section that holds it. Pictures are left out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from cauce.records import Document, Record, Refusal, Section
from cauce.sources.cleaning import one_line
from cauce.sources.epi_headings import LONGEST_HEADING, free_id, number_of, split_section
from cauce.sources.epi_names import Identity, identity_of
from cauce.sources.epi_spaces import part_words
from cauce.sources.fhir import Node, first, read_resource, resources, values
from cauce.sources.medicines import (
    KIND_OF_LEAFLET_NUMBER,
    KIND_OF_QRD_CODE,
    KIND_OF_SMPC_NUMBER,
    kind_of_heading,
    substance_group,
)
from cauce.sources.paths import matching_files, today
from cauce.sources.tables import tables_of, text_of

if TYPE_CHECKING:
    from lxml.etree import _Element

LEAFLET_TYPE = "100000155538"
_TEXTS = {
    "es": {"ft": "ficha técnica", "p": "prospecto"},
    "en": {"ft": "product characteristics", "p": "package leaflet"},
}


class EpiSource(Record):
    """Texts of medicines authorised in Spain or the European Union, as their agencies give them."""

    kind: Literal["epi"] = "epi"
    path: Path
    """File, folder or glob of `.xml` or `.json` bundles."""
    licence: str = "reuse allowed, naming AEMPS or EMA as the source"
    """Under which terms the texts may be reused; goes with every document."""

    def inputs(self) -> tuple[Path, ...]:
        """The files that are read."""
        return matching_files(self.path, (".xml", ".json"))

    def documents(self) -> Iterator[Document | Refusal]:
        """Each text of each bundle as a Document, or the reason why it is refused."""
        retrieved = today()
        for path in self.inputs():
            try:
                bundle = read_resource(path)
            except ValueError as error:
                yield Refusal(file=str(path), position="the whole file", reason=str(error))
                continue
            yield from self._texts(bundle, path, retrieved)

    def _texts(self, bundle: Node, path: Path, retrieved: str) -> Iterator[Document | Refusal]:
        texts = [node for node in resources(bundle) if first(node, "resourceType") == "Composition"]
        if not texts:
            reason = "no Composition: not an electronic product information bundle"
            yield Refusal(file=str(path), position="the whole file", reason=reason)
        part_words([div for text in texts for div in _narratives(text)])
        sections = [tuple(sections_of(text)) for text in texts]
        identity = identity_of(bundle, sections, path)
        for number, text in enumerate(texts):
            language = first(text, "language")[:2].lower()
            if language not in ("es", "en") or not sections[number]:
                reason = f"language {language!r} is neither 'es' nor 'en'"
                if language in ("es", "en"):
                    reason = "no section holds text"
                yield Refusal(file=str(path), position=f"Composition[{number}]", reason=reason)
            else:
                yield self._document(text, sections[number], identity, retrieved)

    def _document(
        self, text: Node, sections: tuple[Section, ...], identity: Identity, retrieved: str
    ) -> Document:
        language: Literal["es", "en"] = "es" if first(text, "language").startswith("es") else "en"
        kind = "p" if is_leaflet(text) else "ft"
        date = first(text, "date")[:10]
        return Document(
            source="epi",
            id=f"{identity.id}-{kind}",
            version=date or "1",
            effective=date,
            title=f"{identity.title} ({_TEXTS[language][kind]})",
            language=language,
            sections=sections,
            names=identity.names,
            group=substance_group(identity.names.substances or (identity.title,)),
            url=identity.leaflet_url if kind == "p" else identity.url,
            licence=self.licence,
            retrieved=retrieved,
        )


def is_leaflet(text: Node) -> bool:
    """True for the text written for patients."""
    if LEAFLET_TYPE in values(text, "type.coding.code"):
        return True
    return bool(re.search(r"prospecto|leaflet", first(text, "title"), re.IGNORECASE))


def _narratives(node: Node) -> Iterator[_Element]:
    """Every narrative of a Composition."""
    for section in values(node, "section"):
        yield from values(section, "text.div")
        yield from _narratives(section)


class _Heading(NamedTuple):
    """What is known of the section that holds another."""

    id: str | None
    kind: str


def sections_of(text: Node) -> Iterator[Section]:
    """The sections of a Composition in reading order; its own title section opens it as "0"."""
    taken: set[str] = set()
    leaflet = is_leaflet(text)
    for section in values(text, "section"):
        inner = values(section, "section")
        if number_of(first(section, "title")) or not inner:
            yield from _section_tree(section, _Heading(None, "other"), leaflet, taken)
            continue
        opening = _content(section, "0", "other", None)
        if opening.text:
            taken.add("0")
            yield opening
        yield from _siblings(inner, _Heading(None, "other"), leaflet, taken)


def _siblings(
    nodes: list[Node], parent: _Heading, leaflet: bool, taken: set[str]
) -> Iterator[Section]:
    """Sections side by side; a heading left without text is lent to the uncoded text after it."""
    lent: Node | None = None
    for node, following in itertools.zip_longest(nodes, nodes[1:]):
        if _is_bare_heading(node) and following is not None and _is_uncoded(following):
            lent = node
            continue
        yield from _section_tree(node, parent, leaflet, taken, lent)
        lent = None


def _section_tree(
    node: Node, parent: _Heading, leaflet: bool, taken: set[str], lent: Node | None = None
) -> Iterator[Section]:
    heading = lent or node
    title = one_line(first(heading, "title"))
    section_id = free_id(number_of(title), parent.id, taken)
    kind = _kind(heading, title, parent, leaflet)
    section = _content(node, section_id, kind, parent.id)
    if lent:
        own = one_line(first(node, "title"))
        section = section.model_copy(
            update={"title": title, "text": f"{own}\n{section.text}".strip()}
        )
    divs = values(node, "text.div")
    if leaflet and len(divs) == 1 and not lent:
        yield from split_section(section, divs[0], taken)
    else:
        yield section
    yield from _siblings(values(node, "section"), _Heading(section_id, kind), leaflet, taken)


def _content(node: Node, section_id: str, kind: str, parent: str | None) -> Section:
    """The section itself; a heading as long as a sentence is text too, and so is a lone one."""
    title = one_line(first(node, "title"))
    divs = values(node, "text.div")
    text = "\n".join(filter(None, map(text_of, divs)))
    bare = not text and not values(node, "section")
    if len(title) > LONGEST_HEADING or bare:
        text = f"{title}\n{text}".strip()
    return Section(
        id=section_id,
        kind=kind,
        title=title if len(title) <= LONGEST_HEADING else f"{title[:LONGEST_HEADING]}…",
        text=text,
        tables=tuple(table for div in divs for table in tables_of(div)),
        parent=parent,
    )


def _is_bare_heading(node: Node) -> bool:
    return (
        not values(node, "section")
        and not _is_uncoded(node)
        and not any(map(text_of, values(node, "text.div")))
    )


def _is_uncoded(node: Node) -> bool:
    """True for text that its writers put under a heading of their own (code `XXXXXXXXXXXX`)."""
    return not any(code.isdigit() for code in values(node, "code.coding.code"))


def _kind(node: Node, title: str, parent: _Heading, leaflet: bool) -> str:
    for code in values(node, "code.coding.code"):
        if code in KIND_OF_QRD_CODE:
            return KIND_OF_QRD_CODE[code]
    by_number = KIND_OF_LEAFLET_NUMBER if leaflet else KIND_OF_SMPC_NUMBER
    if number_of(title) in by_number:
        return by_number[number_of(title)]
    if leaflet and parent.id and _is_uncoded(node):
        heading = kind_of_heading(title)
        return parent.kind if heading == "other" else heading
    return parent.kind
