"""Structured Product Labeling: the XML (HL7 v3) in which labels reach the FDA and DailyMed.

Sections are known by LOINC code and nest to any depth; those without a code of their own (42229-5)
take the kind of the section that holds them. Highlights (`excerpt`) repeat a section in short and
become a child of it. An indexing file holds no section with text and is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cauce.records import Document, Names, Record, Refusal, Section
from cauce.sources.cleaning import one_line
from cauce.sources.medicines import KIND_OF_LOINC, kind_of_heading, substance_group
from cauce.sources.paths import matching_files, today
from cauce.sources.tables import mark_hidden, tables_of, text_of

if TYPE_CHECKING:
    from lxml.etree import _Element

UNCLASSIFIED = "42229-5"
NDC_SYSTEM = "2.16.840.1.113883.6.69"
UNII_SYSTEM = "2.16.840.1.113883.4.9"
_V3 = {"v": "urn:hl7-org:v3"}


class SplSource(Record):
    """Structured Product Labeling documents, as DailyMed offers them for download."""

    kind: Literal["spl"] = "spl"
    path: Path
    """File, folder or glob of `.xml` files."""
    licence: str = "public domain (US federal government, FDA)"
    """Under which terms the texts may be reused; goes with every document."""

    def inputs(self) -> tuple[Path, ...]:
        """The files that are read."""
        return matching_files(self.path, (".xml",))

    def documents(self) -> Iterator[Document | Refusal]:
        """Each label as a Document, or the reason why it is refused."""
        from lxml import etree

        retrieved = today()
        for path in self.inputs():
            parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
            try:
                root = etree.parse(path, parser).getroot()
            except etree.XMLSyntaxError as error:
                position = f"line {error.lineno}"
                yield Refusal(file=str(path), position=position, reason=f"not XML: {error.msg}")
                continue
            yield self._document(root, str(path), retrieved)

    def _document(self, root: _Element, file: str, retrieved: str) -> Document | Refusal:
        set_id = _attribute(root, "v:setId", "root")
        if not set_id:
            return Refusal(file=file, position="document", reason="no setId: not an SPL document")
        sections = tuple(_sections(root))
        if not any(section.text or section.tables for section in sections):
            reason = f"set_id {set_id}: no section holds text (an indexing file?)"
            return Refusal(file=file, position="structuredBody", reason=reason)
        names = _names(root)
        called = names.brands or names.generics or names.substances
        return Document(
            source="spl",
            id=set_id,
            version=_attribute(root, "v:versionNumber", "value") or "1",
            effective=_iso_date(_attribute(root, "v:effectiveTime", "value")),
            title=" / ".join(called[:3]) or _line(root.find("v:title", _V3)) or set_id,
            language="en",
            sections=sections,
            names=names,
            group=substance_group(names.substances or called),
            url=f"https://dailymed.nlm.nih.gov/dailymed/drugInfo.cfm?setid={set_id}",
            licence=self.licence,
            retrieved=retrieved,
        )


def _attribute(element: _Element, path: str, attribute: str) -> str:
    found = element.find(path, _V3)
    return "" if found is None else found.get(attribute, "")


def _line(element: _Element | None) -> str:
    return "" if element is None else one_line(" ".join(map(str, element.itertext())))


def _iso_date(compact: str) -> str:
    return f"{compact[:4]}-{compact[4:6]}-{compact[6:8]}" if len(compact) >= 8 else ""


def _sections(root: _Element) -> Iterator[Section]:
    """Sections in reading order, those that hold nothing left out."""
    taken: set[str] = set()
    for element in root.iterfind("v:component/v:structuredBody/v:component/v:section", _V3):
        mark_hidden(element)
        yield from _section_tree(element, None, taken)


def _section_tree(element: _Element, parent: Section | None, taken: set[str]) -> Iterator[Section]:
    code = _attribute(element, "v:code", "code")
    title = _line(element.find("v:title", _V3))
    content = element.find("v:text", _V3)
    section = Section(
        id=_section_id(code, parent, taken),
        kind=_kind(code, title, parent),
        title=title or _coded_title(element, code, parent),
        text="" if content is None else text_of(content),
        tables=() if content is None else tables_of(content),
        parent=parent.id if parent else None,
    )
    within = [
        *_highlights(element, section),
        *(
            found
            for child in element.iterfind("v:component/v:section", _V3)
            for found in _section_tree(child, section, taken)
        ),
    ]
    if not section.text and not section.tables and not within:
        if not title:
            taken.discard(section.id)
            return
        section = section.model_copy(update={"text": title})
    yield section
    yield from within


def _coded_title(element: _Element, code: str, parent: Section | None) -> str:
    """What the code says that the section is; for one without its own code, the parent's title."""
    if code == UNCLASSIFIED or not code:
        return parent.title if parent else ""
    name = _attribute(element, "v:code", "displayName")
    return name.lower().removesuffix(" section").capitalize()


def _highlights(element: _Element, section: Section) -> Iterator[Section]:
    texts = element.findall("v:excerpt/v:highlight/v:text", _V3)
    text = "\n".join(filter(None, map(text_of, texts)))
    if text:
        yield Section(
            id=f"{section.id}.highlights",
            kind=section.kind,
            title=f"{section.title} (highlights)",
            text=text,
            tables=tuple(table for found in texts for table in tables_of(found)),
            parent=section.id,
        )


def _section_id(code: str, parent: Section | None, taken: set[str]) -> str:
    """The LOINC code, or the parent's id and a number; made unique within the document."""
    if code and code != UNCLASSIFIED:
        base, separator, first = code, "-", ""
    else:
        base, separator, first = (parent.id if parent else UNCLASSIFIED), ".", ".1"
    candidate, number = base + first, 1
    while candidate in taken:
        number += 1
        candidate = f"{base}{separator}{number}"
    taken.add(candidate)
    return candidate


def _kind(code: str, title: str, parent: Section | None) -> str:
    if code in KIND_OF_LOINC:
        return KIND_OF_LOINC[code]
    if code != UNCLASSIFIED:
        return "other"
    if parent and parent.kind not in ("other", "warnings"):
        return parent.kind
    heading = kind_of_heading(title)
    return parent.kind if parent and heading == "other" else heading


def _names(root: _Element) -> Names:
    products = root.findall(".//v:manufacturedProduct/v:manufacturedProduct", _V3) or root.findall(
        ".//v:manufacturedProduct/v:manufacturedMedicine", _V3
    )
    substances: list[str] = []
    uniis: list[str] = []
    for product in products:
        for ingredient in _active_ingredients(product):
            substances.append(_line(ingredient.find("v:name", _V3)))
            uniis.append(_code(ingredient, UNII_SYSTEM))
    generic = ".//v:asEntityWithGeneric/v:genericMedicine/v:name"
    codes = {
        "ndc": _unique(_code(product, NDC_SYSTEM) for product in products),
        "unii": _unique(uniis),
    }
    return Names(
        substances=_unique(substances),
        generics=_unique(_line(name) for p in products for name in p.iterfind(generic, _V3)),
        brands=_unique(_line(product.find("v:name", _V3)) for product in products),
        makers=_unique(
            _line(name)
            for name in root.iterfind(
                "v:author/v:assignedEntity/v:representedOrganization/v:name", _V3
            )
        ),
        codes={scheme: values for scheme, values in codes.items() if values},
    )


def _active_ingredients(product: _Element) -> list[_Element]:
    """Substances of class ACTIB, ACTIM, ACTIR, and those of the older `activeIngredient`."""
    found = [
        substance
        for ingredient in product.iterfind(".//v:ingredient", _V3)
        if ingredient.get("classCode", "").startswith("ACTI")
        for substance in ingredient.iterfind("v:ingredientSubstance", _V3)
    ]
    return found + product.findall(".//v:activeIngredient/v:activeIngredientSubstance", _V3)


def _code(element: _Element, system: str) -> str:
    code = element.find("v:code", _V3)
    return code.get("code", "") if code is not None and code.get("codeSystem") == system else ""


def _unique(values: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
