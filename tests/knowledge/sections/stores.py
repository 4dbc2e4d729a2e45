"""Documents in which every answer of a store can be told from another."""

from __future__ import annotations

from cauce.records import Document, Language, Names, Section, Table


def section(section_id: str, kind: str, text: str, **fields: object) -> Section:
    return Section(id=section_id, kind=kind, title=section_id.title(), text=text, **fields)  # type: ignore[arg-type]


def label(
    document_id: str,
    group: str,
    *sections: Section,
    maker: str = "",
    effective: str = "2024-01-01",
    language: Language = "en",
    source: str = "openfda",
    brands: tuple[str, ...] = (),
    generics: tuple[str, ...] | None = None,
    **codes: tuple[str, ...],
) -> Document:
    return Document(
        source=source,
        id=document_id,
        version="3",
        effective=effective,
        title=(brands or (group,))[0].title(),
        language=language,
        sections=sections,
        names=Names(
            substances=tuple(group.split("+")),
            generics=(group,) if generics is None else generics,
            brands=brands,
            makers=(maker,) if maker else (),
            codes=codes,
        ),
        group=group,
        url=f"https://example.org/{document_id}",
    )


SHARED = "Take 400 mg every 8 hours with food. Do not take more than 1200 mg a day."
CHANGED = SHARED.replace("400", "200")

DOCUMENTS = (
    label(
        "set-1",
        "ibuprofen",
        section("2", "dose", "Read this first."),
        section("2.2", "dose", "In children 10 mg/kg.", parent="2.1"),
        section("2.1", "dose", SHARED, parent="2"),
        section("9", "other", "", tables=(Table(rows=(("Cmax", "5 µg"), ("beta-carotene", ""))),)),
        section("10", "storage", ""),
        brands=("Advil", "Advil"),
        maker="Alfa",
        ndc=("0573-0150",),
        package_ndc=("0573-0150-20",),
        unii=("WK2XYI10QM",),
        pharm_class=("NSAID 1 [EPC]",),
    ),
    *(
        label(
            f"set-{number}",
            "ibuprofen",
            section("2", "dose", SHARED),
            brands=("Ibu",),
            maker=f"Maker {number}",
            effective=f"2020-01-{number:02d}",
            ndc=(f"{10_000 + number}-123",),
        )
        for number in range(2, 10)
    ),
    label(
        "set-10",
        "ibuprofen",
        section("2", "dose", CHANGED),
        maker="Omega",
        effective="2025-05-05",
    ),
    label(
        "set-1", "ibuprofen", section("2", "dose", "Tome 400 mg con comida."),
        language="es", generics=("ibuprofeno",),
    ),
    label(
        "set-20",
        "famotidine+ibuprofen",
        section("4", "contraindications", "Not in renal impairment; ibuprofen is an NSAID."),
        brands=("Duexis",),
        unii=("WK2XYI10QM", "5QZO15J2Z8"),
        ndc=("75987-010",),
    ),
    label(
        "04298002",
        "abacavir+lamivudine",
        section("4.2", "dose", "Un comprimido al día, o 0,5 comprimidos."),
        source="epi",
        language="es",
        nregistro=("04298002",),
        eu=("EU/1/04/298/002",),
        cn=("654321",),
        atc=("J05AR02",),
    ),
)  # fmt: skip
