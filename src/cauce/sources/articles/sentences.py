"""Sentences of scientific prose in English and Spanish, found by rules.

A full stop ends a sentence unless it belongs to an abbreviation (`et al.`, `Fig.`, `p. ej.`), an
initial or a number. A citation mark behind a full stop (`disease.[4] The`, a raised number) goes
with the sentence before; one that opens a sentence (`[4] showed that`) with the sentence after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cauce.records import Span

LONGEST_ASIDE = 400
"""Characters between brackets that are taken for an aside, which no sentence is cut within."""

_MARK, _NAMING = "\ue000", "\ue001"
"""Stand for each character of a mark; the second where the mark names who did something."""

_STOP = re.compile(
    rf"(?P<sign>[.!?…]+)(?P<closing>[\"”’'»)\]]*)(?P<marks>\s?{_MARK}+[\"”’»)\]]*)?"
    r"(?=\s+(?P<next>\S)|\s*$)"
)
_ASIDE = re.compile(rf"\([^()]{{0,{LONGEST_ASIDE}}}\)|\[[^\[\]]{{0,{LONGEST_ASIDE}}}\]")
_WORD_BEFORE = re.compile(r"[^\s(\[{“\"'«/¿¡]+$")
_ONE_INITIAL = re.compile(r"[A-ZÀ-Þ]\.")
_LOWER_CASE_NAME = re.compile(r"[a-z]{1,3}[A-Z\d]|[α-ω]")
_OPENING = "\"“‘'«([¿¡"
_LONGEST_ABBREVIATION = 24


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_LAST = _words(
    "fig figs eq eqs eqn eqns ref refs e.g i.e eg ie cf vs viz ca approx tab tabs dr drs prof mr "
    "mrs ms st mt p pp var subsp ssp f.sp suppl supp suppls dept univ chap sect pág págs núm nº ec "
    "ecs p.ej ej aprox sr sra dra ud uds ee véase incl excl ave resp lám subg ser"
)
"""Abbreviations that a sentence does not end in, in lower case."""

_SELDOM_LAST = _words(
    "al etc sp spp inc ltd co corp jr sr ed eds col cols uu jan feb mar apr jun jul aug sep sept "
    "oct nov dec lt"
)
"""Those that end one only before a word that opens sentences."""

_BEFORE_NUMBERS = _words("no nos v ver vers art arts sec vol vols cap caps ch pt pts lib arch")
"""Words that are abbreviations only before a number."""

_OPENERS = _words(
    "The This These Those That An In We Our It Its However Moreover Furthermore Therefore Thus "
    "Here There They Their When Where While Although Though For From To As At By On If Other "
    "Others Such Some Several Both Most Many Each Another First Second Third Finally Similarly "
    "Indeed Since Because After Before During With Within Without No Not All Using Also "
    "Additionally Recently Previous Despite Given Hence Nevertheless Conversely Consequently "
    "Patients "
    "El La Los Las Un Una Unos Unas Este Esta Estos Estas Esto Ese Esa Se En Por Para Con Sin Como "
    "Cuando Aunque Además Asimismo Según Nosotros Nuestro Nuestra Nuestros Nuestras Su Sus Al Del "
    "De Otro Otra Otros Otras Así También Entre Tras Desde Sobre Durante Mientras Finalmente Dado"
)
_BEFORE_INITIALS = _words(
    "and by of from with to in y de por con en e del la et und von van der den di du as see thank "
    "that than the a an or between both for like either que el los las o como entre para"
)


def sentence_spans(text: str, marks: Iterable[tuple[int, int]] = ()) -> list[Span]:
    """Where the sentences of a text stand, in order; a line ends with its last one.

    `marks` are the places of citation marks: none is cut, each is within one sentence.
    """
    shielded = _shielded(text, marks)
    spans: list[Span] = []
    start = 0
    for line in shielded.split("\n"):
        spans += _in_line(shielded, start, start + len(line))
        start += len(line) + 1
    return spans


def _shielded(text: str, marks: Iterable[tuple[int, int]]) -> str:
    pieces, done = list[str](), 0
    for start, end in sorted(marks):
        sign = _NAMING if text[start : start + 1].isalpha() else _MARK
        pieces += (text[done:start], sign * (end - max(start, done)))
        done = max(done, end)
    return "".join((*pieces, text[done:]))


def _in_line(text: str, start: int, end: int) -> Iterator[Span]:
    asides: list[tuple[int, int]] | None = None
    for stop in _STOP.finditer(text, start, end):
        place = _end_of_sentence(text, stop, start)
        if place is None or place >= end:
            continue
        if asides is None:
            asides = [found.span() for found in _ASIDE.finditer(text, start, end)]
        if any(first < stop.start() and place < last for first, last in asides):
            continue
        yield from _trimmed(text, start, place)
        start = place
    yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    whole = text[start:end]
    inner = whole.strip()
    if inner:
        first = start + whole.index(inner)
        yield Span(first, first + len(inner))


def _end_of_sentence(text: str, stop: re.Match[str], start: int) -> int | None:
    """Where the sentence ends that a stop may end; None where it goes on."""
    if stop["next"] is None:
        return None
    following = stop.start("next")
    if _is_abbreviated(text, stop, start):
        return None
    if stop["marks"] and stop["marks"][0].isspace() and text[following].islower():
        return stop.start("marks")
    if text[following] == _MARK:
        after = text[following:].lstrip(_MARK)
        return stop.end() if re.match(r"\s+[^\W\d_A-ZÀ-Þ]", after) else None
    return stop.end() if _may_open(text, following) else None


def _may_open(text: str, place: int) -> bool:
    """True where a sentence may begin."""
    while text[place : place + 1] in _OPENING and place < len(text):
        place += 1
    first = text[place : place + 1]
    if first.isupper() or first.isdigit() or first in (_NAMING, _MARK):
        return True
    return bool(_LOWER_CASE_NAME.match(text, place))


def _is_abbreviated(text: str, stop: re.Match[str], start: int) -> bool:
    """True of a full stop that belongs to the word before it and ends no sentence."""
    if stop["sign"] != "." or stop["closing"]:
        return False
    place = stop.start()
    before = _WORD_BEFORE.search(text, max(start, place - _LONGEST_ABBREVIATION), place)
    if before is None:
        return False
    word, lower = before[0], before[0].lower()
    following = text[stop.start("next") : stop.start("next") + 24]
    if lower in _NEVER_LAST:
        return True
    if lower in _BEFORE_NUMBERS:
        return following[0].isdigit()
    if word.isdigit():
        return len(word) < 3 and before.start() == start + _blanks(text, start)
    seldom = lower in _SELDOM_LAST or ("." in word and _is_dotted(word))
    if _ONE_INITIAL.fullmatch(f"{word}.") and _ONE_INITIAL.match(following):
        return True
    if seldom or _is_initial(text, word, before.start()):
        return following.split(None, 1)[0].rstrip(",.;:") not in _OPENERS
    return False


def _blanks(text: str, start: int) -> int:
    return len(text[start:]) - len(text[start:].lstrip())


def _is_dotted(word: str) -> bool:
    """`U.S`, `Ph.D`, `J.-P`: letters with full stops between them."""
    return all(len(part.strip("-")) <= 2 and part.strip("-").isalpha() for part in word.split("."))


def _is_initial(text: str, word: str, start: int) -> bool:
    """True of one capital that is somebody's, not the last word of `hepatitis B`."""
    if len(word) != 1 or not word.isupper():
        return False
    before = text[max(0, start - 40) : start].split()
    return not before or not before[-1].islower() or before[-1] in _BEFORE_INITIALS
