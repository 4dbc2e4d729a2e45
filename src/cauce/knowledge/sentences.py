"""Sentences of clinical Spanish and English, as spans of the text they stand in."""

from __future__ import annotations

import re

from cauce.records import Span

ABBREVIATIONS = frozenset(
    """
    e.g i.e vs dr dra sr sra fig approx max min no nº núm p.ej ej aprox etc ud uds v.o i.v s.c
    i.m cf al st inc vol pág págs art tel cap
    """.split()  # noqa: SIM905
)
_END = re.compile(r"[.!?…]+[\"')\]»”]*(?=\s)|\n+|(?=\s[•●∘▪◦]\s)")
_WORD_BEFORE = re.compile(r"[^\s(\[]+$")
_LOOK_AROUND = 40


def sentences(text: str) -> list[Span]:
    """Spans of the sentences, in order, without surrounding space; bullets and lines end one too.

    >>> text = "Tome 2.5 mg (p. ej. por la noche). No beba alcohol."
    >>> [span.of(text) for span in sentences(text)]
    ['Tome 2.5 mg (p. ej. por la noche).', 'No beba alcohol.']
    """
    spans: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        if match.group().startswith(".") and not _ends_sentence(text, match):
            continue
        _append(spans, text, start, match.end())
        start = match.end()
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = end - (len(piece) - len(piece.rstrip()))
    if right > left:
        spans.append(Span(left, right))


def _ends_sentence(text: str, stop: re.Match[str]) -> bool:
    """False after an abbreviation, a section number or when the next word goes on in lower case."""
    following = text[stop.end() : stop.end() + _LOOK_AROUND].lstrip()[:1]
    if following.islower():
        return False
    before = _WORD_BEFORE.search(text[max(0, stop.start() - _LOOK_AROUND) : stop.start()])
    word = before.group().lower() if before else ""
    if word in ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return False
    is_heading_number = word.replace(".", "").isdigit() and len(word) <= 4 and following.isupper()
    return not (is_heading_number and _opens_line(text, stop.start() - len(word)))


def _opens_line(text: str, position: int) -> bool:
    """True when only space stands between the line's start and `position`."""
    return not text[text.rfind("\n", 0, position) + 1 : position].strip()


def lead(text: str, limit_chars: int) -> str:
    """The first sentences of `text` that fit in `limit_chars`; empty when the first does not.

    A sentence that announces a list (it ends with a colon) is kept only with the list's first item,
    and a heading, a line without a stop behind a whole sentence, only with what it heads.

    >>> lead("Sirve para el dolor. Baja la fiebre. No cura la infección.", 40)
    'Sirve para el dolor. Baja la fiebre.'
    """
    end = 0
    spans = sentences(text)
    is_whole = False
    for span in spans:
        if span.end - spans[0].start > limit_chars:
            break
        said = span.of(text)
        is_heading = is_whole and not _is_stopped(said) and span.end < spans[-1].end
        if not said.endswith(":") and not is_heading:
            end = span.end
        is_whole = _is_stopped(said)
    return text[spans[0].start : end] if end else ""


def _is_stopped(sentence: str) -> bool:
    return sentence.rstrip("\"')]»” ")[-1:] in {*".!?…"}
