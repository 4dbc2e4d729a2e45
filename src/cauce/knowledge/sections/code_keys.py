"""Codes of medicines in one form, however a person or a source writes them.

A National Drug Code has three parts (labeler, product, package) in 10 digits that are cut in three
ways, or in 11 digits with zeros; both are kept as 5-4-2. A Spanish national code may end in a check
digit; a number of the European register is the Spanish registration number without its slashes.
Of every other code the letters and digits count, without case, punctuation or leading zeros.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cauce.records import Document

DESCRIPTIONS = frozenset(("pharm_class", "product_type", "status", "route"))
"""Schemes of `Names.codes` that describe a medicine and do not identify it."""

_SCHEMES = {"package_ndc": "ndc", "spl_id": "id"}
_OF_ONE_SUBSTANCE = frozenset(("unii",))
_HYPHENATED_NDC = re.compile(r"(\d{4,5})-(\d{3,4})(?:-(\d{1,2}))?")
_EUROPEAN = re.compile(r"(?:EU/)?(1/\d{2}/\d{1,4})(?:/(\d{1,3}))?", re.IGNORECASE)
_NATIONAL = re.compile(r"(\d{6})\.?\d")
_CUTS = {10: ((4, 4), (5, 3), (5, 4)), 11: ((5, 4),), 9: ((5, 4),), 8: ((4, 4), (5, 3))}
"""Digits of labeler and of product in a code without hyphens, by its length."""


class StoredCode(NamedTuple):
    """A code as its source writes it, and what kind of code it is."""

    value: str
    scheme: str


class Keys(NamedTuple):
    """What to look a code up by: as it stands, else by the product that a package is of."""

    exact: frozenset[str]
    wider: frozenset[str] = frozenset()


def codes_of(document: Document) -> list[StoredCode]:
    """The codes that identify the document's medicine, its own identifier among them.

    The code of one substance of a combination is not a code of the combination.
    """
    own = "set_id" if document.source in ("openfda", "spl") else "id"
    found = [StoredCode(document.id, own)] if re.search(r"\d", document.id) else []
    for scheme, values in document.names.codes.items():
        if scheme in DESCRIPTIONS or (scheme in _OF_ONE_SUBSTANCE and len(values) > 1):
            continue
        found += [StoredCode(value, _SCHEMES.get(scheme, scheme)) for value in values]
    return list(dict.fromkeys(found))


def stored_keys(code: StoredCode) -> frozenset[str]:
    """The forms under which a medicine's code is found.

    >>> sorted(stored_keys(StoredCode("0002-3227-30", "ndc")))
    ['ndc:00002322730']
    >>> sorted(stored_keys(StoredCode("EU/1/04/298/002", "eu")))
    ['104298002', '4298002', 'eu:104298']
    """
    european = _EUROPEAN.fullmatch(code.value) if code.scheme == "eu" else None
    if european:
        product = re.sub(r"\D", "", european[1])
        number = product + (european[2] or "")
        return frozenset((number, number[1:].lstrip("0"), f"eu:{product}"))
    national = _NATIONAL.fullmatch(code.value) if code.scheme == "cn" else None
    if national:
        return frozenset((national[1].lstrip("0"), _plain(code.value)))
    hyphenated = _HYPHENATED_NDC.fullmatch(code.value) if code.scheme == "ndc" else None
    if hyphenated:
        return frozenset((_ndc(hyphenated[1], hyphenated[2], hyphenated[3] or ""),))
    return frozenset(filter(None, (_plain(code.value),)))


def looked_up_keys(code: str) -> Keys:
    """The forms that a person's writing of a code may stand for; none for what has no digit.

    >>> keys = looked_up_keys("00002-3227-31")
    >>> sorted(keys.exact), sorted(keys.wider)
    (['2322731', 'ndc:00002322731'], ['ndc:000023227'])
    """
    code = code.strip()
    if not re.search(r"\d", code):
        return Keys(frozenset())
    exact, wider = {_plain(code)}, set[str]()
    european = _EUROPEAN.fullmatch(code)
    if european:
        number = re.sub(r"\D", "", code)
        exact.add(number if european[2] else f"eu:{number}")
    if national := _NATIONAL.fullmatch(code):
        wider.add(national[1].lstrip("0"))
    for labeler, product, package in _ndc_readings(code):
        exact.add(_ndc(labeler, product, package))
        wider |= {_ndc(labeler, product, "")} if package else set()
    return Keys(frozenset(exact), frozenset(wider))


def _ndc_readings(code: str) -> list[tuple[str, str, str]]:
    """Labeler, product and package ("" when left out) that the code may be cut into."""
    hyphenated = _HYPHENATED_NDC.fullmatch(code)
    if hyphenated:
        return [(hyphenated[1], hyphenated[2], hyphenated[3] or "")]
    if not code.isdecimal():
        return []
    return [
        (code[:labeler], code[labeler : labeler + product], code[labeler + product :])
        for labeler, product in _CUTS.get(len(code), ())
    ]


def _ndc(labeler: str, product: str, package: str) -> str:
    return f"ndc:{labeler:0>5}{product:0>4}{package and package.zfill(2)}"


def _plain(code: str) -> str:
    """Letters and digits in capitals; a number without its leading zeros."""
    joined = re.sub(r"[\W_]+", "", code).upper()
    return joined.lstrip("0") if joined.isdecimal() else joined
