"""What the tagger sees of each word of a reference.

The word itself, its shape and the kind of cue that it is; the same of its neighbours; the gaps
around; the run of words between two marks of punctuation that it stands in, and the runs before
and after; and what the whole reference looks like (has quotes, has a year early, holds a run of
words in lower case as titles do). Nothing is learnt here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from cauce.sources.articles.strings.words import Word

_CUES = {
    "month": "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april "
    "june july august september october november december enero febrero marzo abril mayo junio "
    "julio agosto septiembre setiembre octubre noviembre diciembre",
    "editor": "ed eds edited editor editors edition hrsg coord coords editores comp dir dirs",
    "volume": "vol vols volume volumes volumen band bd tomo v 제 권 第 卷 巻",
    "issue": "no nos number num núm número issue iss n nº nr heft suppl supplement 호 期 号 號",
    "pages": "pp p pages page pág págs páginas página seiten s 쪽 면 頁 页",
    "and": "and und y e et",
    "al": "al others otros cols col",
    "in": "in en im dans",
    "meeting": "proceedings proc conference conf symposium workshop congress congreso actas "
    "acm ieee siggraph sigplan lncs",
    "journal": "journal j rev review revista letters lett trans transactions annals ann bull "
    "bulletin magazine acta phys sci science res research int am soc chem med biol anales",
    "house": "publisher publishers publishing verlag springer elsevier wiley books editorial "
    "ediciones kluwer birkhäuser plenum academic prentice hall addison wesley mcgraw hill sage "
    "routledge",
    "school": "university universidad université universität univ institute instituto dept "
    "department departamento laboratory laboratories lab college school facultad center centre",
    "report": "thesis phd dissertation tesis report tech technical master memo manuscript "
    "preprint unpublished submitted appear press personal communication draft",
    "access": "available accessed retrieved url http https www disponible consultado recuperado "
    "online internet visited",
    "name": "jr sr iii ii von van den de di da dos le ben bin mac",
    "of": "of the for a an on to from by with using at del los las el la para por con sobre into "
    "between under des du les zur der die",
    "doi": "doi arxiv pmid pmc isbn issn hep astro gr quant cond math",
}
"""Words that tell what stands around them, by kind; English, Spanish and a little more."""
_CUE = {word: kind for kind, words in _CUES.items() for word in words.split()}
_TOLD = ("meeting", "house", "school", "report", "access", "journal", "month", "editor")
"""Kinds that tell what a whole run is, the surest first."""
_CASELESS = ("CJK", "HANGUL", "HIRAGANA", "KATAKANA")
_QUOTE = re.compile(r"\"|'(?=.)|(?<=.)'")
"""An apostrophe is one only beside a space or other punctuation."""
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_BREAK = re.compile(r"[.,;:()\"]")
_HARD = re.compile(r"[;:()\"]|\._|\.$")


class _Seen(NamedTuple):
    """One word as its neighbours see it."""

    text: str
    shape: str
    cue: str


class _Run(NamedTuple):
    """The words between two marks of punctuation, from `first` up to `end`."""

    first: int
    end: int
    look: str


def features_of(words: Sequence[Word]) -> list[list[str]]:
    """The attributes of each word, in order."""
    seen = [_seen(word.text) for word in words]
    soft_runs = _runs(words, seen, _BREAK)
    hard_runs = _runs(words, seen, _HARD)
    soft, hard = _places(soft_runs), _places(hard_runs)
    whole = _whole(words, seen, soft_runs)
    quoted = _quoted(words)
    years = [place for place, one in enumerate(seen) if one.shape == "YEAR"]
    numbers = [place for place, one in enumerate(seen) if one.shape[0] == "d"]
    rows = []
    for place, word in enumerate(words):
        row = _own(word, seen[place])
        row += _around(place, words, seen)
        row += _run_features("s", place, soft[place], soft_runs)
        row += _run_features("h", place, hard[place], hard_runs)
        row += _place_features(place, len(words), years, quoted[place], whole)
        if place in numbers:
            row += _number_features(numbers.index(place), numbers, words)
        rows.append(row)
    return rows


def _seen(text: str) -> _Seen:
    lower = text.lower()
    shape = _shape(text)
    if shape.startswith("d") or shape == "YEAR":
        return _Seen(lower if len(text) == 1 else shape, shape, "")
    return _Seen("WEB" if shape in ("WEB", "DOI") else lower, shape, _CUE.get(lower, ""))


def _shape(text: str) -> str:
    if text[0].isdigit():
        if text.startswith("10.") and "/" in text:
            return "DOI"
        return "YEAR" if _YEAR.fullmatch(text) else f"d{min(len(text), 6)}"
    if not text.isalpha():
        return "WEB"
    script = "LATIN" if text.isascii() else unicodedata.name(text[0], "?").split()[0]
    if script in _CASELESS:
        return f"{script[:2]}{min(len(text), 5)}"
    if text.islower():
        return "x" if len(text) == 1 else "xx"
    if text.isupper():
        return "X" * min(len(text), 4)
    return "Xx" if text[1:].islower() else "xXx"


def _own(word: Word, seen: _Seen) -> list[str]:
    lower, length = seen.text, len(word.text)
    row = ["b", f"w={lower}", f"o={seen.shape}", f"c={seen.cue}"]
    row += [f"g-={word.before}", f"g+={word.after}", f"g={word.before}|{word.after}"]
    row += [f"{seen.shape}|{word.before}", f"{seen.shape}+{word.after}"]
    if seen.shape[:2] in ("HA", "CJ", "HI", "KA"):
        row += [f"e={lower[-1]}", f"e2={lower[-2:]}", f"p={lower[0]}"]
    elif seen.shape[0] in "xX" and length > 3:
        row += [f"p={lower[:3]}", f"e={lower[-3:]}", f"e2={lower[-2:]}", f"p4={lower[:4]}"]
    return row


def _around(place: int, words: Sequence[Word], seen: Sequence[_Seen]) -> list[str]:
    row = []
    for step in (-3, -2, -1, 1, 2, 3):
        there = place + step
        if not 0 <= there < len(words):
            row.append(f"{step}end")
            continue
        other = seen[there]
        gap = words[there].before if step < 0 else words[there].after
        row += [f"{step}o={other.shape}", f"{step}g={gap}"]
        if other.cue:
            row.append(f"{step}c={other.cue}")
        if abs(step) < 3:
            row.append(f"{step}w={other.text}")
    before = seen[place - 1] if place else _Seen("", "^", "")
    after = seen[place + 1] if place + 1 < len(seen) else _Seen("", "$", "")
    here = seen[place]
    row.append(
        f"oo={before.shape}{words[place].before}{here.shape}{words[place].after}{after.shape}"
    )
    row.append(f"ww-={before.text}{words[place].before}{here.text}")
    row.append(f"ww+={here.text}{words[place].after}{after.text}")
    return row


def _runs(words: Sequence[Word], seen: Sequence[_Seen], mark: re.Pattern[str]) -> list[_Run]:
    """The runs that the marks leave; a full stop after an initial or inside a name is no mark."""
    starts = [0]
    for place in range(1, len(words)):
        gap = words[place].before
        is_initial = gap.startswith(".") and seen[place - 1].shape in ("X", "x")
        if mark.search(gap) and not is_initial:
            starts.append(place)
    ends = [*starts[1:], len(words)]
    return [
        _Run(start, end, _look(seen[start:end]))
        for start, end in zip(starts, ends, strict=True)
        if end > start
    ]


def _look(run: Sequence[_Seen]) -> str:
    """What a run is made of: how long, how much in lower case, initials, digits, cues."""
    lower = sum(one.shape == "xx" for one in run)
    initials = sum(one.shape in ("X", "XX") for one in run)
    digits = sum(one.shape[0] in "dY" for one in run)
    share = (3 * lower) // len(run)
    cues = {one.cue for one in run}
    cue = next((kind for kind in _TOLD if kind in cues), "")
    return f"{_size(len(run))}{share}{'i' if initials else ''}{'d' if digits else ''}{cue}"


def _size(count: int) -> int:
    return count if count < 4 else 4 if count < 6 else 6 if count < 10 else 10


def _places(runs: Sequence[_Run]) -> list[int]:
    """The run of each word."""
    return [number for number, run in enumerate(runs) for _ in range(run.first, run.end)]


def _run_features(name: str, place: int, number: int, runs: Sequence[_Run]) -> list[str]:
    run = runs[number]
    before = runs[number - 1].look if number else "^"
    after = runs[number + 1].look if number + 1 < len(runs) else "$"
    return [
        f"{name}={run.look}",
        f"{name}-={before}",
        f"{name}+={after}",
        f"{name}n={min(number, 8)}",
        f"{name}z={min(len(runs) - number, 6)}",
        f"{name}i={min(place - run.first, 3)}{run.look}",
        f"{name}-={before}|{run.look}",
        f"{name}+={run.look}|{after}",
    ]


def _whole(words: Sequence[Word], seen: Sequence[_Seen], runs: Sequence[_Run]) -> str:
    """The look of the reference: quotes, a long run in lower case, a year early, how long."""
    quotes = any(_QUOTE.search(word.before) for word in words)
    longest = current = 0
    for one in seen:
        current = current + 1 if one.shape == "xx" else 0
        longest = max(longest, current)
    early = any(one.shape == "YEAR" for one in seen[: len(seen) // 2])
    length = "s" if len(seen) < 10 else "m" if len(seen) < 18 else "l"
    numbers = sum(one.shape[0] == "d" for one in seen)
    return (
        f"{'q' if quotes else ''}{min(longest, 3)}{'y' if early else ''}{length}{min(numbers, 4)}"
    )


def _quoted(words: Sequence[Word]) -> list[bool]:
    """Whether each word stands between an opening quote and a closing one."""
    inside, found = False, []
    for word in words:
        inside ^= len(_QUOTE.findall(word.before)) % 2 == 1
        found.append(inside)
    return found


def _place_features(
    place: int, count: int, years: Sequence[int], quoted: bool, whole: str
) -> list[str]:
    tenth = 10 * place // count
    from_year = min(max(place - years[0], -6), 6) if years else 9
    row = [f"t={tenth}", f"y={from_year}", f"R={whole}", f"Rt={whole}{tenth}"]
    row.append(f"fl={min(place, 6)}")
    row.append(f"fz={min(count - place, 6)}")
    if quoted:
        row.append("q")
    return row


def _number_features(rank: int, numbers: Sequence[int], words: Sequence[Word]) -> list[str]:
    """Which of the numbers of the reference this one is, and how far the next ones stand."""
    here = numbers[rank]
    row = [f"N={min(rank, 5)}/{min(len(numbers), 6)}", f"Nz={min(len(numbers) - rank, 5)}"]
    if rank + 1 < len(numbers):
        there = numbers[rank + 1]
        row.append(f"N+={min(there - here, 4)}{words[here].after}{len(words[there].text)}")
    if rank:
        there = numbers[rank - 1]
        row.append(f"N-={min(here - there, 4)}{words[here].before}{len(words[there].text)}")
    return row
