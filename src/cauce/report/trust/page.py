"""The page of a report of trust: made of its dossier alone, the same every time."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from cauce.records import Language
from cauce.report.metrics import NBSP
from cauce.report.trust.dossier import Dossier
from cauce.report.trust.evidence import CHANGED, OFF, Evidence, Kind, measure_of
from cauce.report.trust.measures import ANNEX_IV, Unit, law
from cauce.report.trust.stages import DECLARED
from cauce.report.trust.wording import WORDING

if TYPE_CHECKING:
    from jinja2 import Template

SHOWN_DIGITS = 16
"""Hexadecimal digits of a hash that are printed; `trust.json` has all 64."""
_COMMA = str.maketrans(",.", ".,")


class Row(NamedTuple):
    """Evidence as it is shown."""

    anchor: str
    title: str
    value: str
    interval: str
    judged: str
    """What is said of its bar, in words; empty where it has none."""
    note: str
    evidence: Evidence


def trust_page(dossier: Dossier) -> str:
    """The page as text, in the dossier's language."""
    return _template().render(content(dossier))


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("trust/trust.html.j2")


def content(dossier: Dossier) -> dict[str, Any]:
    """Everything the template shows, by name."""
    cover = dossier.cover
    language = cover.language
    rows = shown_rows(dossier.evidence, language)
    told = law()
    return {
        "language": language,
        "words": WORDING[language],
        "cover": cover,
        "head": dossier.head,
        "files": dossier.files,
        "logs": dossier.logs,
        "law": told,
        "declared_in": DECLARED,
        "counts": counts_in_words(dossier.evidence, language),
        "requirements": [
            (name, titles[language], [row for row in rows if name in row.evidence.headings])
            for name, titles in told.altai.items()
        ],
        "annex": [
            (number, titles[language], [row for row in rows if number in row.evidence.sections])
            for number, titles in zip(ANNEX_IV, told.annex_iv, strict=True)
        ],
        "digits": SHOWN_DIGITS,
    }


def counts_in_words(evidence: Sequence[Evidence], language: Language) -> str:
    """How many rows there are of each kind."""
    counts = Counter(row.source for row in evidence)
    return WORDING[language]["counts"].format(**{kind: counts[kind] for kind in get_args(Kind)})


def shown_rows(evidence: Sequence[Evidence], language: Language) -> list[Row]:
    """The evidence in the language's words."""
    return [_shown(f"e{number}", row, language) for number, row in enumerate(evidence, 1)]


def _shown(anchor: str, row: Evidence, language: Language) -> Row:
    measure, words = measure_of(row.name), WORDING[language]
    return Row(
        anchor=anchor,
        title=measure.title[language],
        value=shown(row.value, row.unit, language),
        interval=_interval(row, language),
        judged=(
            ""
            if measure.bar is None or row.source == "missing"
            else words[row.judged].format(bar=shown(measure.bar, row.unit, language))
        ),
        note=words[row.note] if row.note in (CHANGED, OFF) else row.note,
        evidence=row,
    )


def _interval(row: Evidence, language: Language) -> str:
    words = WORDING[language]
    if not isinstance(row.value, float) or row.unit in ("count", "seconds", "Wh", "gCO2e"):
        return ""
    counted = "" if row.n is None else f" · n {shown(row.n, 'count', language)}"
    if row.low is None or row.high is None:
        return words["no_interval"] + counted
    low, high = (shown(bound, row.unit, language) for bound in (row.low, row.high))
    return f"{low.removesuffix(NBSP + '%')} {words['to']} {high}{counted}"


def shown(value: float | str | None, unit: Unit, language: Language) -> str:
    """A value with its unit, as the language writes it.

    >>> shown(0.0345, "share", "en"), shown(1234.5, "number", "es"), shown(None, "share", "es")
    ('3.5\\xa0%', '1.234,5', 'sin medir')
    """
    if value is None:
        return WORDING[language]["not_measured"]
    if isinstance(value, str):
        return value
    text = _number(value, unit)
    return text.translate(_COMMA) if language == "es" else text


def _number(value: float, unit: Unit) -> str:
    match unit:
        case "share":
            return f"{100 * value:.1f}{NBSP}%"
        case "difference":
            return f"{value:+.3f}".replace("-", "−")
        case "count":
            return f"{value:,.0f}"
        case "seconds":
            return f"{value:,.1f}{NBSP}s"
        case "Wh":
            return f"{_three_digits(value)}{NBSP}Wh"
        case "gCO2e":
            return f"{_three_digits(value)}{NBSP}g{NBSP}CO₂e"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
