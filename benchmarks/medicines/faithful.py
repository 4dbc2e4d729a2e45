"""Ways to say what a sentence says in other words, for the claim check's false alarms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction

from cauce.records import Language

_CARRIES_MEANING = re.compile(
    r"\d|\b(?:not?|never|without|avoid\w*|unless|except\w*|only|if|when\w*|until|whether|contraindicat\w*|"
    r"may|might|can|could|should|must|max\w*|min\w*|more|less|exceed\w*|severe\w*|moderate\w*|mild\w*|"
    r"nunca|sin|evit\w*|salvo|excepto|s[oó]lo|[uú]nicamente|si|cuando|hasta|mientras|puede\w*|"
    r"podr\w*|debe\w*|m[aá]s|menos|grave\w*|leve\w*|moderad\w*|menor\w*|mayor\w*|contraindic\w*|"
    r"adult\w*|child\w*|p(?:a)?ediatric\w*|infant\w*|elder\w*|geriatric\w*|pregnan\w*|nursing|"
    r"breast\w*|lactat\w*|neonat\w*|newborn\w*|adolescen\w*|women|men|female\w*|male\w*|renal|hepatic|kidney|"
    r"liver|ni[ñn][oa]s?|lactan\w*|ancian\w*|embaraz\w*|mujer\w*|hombre\w*|pedi[aá]tric\w*|"
    r"two|three|four|five|six|twice|once|dos|tres|cuatro|cinco|ni|ning[uú]n\w*|tampoco|none|nor|"
    r"half|initial\w*|active|acute|chronic|act?iv[oa]s?|agud[oa]s?|cr[oó]nic[oa]s?|but|pero|while|"
    r"oral\w*|intra\w*|subcut\w*|topical\w*|daily|lack|fail\w*|discontinu\w*|stop\w*|suspend\w*)\b",
    re.IGNORECASE,
)
_CONVERSIONS = {
    "mg": ("g", Fraction(1, 1000)),
    "g": ("mg", Fraction(1000)),
    "mcg": ("mg", Fraction(1, 1000)),
    "kg": ("g", Fraction(1000)),
    "mL": ("L", Fraction(1, 1000)),
    "ml": ("l", Fraction(1, 1000)),
    "weeks": ("days", Fraction(7)),
    "semanas": ("días", Fraction(7)),
    "hours": ("minutes", Fraction(60)),
    "horas": ("minutos", Fraction(60)),
}
_AMOUNT = re.compile(
    r"(?<![\d.,/\-–−] )(?<![\d.,/\-–−])\b(\d+(?:[.,]\d{1,2})?) "
    r"(mg|g|mcg|kg|mL|ml|weeks|semanas|hours|horas)"
    r"\b(?![/\-–²\^])(?! ?(?:/|per\b|to\b|a\b|-|–|por\b|al\b|and\b|or\b|o\b|y\b|older\b))"
)
_ENDS_RANGE = re.compile(r"(?:\b(?:to|a|y|e|o|or|and|hasta|through)|[-–−/x]) ?$")
_SYNONYMS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        (r"\borally\b", "by mouth"),
        (r"\bby mouth\b", "orally"),
        (r"\bintravenously\b", "IV"),
        (r"\bsubcutaneously\b", "SC"),
        (r"\btwice daily\b", "two times a day"),
        (r"\btwice a day\b", "2 times daily"),
        (r"\bonce daily\b", "once a day"),
        (r"\bonce a day\b", "one time per day"),
        (r"\bthree times (?:a day|daily)\b", "3 times per day"),
        (r"\bfour times (?:a day|daily)\b", "4 times per day"),
        (r"\bevery (\d+) hours\b", r"each \1 h"),
        (r"\bper day\b", "a day"),
        (r"\bmg/day\b", "mg a day"),
        (r"\bmg/kg/day\b", "mg per kg per day"),
        (r"\bat least (?=\d)", "no less than "),
        (r"\bweekly\b", "every week"),
    ),
    "es": (
        (r"\bpor vía oral\b", "por boca"),
        (r"\bpor vía subcutánea\b", "por vía SC"),
        (r"\bvía intravenosa\b", "vía IV"),
        (r"\buna vez al día\b", "1 vez al día"),
        (r"\bdos veces al día\b", "2 veces por día"),
        (r"\btres veces al día\b", "3 veces diarias"),
        (r"\bcada (\d+) horas\b", r"cada \1 h"),
        (r"\bmg/día\b", "mg al día"),
        (r"\bmg al día\b", "mg diarios"),
        (r"\bcada dos semanas\b", "cada 2 semanas"),
        (r"\bmenos de (?=\d)", "menor de "),
        (r"\bdos\b", "2"),
        (r"\bsemanal\b", "cada semana"),
    ),
}
_POPULATION = re.compile(
    r",? ((?:in|for|en|para) (?:adults|children|elderly patients|geriatric patients|"
    r"pediatric patients|"
    r"pregnant women|nursing mothers|adolescents|adultos|niños|adolescentes|ancianos|"
    r"pacientes adultos|pacientes pediátricos|mujeres embarazadas|lactantes|"
    r"pacientes de edad avanzada))"
    r"(?=[.,])"
)
_BULLETS = "•●∘▪◦■*-–—· "
_ANY_POPULATION = re.compile(
    r"\b(adult\w*|child\w*|p?a?ediatric|elderly|geriatric|pregnan\w*|nursing|adolescen\w*|ni[ñn]\w*|"
    r"ancian\w*|pedi[aá]tric\w*|embaraz\w*|lactan\w*|infant\w*|women|mujeres|neonat\w*|years?|años|renal|hepatic\w*)\b",
    re.IGNORECASE,
)


def _extracted(text: str, language: Language, title: str) -> Iterator[str]:
    yield text


def _named(text: str, language: Language, title: str) -> Iterator[str]:
    name = re.match(r"[^\d(·]*", title)
    if name and name[0].strip() and not re.search(r"\b(?:this|these|est[eao]s?)\b", text, re.I):
        yield f"{name[0].strip(' -/·,')}: {text.lstrip(_BULLETS)}"


def _shortened(text: str, language: Language, title: str) -> Iterator[str]:
    """Without its last clause, or without what stands in parentheses."""
    head, _, tail = text.rstrip(".").rpartition(", ")
    if len(head) >= 30 and tail and not _CARRIES_MEANING.search(tail) and not _open(head):
        yield f"{head}."
    without = re.sub(
        r" \(([^()]*)\)(?=[\s.,;])", lambda m: m[0] if _CARRIES_MEANING.search(m[1]) else "", text
    )
    if without != text:
        yield without


def _open(head: str) -> bool:
    return head.count("(") != head.count(")")


def _converted(text: str, language: Language, title: str) -> Iterator[str]:
    for match in _AMOUNT.finditer(text):
        if _ENDS_RANGE.search(text[: match.start()]):
            continue
        unit, factor = _CONVERSIONS[match[2]]
        value = float(Fraction(match[1].replace(",", ".")) * factor)
        written = f"{value:.6f}".rstrip("0").rstrip(".")
        if len(written.partition(".")[2]) == 3 and not written.startswith("0"):
            continue
        if language == "es":
            written = written.replace(".", ",")
        yield f"{text[: match.start()]}{written} {unit}{text[match.end() :]}"


def _other_mark(text: str, language: Language, title: str) -> Iterator[str]:
    """Decimals with the other mark or one more zero, thousands without theirs."""
    mark, other = (".", ",") if language == "en" else (",", ".")
    decimal = re.compile(
        rf"(?<![\d.,/])(\d+)\{mark}(\d{{1,2}})(?= ?(?:mg|g|mL|ml|%|mcg|hours|horas)\b)"
    )
    if decimal.search(text):
        yield decimal.sub(rf"\1{other}\2", text, count=1)
        yield decimal.sub(rf"\1{mark}\g<2>0", text, count=1) if decimal.search(text) else text
    thousands = re.compile(rf"(?<![\d.,])([1-9]\d{{0,2}})\{other}(\d{{3}})(?![\d.,])")
    if thousands.search(text):
        yield thousands.sub(r"\1\2", text)


def _synonyms(text: str, language: Language, title: str) -> Iterator[str]:
    for pattern, other in _SYNONYMS[language]:
        changed = re.sub(pattern, other, text)
        if changed != text:
            yield changed


def _reordered(text: str, language: Language, title: str) -> Iterator[str]:
    """The only population of the sentence named first."""
    text = text.lstrip(_BULLETS)
    match = _POPULATION.search(text)
    if match and len(_ANY_POPULATION.findall(text)) == 1 and ":" not in text[: match.start()]:
        rest = text[: match.start()] + text[match.end() :]
        yield f"{match[1].capitalize()}, {rest[0].lower()}{rest[1:]}"


CHANGES: dict[str, Callable[[str, Language, str], Iterator[str]]] = {
    "extracted": _extracted,
    "name in front": _named,
    "clause left out": _shortened,
    "unit converted": _converted,
    "decimal mark": _other_mark,
    "synonym": _synonyms,
    "population first": _reordered,
}
