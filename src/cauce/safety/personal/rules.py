"""Personal data that its own form tells: numbers with check digits, addresses of mail, dates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cauce.safety.personal.checks import is_dni, is_iban, is_nuss
from cauce.safety.personal.spans import Kind, PersonalSpan

_MONTHS = (
    r"(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre"
    r"|gener|febrer|març|maig|juny|juliol|agost|setembre|novembre|desembre"
    r"|january|february|march|april|may|june|july|august|september|october|november|december)"
)
_SHORT_MONTHS = r"(?:ene|feb|mar|abr|may|jun|jul|ago|sept?|oct|nov|dic|jan|apr|aug|dec)"
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_OF = r"(?:\s+(?:de\s+|del\s+(?:año\s+)?|d['’]|of\s+)|,?\s+)"
_GAP = r"[\s.-]?"
_LINE_END = "\0"
"""In the place of a line's end, which rules would take for a space: a dose in the next line is no
part of a number."""


class _Rule(NamedTuple):
    kind: Kind
    pattern: re.Pattern[str]
    """What is found is its first group, or all of it where there is none."""
    certainty: float
    check: Callable[[str], bool] | None = None
    """What is also true of it; certainty is then 1."""


def _rule(
    kind: Kind, pattern: str, certainty: float, check: Callable[[str], bool] | None = None
) -> _Rule:
    return _Rule(kind, re.compile(pattern, re.IGNORECASE), certainty, check)


_CUED = (
    r"\W{0,4}(?:(?:es|son|seria|sería|is|és|n[úu]mero|number|num|n[ºo°.]|de|of|el|la|:|=)"
    r"\W{1,3}){0,4}"
)
"""What stands between the name of a number and the number."""

_RULES = (
    _rule(
        "DIRECCIÓN",
        r"\b\d{1,5} (?:[a-z]+ ){1,3}(?:street|road|avenue|lane|drive)(?!\w)",
        0.9,
    ),
    _rule("CORREO", r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?<![.-])", 0.99),
    _rule(
        "CORREO",
        r"(?<![\w.])[\w.+-]+\s?(?:\(arroba\)|\[at\]|\barroba\b)\s?[\w-]+\.[a-z]{2,}",
        0.95,
    ),
    _rule(
        "WEB",
        r"\b(?:https?://|www\.)[^\s\0<>()\"']+(?<![.,;:)])"
        r"|(?<![\w@.])(?:facebook|instagram|linkedin|twitter|x|tiktok)\.com/[\w./-]+(?<![.])",
        0.97,
    ),
    _rule("DNI", r"(?<![\w-])(\d{1,2}\.?\d{3}\.?\d{3}[\s./-]{0,2}[A-Z])(?!\w)", 1.0, is_dni),
    _rule("DNI", r"(?<![\w-])([XYZ][\s./-]?\d{7}[\s./-]?[A-Z])(?!\w)", 1.0, is_dni),
    _rule(
        "DNI",
        rf"\b(?:dni|d\.n\.i\.?|nif|nie|c[ée]dula|curp|rut|documento de identidad){_CUED}"
        r"((?:[XYZ][\s.-]?)?\d[\d.]{5,11}(?:[\s./-]?[A-Z0-9])?)(?![\w])",
        0.95,
    ),
    _rule(
        "CUENTA",
        r"\b([A-Z]{2}\d{2}[\s-]?[0-9A-Z]{4}(?:[\s-]?\d{4}){2,6}(?:[\s-]?\d{1,3})?)(?!\w)",
        1.0,
        is_iban,
    ),
    _rule("NUSS", r"(?<![\d/.-])(\d{2}[\s/.-]?\d{8}[\s/.-]?\d{2})(?![\d/-])", 1.0, is_nuss),
    _rule(
        "NUSS",
        rf"\b(?:nuss|nass|n\.?[ºo°]? ?(?:de )?(?:la )?(?:seg\.? social|s\.? ?s\.)"
        rf"|naf|afiliaci[óo]n|afiliad[oa]|seguridad social|social security(?: number)?|ssn){_CUED}"
        r"(\d{2,4}(?:[\s/.-]{0,2}\d{1,10}){1,4})(?![\d])",
        0.93,
    ),
    _rule(
        "IDENTIFICADOR",
        rf"\b(?:n\.?h\.?c\.?|h\.?c\.?|hist[oòó]ria(?: cl[íi]nica)?|cipa?|cip-?sns|sip|nuhsa|cite"
        rf"|tis|bdu|tar[jg]eta(?: sanit[àa]ria)?|episodio|expediente|n[ºo°]? ?col|colegiad."
        rf"|mrn|nhs|(?:medical )?record(?: number)?|pasaporte|passport|p[óo]liza)"
        rf"(?![^\W_]){_CUED}(?:nhc\W)?"
        r"((?-i:[A-Z]{1,4}-?)?\d[\d /.-]{2,14}\d[A-Z]?)(?!\w)",
        0.9,
    ),
    _rule("IDENTIFICADOR", r"(?<!\w)([A-Z]{4}[\s-]?[01]\d{6}[\s-]?\d{3,4})(?!\w)", 0.97),
    _rule("IDENTIFICADOR", r"(?<!\w)(BBBB[A-Z0-9]{8,12}|AN\d{10}|CYL[A-Z0-9]{9,13})(?!\w)", 0.97),
    _rule(
        "TELÉFONO", r"(?<![\w.,/-])((?:\+|00)\d{1,3}(?:[\s.-]?\(?\d{2,4}\)?){2,5})(?![\w])", 0.95
    ),
    _rule(
        "TELÉFONO",
        rf"(?<![\w.,/+-])(?<!\d\s)([6-9]\d{{2}}(?:{_GAP}\d{{3}}){{2}}|[6-9]\d{{2}}(?:{_GAP}\d{{2}}){{3}}"
        rf"|9\d{_GAP}\d{{3}}{_GAP}\d{{2}}{_GAP}\d{{2}}|9\d{_GAP}\d{{2}}{_GAP}\d{{2}}{_GAP}\d{{3}})"
        r"(?![\w/]|[.,\s-]\d)",
        0.9,
    ),
    _rule("TELÉFONO", r"(?<![\w.])(\(?\d{3}\)?[\s.-]\d{3}[.-]\d{4})(?!\w)", 0.9),
    _rule(
        "TELÉFONO",
        rf"\b(?:tel[ée]fono|telf?|tfno|tlfn?o?|tlf|m[óo]vil|mobile|phone|fax|whats?app|wasap|busca)\b"
        rf"{_CUED}(\+?\d[\d\s.-]{{6,14}}\d)(?!\d)",
        0.95,
    ),
    _rule(
        "FECHA",
        rf"(?<![\w/.-])({_DAY}\s?([/.-]{{1,2}})\s?{_DAY}\s?\2\s?(?:{_YEAR}|\d\d))"
        r"(?![\w/]|[.-]\d)",
        0.95,
    ),
    _rule("FECHA", rf"(?<![\w/.-])({_YEAR}[/.-](?:0?[1-9]|1[0-2])[/.-]\d{{1,2}})(?![\w/])", 0.95),
    _rule(
        "FECHA",
        rf"(?<!\w)({_DAY}(?:º|st|nd|rd|th)?{_OF}{_MONTHS}{_OF}(?:{_YEAR}|\d\d))(?!\w)",
        0.95,
    ),
    _rule("FECHA", rf"(?<!\w)({_DAY}(?:º|st|nd|rd|th)?{_OF}{_MONTHS})(?!\w)", 0.7),
    _rule("FECHA", rf"(?<!\w)({_MONTHS}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+{_YEAR})(?!\w)", 0.95),
    _rule("FECHA", rf"(?<!\w)({_MONTHS}{_OF}{_YEAR})(?!\w)", 0.95),
    _rule(
        "FECHA",
        rf"(?<!\w)((?:{_DAY}[\s/-])?{_SHORT_MONTHS}[\s./-]+(?:{_YEAR}|\d\d))(?![\w,.]\d|\w)",
        0.7,
    ),
)


_SOFT = (
    _rule(
        "FAMILIAR",
        r"\b(?:(?:bis)?abuel[oa]s?|madre|padres?|herman[oa]s?|hij[oa]s?|espos[oa]|marido|t[íi][oa]"
        r"|prim[oa]|sobrin[oa]s?|niet[oa]s?|suegr[oa]s?|cuñad[oa]s?|progenitores|familia)"
        r"(?: (?:matern|patern)[oa]s?)?\b",
        0.85,
    ),
    _rule("SEXO", r"\b(?:var[óo]n|mujer|hombre|niñ[oa]|masculino|femenino|hembra)\b", 0.85),
)
"""What is said of relatives and sexes wherever the tagger finds nothing else."""


def by_rules(text: str) -> Iterator[PersonalSpan]:
    """What rules find, in no order; two of them may overlap, and none goes on in the next line."""
    lines = text.replace("\n", _LINE_END)
    for kind, pattern, certainty, check in (*_RULES, *_SOFT):
        for found in pattern.finditer(lines):
            start, end = found.span(1 if found.re.groups else 0)
            if check is None:
                yield PersonalSpan(start, end, kind, certainty)
            elif check(text[start:end]):
                yield PersonalSpan(start, end, kind, 1.0)
