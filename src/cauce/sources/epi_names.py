"""Who a bundle of electronic product information is about.

Names and codes come from the resources that a bundle carries (MedicinalProductDefinition,
Ingredient, SubstanceDefinition); bundles of AEMPS carry none, so they are read out of the texts:
the brand from the patient text's headings, the substances from section 2 of the professional one,
the ATC code from 5.1, and the registration number from the file's name (AEMPS names files by it) or
section 8. The two may disagree: the file 1181325001 holds the text of EU/1/18/1326; both are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from cauce.records import Names, Section
from cauce.sources.cleaning import one_line
from cauce.sources.fhir import Node, first, resources, values

_BRAND = re.compile(r"(?:Qué es|What) (.+?) (?:y para qué|is and what)", re.IGNORECASE)
_ATC = re.compile(r"\bATC\b[^:\n]{0,40}:\s*([A-V]\d{2}\s?[A-Z]\s?[A-Z]?\s?(?:\d{2})?)\b")
_EU_NUMBER = re.compile(r"EU/1/\d{2}/\d{3,4}/\d{3}")
_NATIONAL_NUMBER = re.compile(r"(?<![\d/.])(\d{2}\.?\d{3})(?![\d/])")
_AMOUNT = r"\d[\d.,]*\s*(?:mg|g|microgramos|micrograms?|mcg|µg|UI|IU|ml|mmol)"
_AMOUNT_OF = re.compile(
    rf"{_AMOUNT}\s+(?:de|of)\s+([^\d,.;:()\n]+?)"
    r"(?=\s*(?:\(|,|;|\.|\n|$|\by\s+\d|\be\s+\d|\band\s+\d|\ben\s+\d|\bin\s+\d))"
)
_LISTED = re.compile(rf"^\s*([^\W\d_][^\d:\n…]+?)\s*[.…]{{2,}}\s*{_AMOUNT}", re.MULTILINE)
_EXCIPIENTS = re.compile(r"excipiente|excipient", re.IGNORECASE)
_ACTIVE = re.compile(
    r"(?:principios? activos?|sustancias? activas?|active substances?)\s+(?:es|son|is|are):?\s+"
    r"([^.\n]+)",
    re.IGNORECASE,
)
_STRENGTH = re.compile(r"\s+\d.*$")


class Identity(NamedTuple):
    """One medicine's identifier, title, names and the addresses of its two texts."""

    id: str
    title: str
    names: Names
    url: str
    leaflet_url: str


def identity_of(bundle: Node, texts: Sequence[Sequence[Section]], path: Path) -> Identity:
    """What the medicine of the bundle is called, from its resources or its texts."""
    sections = [section for text in texts for section in text]
    registered = "\n".join(section.text for section in sections if section.id == "8")
    numbers = (path.stem,) if path.stem.isdigit() else _national_numbers(registered)
    bundle_id = first(bundle, "identifier.value") or first(bundle, "id") or path.stem
    own_id = numbers[0] if numbers else bundle_id
    title = _first_line(sections, "1") or path.stem
    brands = _resource_names(bundle, "MedicinalProductDefinition", "name.productName")
    codes = {
        "nregistro": numbers,
        "eu": _unique(_EU_NUMBER.findall(registered)),
        "atc": _coded(bundle) or _unique(_codes_in(sections)),
    }
    names = Names(
        substances=_resource_names(bundle, "SubstanceDefinition", "name.name")
        or _resource_names(bundle, "Ingredient", "substance.code.concept.text")
        or _resource_names(bundle, "Ingredient", "substance.code.concept.coding.display")
        or _substances(sections, title),
        brands=brands or _brands(sections, title),
        codes={scheme: values for scheme, values in codes.items() if values},
    )
    base = "https://cima.aemps.es/cima/dochtml"
    known = own_id.isdigit()
    return Identity(
        id=own_id,
        title=title,
        names=names,
        url=f"{base}/ft/{own_id}/FT_{own_id}.html" if known else "",
        leaflet_url=f"{base}/p/{own_id}/P_{own_id}.html" if known else "",
    )


def _resource_names(bundle: Node, resource_type: str, path: str) -> tuple[str, ...]:
    return _unique(
        one_line(name)
        for node in resources(bundle)
        if first(node, "resourceType") == resource_type
        for name in values(node, path)
        if isinstance(name, str)
    )


def _coded(bundle: Node) -> tuple[str, ...]:
    """ATC codes that a MedicinalProductDefinition is classified by."""
    return _unique(
        code
        for node in resources(bundle)
        for coding in values(node, "classification.coding")
        for code in values(coding, "code")
        if re.fullmatch(r"[A-V]\d{2}[A-Z]{0,2}(?:\d{2})?", code)
    )


def _codes_in(sections: Iterable[Section]) -> Iterable[str]:
    for section in sections:
        if section.id in ("5", "5.1"):
            yield from (code.replace(" ", "") for code in _ATC.findall(section.text))


def _national_numbers(registered: str) -> tuple[str, ...]:
    """Registration numbers as CIMA writes them: 62.670 is 62670, EU/1/18/1286/004 is 1181286004."""
    european = [number[3:].replace("/", "") for number in _EU_NUMBER.findall(registered)]
    national = [number.replace(".", "") for number in _NATIONAL_NUMBER.findall(registered)]
    return _unique(european or national)


def _first_line(sections: Iterable[Section], number: str) -> str:
    for section in sections:
        if section.id == number and section.text:
            return section.text.splitlines()[0]
    return ""


def _brands(sections: Iterable[Section], title: str) -> tuple[str, ...]:
    found = [match.group(1) for s in sections if (match := _BRAND.search(s.title))]
    return _unique(found) or _unique([_STRENGTH.sub("", title)])


def _substances(sections: Sequence[Section], title: str) -> tuple[str, ...]:
    """Active substances of section 2, else of the patient text, else what the name says."""
    for section in sections:
        if section.id == "2" and section.kind == "composition":
            before_excipients = _EXCIPIENTS.split(section.text)[0]
            found = _AMOUNT_OF.findall(before_excipients) or _LISTED.findall(before_excipients)
            if found:
                return _unique(name.strip() for name in found)
    for section in sections:
        stated = _ACTIVE.search(section.text) if section.kind == "composition" else None
        if stated and not re.search(r"[\d(:*]", stated.group(1)):
            return _unique(re.split(r",\s*|\s+y\s+|\s+and\s+", stated.group(1)))
    named = next((s.text for s in sections if s.id == "1"), title).splitlines()
    return _unique([_STRENGTH.sub("", named[-1].partition("(")[0].strip())])


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
