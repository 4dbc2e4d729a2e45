"""What CIMA's answers mean: its JSON into typed records, and a medicine into names and facts.

Dates are milliseconds since 1970 of a Spanish midnight; read at GMT+2, as the documentation says,
they fall on the right day in winter and in summer.
"""

from __future__ import annotations

import datetime
import re
from typing import Any, NamedTuple

from cauce.records import Names, Record
from cauce.sources.cleaning import one_line
from cauce.sources.medicines import substance_group

_SPAIN = datetime.timezone(datetime.timedelta(hours=2))
_KINDS_OF_CHANGE = {1: "added", 2: "withdrawn", 3: "changed"}
_FORMS = re.compile(
    r"\b(?:c[aá]psul|c[oó]lirio|comprimid|crema|emulsi|gel\b|granulad|gotas|inhal|jarabe|parche|"
    r"pel[ií]cula|perlas?\b|pipeta|polvo|pomada|soluci|suposit|suspensi|tabletas?\b|[oó]vulo)",
    re.IGNORECASE,
)
_STRENGTH = re.compile(r"\s+\d.*$|\s+EFG\b.*$", re.DOTALL)


class Part(NamedTuple):
    """One section of a segmented text, as CIMA gives it."""

    number: str
    """As printed, without a full stop: `4.2`; empty where the section has none."""
    title: str
    markup: str


class SupplyProblem(Record):
    """A presentation that is, was or will be hard to get."""

    cn: str
    """National code of the presentation."""
    name: str
    starts: str = ""
    """ISO 8601 date, as the two others; empty when not known."""
    ends: str = ""
    """Until when it is expected to last, or lasted."""
    active: bool
    remarks: str = ""
    """What the agency says of it: alternatives, distribution, its reason."""


class SafetyNote(Record):
    """A warning of the agency about a medicine already on the market."""

    number: str
    reference: str = ""
    subject: str
    date: str = ""
    url: str = ""


class RegistryChange(Record):
    """What changed of a medicine in the registry on a day."""

    nregistro: str
    date: str
    kind: str
    """`added`, `withdrawn`, `changed`, or `other`."""
    what: tuple[str, ...] = ()
    """In CIMA's words: `estado`, `comerc`, `prosp`, `ft`, `psum`, `notasSeguridad`, `matinf`..."""


def rows_of(body: Any) -> list[dict[str, Any]]:
    """The rows of a page, of a bare list or of a single object; ValueError for anything else."""
    rows = body.get("resultados", [body]) if isinstance(body, dict) else body
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("neither a list of rows nor a page of them")
    return rows


def parts_of_text(body: Any) -> list[Part]:
    """The sections of a segmented text in the order given; ValueError where one is none."""
    parts = []
    for row in rows_of(body):
        if not isinstance(row.get("contenido", row.get("titulo")), str):
            raise ValueError(f"a section with neither title nor content: {sorted(row)}")
        number = str(row.get("seccion") or "").strip().rstrip(".")
        is_numbered = re.fullmatch(r"\d+(?:\.\d+)*", number)
        title, markup = one_line(_text(row, "titulo")), _text(row, "contenido")
        parts.append(Part(number if is_numbered else "", title, markup))
    return parts


def problem_of(row: dict[str, Any]) -> SupplyProblem | None:
    """The problem in a row; None for a presentation that has none."""
    if row.get("tipoProblemaSuministro") is None and not row.get("activo"):
        return None
    return SupplyProblem(
        cn=str(row.get("cn", "")),
        name=one_line(_text(row, "nombre")),
        starts=date_of(row.get("fini")),
        ends=date_of(row.get("ffin")),
        active=bool(row.get("activo")),
        remarks=one_line(_text(row, "observ")),
    )


def note_of(row: dict[str, Any]) -> SafetyNote:
    """The safety note in a row."""
    return SafetyNote(
        number=str(row.get("num", "")),
        reference=_text(row, "ref"),
        subject=one_line(_text(row, "asunto")),
        date=date_of(row.get("fecha")),
        url=_text(row, "url"),
    )


def change_of(row: dict[str, Any]) -> RegistryChange:
    """The change in a row; what changed stands under `cambio` or `cambios`."""
    what = row.get("cambios") or row.get("cambio") or []
    return RegistryChange(
        nregistro=str(row["nregistro"]),
        date=date_of(row.get("fecha")),
        kind=_KINDS_OF_CHANGE.get(row.get("tipoCambio", 0), "other"),
        what=tuple(map(str, what if isinstance(what, list) else [what])),
    )


def date_of(value: Any) -> str:
    """ISO 8601 day of a moment in milliseconds, or of a date as dd/mm/yyyy; empty for neither.

    >>> date_of(1185832800000), date_of(107737200000), date_of("31/07/2007"), date_of(None)
    ('2007-07-31', '1973-06-01', '2007-07-31', '')
    """
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return datetime.datetime.fromtimestamp(value / 1000, _SPAIN).date().isoformat()
        except (OverflowError, ValueError, OSError):
            return ""
    written = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", str(value))
    return f"{written[3]}-{int(written[2]):02}-{int(written[1]):02}" if written else ""


def names_of(record: dict[str, Any]) -> Names:
    """Brand, substances, makers and codes of a medicine.

    Substances are those of the clinical description (`vtm`), which writes "ácido acetilsalicílico",
    where it names as many as the record, which writes "ACETILSALICILICO ACIDO". A combination is
    called by all of its substances, never by one of them.
    """
    ingredients = _named(record, "principiosActivos") or _listed(_text(record, "pactivos"), ",")
    described = _listed(_text(record.get("vtm") or {}, "nombre"), "+")
    substances = described if len(described) == len(ingredients) else ingredients
    codes = {
        "nregistro": (str(record["nregistro"]),),
        "cn": tuple(str(row["cn"]) for row in rows_of(record.get("presentaciones")) if "cn" in row),
        "atc": _atc(record),
    }
    return Names(
        substances=substances,
        generics=_unique((" + ".join(substances), " + ".join(ingredients))),
        brands=(brand_of(_text(record, "nombre")),),
        makers=_unique((_text(record, "labtitular"), _text(record, "labcomercializador"))),
        codes={scheme: values for scheme, values in codes.items() if values},
    )


def group_of(record: dict[str, Any], names: Names) -> str:
    """The substances spelled the same for every maker."""
    return substance_group(names.substances or (_text(record, "nombre"),))


def brand_of(name: str) -> str:
    """The registered name without strength and form.

    >>> brand_of("CLEXANE 4.000 UI (40 mg)/ 0,4 ml SOLUCION INYECTABLE EN JERINGA PRECARGADA")
    'CLEXANE'
    >>> brand_of("LANTUS SOLOSTAR SOLUCION INYECTABLE"), brand_of("NOLOTIL")
    ('LANTUS SOLOSTAR', 'NOLOTIL')
    """
    without_strength = _STRENGTH.sub("", one_line(name))
    form = _FORMS.search(without_strength)
    brand = without_strength[: form.start()] if form else without_strength
    return brand.strip(" ,;/-") or one_line(name)


def registered_facts(record: dict[str, Any]) -> str:
    """What the registry says of the medicine, a line each; nothing that it does not say."""
    state = record.get("estado") or {}
    lines = [
        _line("Condiciones de prescripción", _text(record, "cpresc")),
        _line("Forma farmacéutica", _text(record.get("formaFarmaceutica") or {}, "nombre")),
        _line("Vías de administración", ", ".join(_named(record, "viasAdministracion"))),
        _line("Autorizado el", date_of(state.get("aut"))),
        _line("Suspendido el", date_of(state.get("susp"))),
        _line("Revocado el", date_of(state.get("rev"))),
        *(_flag(label, record.get(field)) for label, field in _FLAGS),
    ]
    return "\n".join(filter(None, lines))


_FLAGS = (
    ("Comercializado", "comerc"),
    ("Puede afectar a la conducción, según el registro", "conduc"),
    ("Seguimiento adicional (triángulo negro)", "triangulo"),
    ("Genérico", "generico"),
    ("Biosimilar", "biosimilar"),
    ("Medicamento huérfano", "huerfano"),
)


def _line(label: str, value: str) -> str:
    return f"{label}: {value}." if value else ""


def _flag(label: str, value: Any) -> str:
    return _line(label, ("no", "sí")[value]) if isinstance(value, bool) else ""


def _atc(record: dict[str, Any]) -> tuple[str, ...]:
    """The codes of the most detailed level that is given: those of substances, where there are."""
    rows = [row for row in rows_of(record.get("atcs")) if row.get("codigo")]
    if not rows:
        return ()
    longest = max(len(str(row["codigo"])) for row in rows)
    return _unique(str(row["codigo"]) for row in rows if len(str(row["codigo"])) == longest)


def _named(record: dict[str, Any], field: str) -> tuple[str, ...]:
    """Names of the rows of a field, in their `orden`."""
    rows = sorted(rows_of(record.get(field)), key=lambda row: int(row.get("orden") or 0))
    return _unique(_text(row, "nombre") for row in rows)


def _listed(text: str, separator: str) -> tuple[str, ...]:
    return _unique(part.strip() for part in text.split(separator))


def _text(row: dict[str, Any], field: str) -> str:
    value = row.get(field)
    return value if isinstance(value, str) else ""


def _unique(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one_line(value) for value in values if value))
