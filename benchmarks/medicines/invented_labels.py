"""Invented drug labels in the shape of openFDA's exports, as many as are asked for.

The texts are those of real labels, under the names of substances that do not exist: thousands of
them, some a letter apart. A substance is sold by several makers, most of whom print the same text;
others print one number changed. Sizes and gaps are those of the whole export: 30 KB a label, 62 %
without the `openfda` object. The same seed gives the same labels.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

LABELS_IN_PART = 20_000
"""Labels in each file of an export."""
WITHOUT_OPENFDA = 0.62
REPACKAGERS = 0.6
"""Share of the labels of a substance that repeat the first one's text."""
MAKERS = 12
"""Labels of a substance, in the mean."""
LOOK_ALIKES = 0.05
SIZES = ((6_000, 0.55), (40_000, 0.35), (10**9, 0.10))
"""Characters to which a label is shortened, and the share of substances whose labels are."""

_ONSETS = "b br c cl d dr f fl g gl l m n p pr qu r s st t tr v x z".split()  # noqa: SIM905
_VOWELS = "a e i o u ia io".split()  # noqa: SIM905
_ENDINGS = "mib vastin zole pril sartan mycin cillin dipine lukast gliptin nib tidine".split()  # noqa: SIM905
_DOSE = re.compile(r"\b\d{1,3} mg\b")


class Substance(NamedTuple):
    """An invented medicine: what it is called and which real label lends its texts."""

    number: int
    generic: str
    brand: str
    pattern: int
    size: int


class Pattern(NamedTuple):
    """A real label as text in which the medicine's names are to be replaced."""

    text: str
    generic: str
    brand: str


def patterns(labels: Path) -> list[Pattern]:
    """The real labels that have one generic name and one brand."""
    found = []
    with gzip.open(labels, "rt", encoding="utf-8") as stream:
        for line in stream:
            record = json.loads(line)
            names = record["openfda"]
            generic, brand = names["generic_name"][0], names["brand_name"][0]
            names["generic_name"] = names["substance_name"] = [generic]
            names["brand_name"] = [brand]
            names.pop("unii", None)
            found.append(Pattern(json.dumps(record), generic, brand))
    return found


def substances(labels: int, pattern_count: int, seed: int, size: int | None) -> list[Substance]:
    """As many invented medicines as `labels` need; each name once. `size` is that of all of them.

    In one of twenty the generic name is another's with a letter changed.
    """
    draw = random.Random(seed)
    taken: set[str] = set()
    made: list[Substance] = []
    while len(made) < max(2, labels // MAKERS):
        alike = made and draw.random() < LOOK_ALIKES
        generic = _changed(draw.choice(made).generic, draw) if alike else _word(draw, _ENDINGS)
        brand = _word(draw, ("",)).capitalize()
        if generic in taken or brand.lower() in taken or generic == brand.lower():
            continue
        taken |= {generic, brand.lower()}
        number = len(made)
        drawn = draw.choices([s for s, _ in SIZES], [share for _, share in SIZES])[0]
        made.append(Substance(number, generic, brand, number % pattern_count, size or drawn))
    return made


def _word(draw: random.Random, endings: tuple[str, ...] | list[str]) -> str:
    syllables = "".join(draw.choice(_ONSETS) + draw.choice(_VOWELS) for _ in range(3))
    return syllables + draw.choice(endings)


def _changed(word: str, draw: random.Random) -> str:
    place = draw.randrange(1, len(word) - 1)
    return word[:place] + draw.choice("aeioubdlmnrst") + word[place + 1 :]


def labels_of(
    made: list[Substance], lent: list[Pattern], count: int, seed: int
) -> Iterator[tuple[Substance, dict[str, Any]]]:
    """`count` labels, those of one substance scattered over the whole."""
    draw = random.Random(seed)
    # A few substances are sold by hundreds of makers, most by a handful.
    weights = [1 / (rank + 3) ** 0.7 for rank in range(len(made))]
    order = [*made, *draw.choices(made, weights, k=max(0, count - len(made)))][:count]
    draw.shuffle(order)
    texts: dict[int, str] = {}
    for number, substance in enumerate(order):
        if substance.number not in texts:
            texts[substance.number] = _text(substance, lent[substance.pattern])
        yield substance, _label(substance, texts[substance.number], number, draw)


def _text(substance: Substance, pattern: Pattern) -> str:
    """The pattern under the invented names, shortened."""
    text = pattern.text
    for real, invented in ((pattern.brand, substance.brand), (pattern.generic, substance.generic)):
        for spelled in (str.upper, str.lower, str.title, str.capitalize):
            text = text.replace(spelled(real), spelled(invented))
    record = json.loads(text)
    record["openfda"]["generic_name"] = [substance.generic.upper()]
    record["openfda"]["substance_name"] = [substance.generic.upper()]
    record["openfda"]["brand_name"] = [substance.brand]
    generic = substance.generic
    record["spl_product_data_elements"] = [
        f"{substance.brand} {generic.capitalize()} {generic.upper()} WATER"
    ]
    return json.dumps(_shortened(record, substance.size), ensure_ascii=False)


def _shortened(record: dict[str, Any], size: int) -> dict[str, Any]:
    """The record with the end of each section cut by the same share, tables first left out."""
    whole = len(json.dumps(record, ensure_ascii=False))
    if whole <= size:
        return record
    share = size / whole
    kept: dict[str, Any] = {}
    for name, value in record.items():
        if name.endswith("_table") or not isinstance(value, list):
            if not name.endswith("_table"):
                kept[name] = value
            continue
        kept[name] = [text[: max(300, int(len(text) * share * 1.6))] for text in value]
    return kept


def _label(substance: Substance, text: str, number: int, draw: random.Random) -> dict[str, Any]:
    if draw.random() > REPACKAGERS:
        doses = _DOSE.findall(text)
        if doses:
            text = text.replace(draw.choice(doses), f"{draw.randrange(2, 900)} mg")
    record: dict[str, Any] = json.loads(text)
    set_id = f"{substance.number:08x}-0000-4000-8000-{number:012x}"
    maker = f"Maker {draw.randrange(400)} Laboratories"
    record |= {
        "set_id": set_id,
        "id": f"{number:08x}-1111-4111-8111-{substance.number:012x}",
        "version": str(draw.randrange(1, 30)),
        "effective_time": f"20{draw.randrange(10, 26)}{draw.randrange(1, 13):02d}15",
        "package_label_principal_display_panel": [f"{substance.brand} {maker} lot {number}"],
    }
    if draw.random() < WITHOUT_OPENFDA:
        record["openfda"] = {}
        return record
    product = f"{10_000 + number // 10_000}-{number % 10_000:04d}"
    record["openfda"] |= {
        "spl_set_id": [set_id],
        "manufacturer_name": [maker],
        "product_ndc": [product],
        "package_ndc": [f"{product}-10"],
        "rxcui": [str(9_000_000 + substance.number)],
    }
    return record


def write_export(
    folder: Path, labels: Path, count: int, *, seed: int = 11, size: int | None = None
) -> list[Substance]:
    """The substances of an export of `count` labels written to `folder`, in parts as openFDA's."""
    lent = patterns(labels)
    made = substances(count, len(lent), seed, size)
    stream = (record for _, record in labels_of(made, lent, count, seed))
    parts = -(-count // LABELS_IN_PART)
    for part in range(1, parts + 1):
        name = f"drug-label-{part:04d}-of-{parts:04d}.json"
        with (
            zipfile.ZipFile(
                folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1
            ) as archive,
            archive.open(name, "w", force_zip64=True) as member,
        ):
            member.write(b'{"meta": {}, "results": [')
            for place in range(min(LABELS_IN_PART, count - (part - 1) * LABELS_IN_PART)):
                comma = b",\n" if place else b"\n"
                member.write(comma + json.dumps(next(stream), ensure_ascii=False).encode())
            member.write(b"]}")
    return made
