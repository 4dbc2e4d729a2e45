"""What a label's medicine is called: from `openfda`, else from the label's own product data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cauce.records import Names
from cauce.sources.cleaning import one_line

CODES = {
    "application": "application_number",
    "ndc": "product_ndc",
    "package_ndc": "package_ndc",
    "unii": "unii",
    "rxcui": "rxcui",
    "pharm_class": "pharm_class_epc",
    "product_type": "product_type",
}
"""Scheme of `Names.codes`, and the field of `openfda` that holds it."""

_MOST_WORDS_IN_BRAND = 12
_MOST_WORDS_IN_GENERIC = 6
_HOMEOPATHIC = re.compile(r"\bhomeopath|\bHPUS\b|\b\d+[xc]\s?[–,-]\s?\d+[xc]\b", re.IGNORECASE)
_HOMEOPATHIC_FIELDS = (
    "package_label_principal_display_panel",
    "spl_unclassified_section",
    "indications_and_usage",
    "active_ingredient",
    "purpose",
    "questions",
)
_STRENGTH = re.compile(r"\s*\d[\d.,]*\s*(?:mg|mcg|g|%|mL|units?|[xXcC]\b).*", re.DOTALL)
_INGREDIENT_HEADING = re.compile(
    r"^(?:drug facts\s*)?active ingredients?\s*:?\s*(?:\([^)]*\))?\s*", re.IGNORECASE
)


def names_of(record: Mapping[str, Any]) -> Names:
    """What the medicine is called: from `openfda`, else from the label's own product data."""
    openfda = record.get("openfda") or {}
    codes = {scheme: _unique(openfda.get(field, ())) for scheme, field in CODES.items()}
    codes["spl_id"] = _unique([str(record.get("id", ""))])
    if is_homeopathic(record):
        codes["status"] = ("homeopathic",)
    brands = _unique(openfda.get("brand_name", ()))
    generics = _unique(openfda.get("generic_name", ()))
    substances = _unique(openfda.get("substance_name", ())) or _active_ingredients(record)
    if not brands and not generics:
        brands, generics = _product_names(record)
    return Names(
        substances=substances,
        generics=generics,
        brands=brands,
        makers=_unique(openfda.get("manufacturer_name", ())),
        codes={scheme: values for scheme, values in codes.items() if values},
    )


def is_homeopathic(record: Mapping[str, Any]) -> bool:
    """True when the label calls itself homeopathic: such products were never evaluated."""
    return any(
        _HOMEOPATHIC.search(text) for field in _HOMEOPATHIC_FIELDS for text in record.get(field, ())
    )


def _active_ingredients(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Names before the strengths of `active_ingredient`, in labels without a substance list."""
    if (record.get("openfda") or {}).get("generic_name"):
        return ()
    stated = map(one_line, record.get("active_ingredient", ()))
    texts = [_INGREDIENT_HEADING.sub("", text) for text in stated]
    return _unique(filter(None, (_STRENGTH.sub("", text).strip(" .,:") for text in texts)))


def _product_names(record: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Brand and generic names out of `spl_product_data_elements`.

    The field runs brand, generic and substance together ("IMFINZI Durvalumab DURVALUMAB ..."):
    the first words that come twice in a row are the generic name, those before them the brand.
    """
    for text in record.get("spl_product_data_elements", ()):
        words = one_line(text).split()
        repeat = _first_repeat([word.lower().strip(",") for word in words])
        if repeat is None:
            return (" ".join(words[:2]),), ()
        generic = " ".join(words[repeat.start : repeat.stop]).strip(",")
        return (" ".join(words[: repeat.start]) or generic,), (generic,)
    return (), ()


def _first_repeat(words: Sequence[str]) -> range | None:
    """Where the first words stand that are followed by themselves; the longest at that place."""
    for start in range(min(len(words), _MOST_WORDS_IN_BRAND)):
        for stop in range(start + _MOST_WORDS_IN_GENERIC, start, -1):
            again = words[stop : 2 * stop - start]
            if again == words[start:stop]:
                return range(start, stop)
    return None


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cleaned for value in values if (cleaned := one_line(value))))
