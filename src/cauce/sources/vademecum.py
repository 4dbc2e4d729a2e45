"""The mini-vademecum that comes with cauce: common medicines in Spanish and English.

It is a demonstration, written for this project; it is not medical advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from cauce.records import Document, Language, Names, Record, Refusal, Section
from cauce.sources.cleaning import clean_text, one_line
from cauce.sources.medicines import KINDS, substance_group

VERSION = "2026-11"
RETRIEVED = "2026-11-01"
"""Date of the edition: the data is part of the package, and reading it fetches nothing."""

TITLES: dict[str, dict[Language, str]] = {
    "use": {"en": "What it is for", "es": "Para qué se usa"},
    "dose": {"en": "How to take it", "es": "Cómo se toma"},
    "side_effects": {"en": "Side effects", "es": "Efectos adversos"},
    "contraindications": {"en": "Who must not take it", "es": "Quién no debe tomarlo"},
    "interactions": {"en": "Other medicines, food and alcohol",
                     "es": "Otros medicamentos, alimentos y alcohol"},
    "pregnancy": {"en": "Pregnancy and breast-feeding", "es": "Embarazo y lactancia"},
    "driving": {"en": "Driving and machines", "es": "Conducción y máquinas"},
    "overdose": {"en": "If too much was taken", "es": "Si se ha tomado demasiado"},
    "storage": {"en": "How to store it", "es": "Cómo se conserva"},
    "composition": {"en": "What it contains", "es": "Qué contiene"},
}  # fmt: skip


class VademecumSource(Record):
    """The medicines embedded in the package, one Document for each medicine and language."""

    kind: Literal["vademecum"] = "vademecum"
    languages: tuple[Language, ...] = ("en", "es")
    """Each medicine is one document in each of them."""

    def inputs(self) -> tuple[Path, ...]:
        """None: the data is part of the package."""
        return ()

    def documents(self) -> Iterator[Document | Refusal]:
        """Every medicine in each language; one that lacks something is refused with its file."""
        import yaml

        # libyaml reads them in a tenth of the time that PyYAML's own parser takes.
        loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
        folder = resources.files("cauce").joinpath("data", "vademecum")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if not entry.name.endswith(".yaml"):
                continue
            try:
                medicine = yaml.load(entry.read_text(encoding="utf-8"), Loader=loader)
            except yaml.YAMLError as error:
                reason = f"not YAML: {error}"
                yield Refusal(file=entry.name, position="the whole file", reason=reason)
                continue
            for language in self.languages:
                yield document_of_medicine(medicine, language, entry.name)


def document_of_medicine(
    medicine: dict[str, Any], language: Language, file: str
) -> Document | Refusal:
    """One medicine in one language as a Document."""
    missing = [name for name in ("id", "names", "sections") if name not in medicine]
    if not missing:
        missing = [
            f"sections.{kind}.{language}"
            for kind in KINDS
            if not medicine["sections"].get(kind, {}).get(language)
        ]
    if missing:
        return Refusal(file=file, position=missing[0], reason=f"missing: {', '.join(missing)}")
    names = medicine["names"]
    called = one_line(names[language])
    return Document(
        source="vademecum",
        id=medicine["id"],
        version=VERSION,
        title=called[:1].upper() + called[1:],
        language=language,
        sections=tuple(
            Section(
                id=kind,
                kind=kind,
                title=TITLES[kind][language],
                text=clean_text(medicine["sections"][kind][language]),
            )
            for kind in KINDS
        ),
        names=Names(
            substances=(one_line(names["en"]),),
            generics=tuple(dict.fromkeys(one_line(names[code]) for code in ("en", "es"))),
            brands=tuple(map(one_line, names.get("also", ()))),
            codes={"atc": (medicine["atc"],)} if medicine.get("atc") else {},
        ),
        group=substance_group((names["en"],)),
        licence="Apache-2.0",
        retrieved=RETRIEVED,
    )
