"""Where personal data stand in a text, and the text without them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from cauce.safety.language import spoken_language
from cauce.safety.personal.features import Token, holds, rows_of, tokens_of
from cauce.safety.personal.rules import by_rules
from cauce.safety.personal.spans import CLINICAL, OLDEST_YEARS, Kind, PersonalSpan
from cauce.safety.personal.tagger import OUTSIDE, Tagger

EAGERNESS = 0.5
"""In nats: by how much the tagger prefers to mask. Chosen on the development texts, 2026-11."""
LEAST_CERTAINTY = 0.55
"""What the tagger is less sure of is left in the text. Chosen with `EAGERNESS`."""
_LINE = re.compile(r"[^\n]+")
_NEARLY_SURE = 0.95
_ADDRESSED = re.compile(
    r"\W*(?:domicilio|direcci[óo]n|adre[çs]|address|remitido|responsable)", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+")
_UNIT = re.compile(r"\s?(?:[mµμ]?g|mcg|m?l|UI|IU|U|mmol|mEq|kcal)(?!\w)", re.IGNORECASE)
_SPELT_AGE = re.compile(r"\b(?:noventa|noranta|ninety|cien|cent|hundred)", re.IGNORECASE)
_CERTAIN, _LIKELY = 0.9, 0.8
"""From the first on a rule holds against the tagger; from the second, where that is silent."""


def find(text: str) -> tuple[PersonalSpan, ...]:
    """The personal data of a text, in order; no two overlap.

    >>> [text[it.start : it.end] for text in ("Mi DNI es 12345678Z",) for it in find(text)]
    ['12345678Z']
    """
    found: list[PersonalSpan] = []
    ruled = list(by_rules(text))
    for line in _LINE.finditer(text):
        known = [
            it._replace(start=it.start - line.start(), end=it.end - line.start())
            for it in ruled
            if line.start() <= it.start < line.end()
        ]
        found += (
            it._replace(start=it.start + line.start(), end=it.end + line.start())
            for it in _of_line(line[0], known)
        )
    return tuple(found)


def mask(text: str) -> str:
    """The text with `[NOMBRE]`, `[TELÉFONO]`... where somebody is told; what is clinical stays.

    >>> mask("Soy Ana Gil, correo ana@gil.es, y tomo 1 g de paracetamol")
    'Soy [NOMBRE], correo [CORREO], y tomo 1 g de paracetamol'
    """
    parts, at = [], 0
    for span in find(text):
        if tells_who(text, span):
            parts += [text[at : span.start], f"[{span.kind}]"]
            at = span.end
    return "".join([*parts, text[at:]])


def tells_who(text: str, span: PersonalSpan) -> bool:
    """Whether a span found in `text` is masked: all but clinical kinds and ages up to 89."""
    if span.kind == "EDAD":
        age = text[span.start : span.end]
        written = any(int(number) > OLDEST_YEARS for number in _NUMBER.findall(age))
        return written or _SPELT_AGE.search(age) is not None
    return span.kind not in CLINICAL


def _of_line(line: str, known: Sequence[PersonalSpan]) -> list[PersonalSpan]:
    tagger = Tagger.load()
    tokens = tokens_of(line)
    if not tokens:
        return []
    tagged = tagger.tag(rows_of(tokens, known, rows=tagger.rows), eagerness=EAGERNESS)
    learnt = [
        span
        for span in _spans(tokens, tagged.labels, tagged.certainties)
        if span.certainty >= LEAST_CERTAINTY and _is_likely(line, span)
    ]
    ruled = sorted(known, key=lambda it: (-it.certainty, it.start - it.end))
    likely = [it for it in ruled if _LIKELY <= it.certainty < _CERTAIN]
    return _without_overlaps([*(it for it in ruled if it.certainty >= _CERTAIN), *learnt, *likely])


def _is_likely(line: str, span: PersonalSpan) -> bool:
    """False for addresses without street or label, for amounts with a unit, and for English titles.

    These have capitals as names have: of what is on no list only what the tagger is nearly sure of
    is a name there.
    """
    words = line[span.start : span.end]
    if span.kind == "FECHA":
        return not (words.isdigit() and _UNIT.match(line, span.end))
    if span.kind == "DIRECCIÓN":
        return holds("street", words) or _ADDRESSED.match(line) is not None
    if span.kind == "NOMBRE" and spoken_language(line) == "en":
        return span.certainty >= _NEARLY_SURE or holds("given", words) or holds("surname", words)
    return True


def _spans(
    tokens: Sequence[Token], labels: Sequence[str], certainties: Sequence[float]
) -> Iterator[PersonalSpan]:
    """Runs of tokens of one kind; a span is as certain as its tokens are on average."""
    first = 0
    for place in range(1, len(tokens) + 1):
        if place < len(tokens) and labels[place][0] == "I" and labels[first] != OUTSIDE:
            continue
        if labels[first] != OUTSIDE:
            sure = sum(certainties[first:place]) / (place - first)
            kind = cast(Kind, labels[first].partition("-")[2])
            yield PersonalSpan(tokens[first].start, tokens[place - 1].end, kind, round(sure, 3))
        first = place


def _without_overlaps(spans: Iterable[PersonalSpan]) -> list[PersonalSpan]:
    """Those that none before them overlaps, in the order of the text."""
    kept: list[PersonalSpan] = []
    for span in spans:
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)
