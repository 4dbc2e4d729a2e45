"""Which kind of section a question asks for, by weights learnt from questions that people wrote.

A multinomial logistic regression over what stands in a question: its words, their stems and pairs,
pieces of words, groups of words that mean alike, and the cues of `cauce.assistant.cues`. Features
are hashed into a table of small integers, so that reading one needs neither numpy nor torch.
`scripts/make_router.py` makes the table.
"""

from __future__ import annotations

import array
import functools
import importlib.resources
import itertools
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence

from cauce.assistant.cues import CUES, NAMED, NO_SECTION
from cauce.knowledge.words import fold, is_common_word, stem

KINDS = (
    *("use", "dose", "side_effects", "contraindications", "interactions", "pregnancy"),
    *("driving", "overdose", "storage", "composition", "warnings", "children", "elderly"),
    *("mechanism", "dependence", "none"),
)
"""What a question may ask for; `none`: nothing that a medicine's text tells."""

ROWS = 1 << 14
"""Rows of the table of weights: two features of one row share their weights."""

MEDICINE = "xx"
"""Stands for the name of any medicine, so that none tells a kind."""

SCALES = {
    **{"bias": 0.5, "word": 1.0, "stem": 1.0, "pair": 0.7, "piece": 0.3},
    **{"cue": 0.5, "group": 1.5, "groups": 0.4},
}
"""How much a feature of each family weighs before anything is learnt."""

_TOKEN = re.compile(r"[^\W\d_]\w*|\d+|[?+%]")
_SALT = re.compile(
    r"sodi(?:um|co|ca)|calci(?:um|co|ca)|potas(?:sium|ico|ica)|magnesi(?:um|co|ca)|\w+chlorides?"
    r"|h(?:ydro|idro)?clor\w+|acetate|acetato|tartrate|tartrato|ma?leate|ma?leato|besylate|besilato"
    r"|mesylate|mesilato|sulfate|sulfato|phosphate|fosfato|succinate|succinato|fumarate|fumarato"
    r"|citrate|citrato|bromide|bromuro|propionate|propionato|medoxomil|dipropionat[eo]|oxalat[eo]"
)
"""What follows a medicine's name and is part of it."""
_CUES = tuple((kind, re.compile(rf"\b(?:{cues})")) for kind, cues in CUES)
_NAMED = tuple((kind, re.compile(rf"\b(?:{cues})")) for kind, cues in NAMED.items())
_NO_SECTION = re.compile(rf"\b(?:{NO_SECTION})")


def blanked(question: str, named: Sequence[str] = ()) -> str:
    """The folded question, with `MEDICINE` where one of the folded names in `named` stands.

    >>> blanked("Does Oral Contraceptives raise the blood pressure?", ["oral contraceptives"])
    'does xx raise the blood pressure?'
    """
    folded = fold(question)
    for name in sorted(filter(None, map(fold, named)), key=len, reverse=True):
        folded = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", MEDICINE, folded)
    return folded


def probabilities(folded: str) -> dict[str, float]:
    """How likely a question, as `blanked` gives it, asks for each of `KINDS`; they sum to one."""
    rows = features(folded)
    length = math.sqrt(sum(weight * weight for weight in rows.values()))
    weights, unit = _weights()
    width = len(KINDS)
    scores = [0.0] * width
    for row, weight in rows.items():
        for column, value in enumerate(weights[row * width : (row + 1) * width]):
            scores[column] += weight * value
    highest = max(scores)
    raised = [math.exp((score - highest) * unit / length) for score in scores]
    total = sum(raised)
    return {kind: value / total for kind, value in zip(KINDS, raised, strict=True)}


def features(folded: str) -> dict[int, float]:
    """The rows of the table that a question touches, each with its weight."""
    found: dict[int, float] = {}
    for family, names in _families(folded):
        for name in sorted(names):
            row = zlib.crc32(f"{family} {name}".encode()) % ROWS
            found[row] = found.get(row, 0.0) + SCALES[family]
    return found


def _families(folded: str) -> Iterator[tuple[str, set[str]]]:
    tokens = _tokens(folded)
    stems = ["^", *(stem(token) if token.isalpha() else token for token in tokens), "$"]
    groups = _groups_in(tokens)
    yield "bias", {""}
    yield "word", set(tokens)
    yield "stem", set(stems[1:-1])
    yield "pair", {f"{first} {second}" for first, second in itertools.pairwise(stems)}
    yield "piece", {piece for token in set(tokens) for piece in _pieces(token)}
    yield "cue", set(_cues_in(folded))
    yield "group", groups
    yield (
        "groups",
        {f"{one} {other}" for one, other in itertools.combinations(sorted(groups), 2)},
    )


def _tokens(folded: str) -> list[str]:
    """Words, `#` for a number, `MEDICINE` for a medicine, and the signs that tell something."""
    names = _medicines()
    found = ("#" if token.isdigit() else token for token in _TOKEN.findall(folded))
    named = [MEDICINE if token in names else token for token in found]
    before = ["", *named]
    return [
        token
        for last, token in zip(before, named, strict=False)
        if last != MEDICINE or not (token == MEDICINE or _SALT.fullmatch(token))
    ]


@functools.lru_cache(4096)
def _pieces(token: str) -> frozenset[str]:
    """Runs of three to five letters of a longer word, with its ends marked."""
    if len(token) < 4:
        return frozenset()
    marked = f"<{token}>"
    return frozenset(
        marked[start : start + size]
        for size in (3, 4, 5)
        for start in range(len(marked) - size + 1)
    )


def _cues_in(folded: str) -> Iterator[str]:
    told = [(place, kind) for place, (kind, cue) in enumerate(_CUES) if cue.search(folded)]
    for place, kind in told:
        yield f"{place}"
        yield kind
    yield f"first {told[0][1]}" if told else "no cue"
    yield from (f"named {kind}" for kind, cue in _NAMED if cue.search(folded))
    if _NO_SECTION.search(folded):
        yield "no section"


def _groups_in(tokens: Sequence[str]) -> set[str]:
    """The groups of `data/router/words.txt` that the words belong to."""
    _, pairs = _word_groups()
    found = {group for token in tokens for group in _groups_of(token)}
    for first, second in itertools.pairwise(tokens):
        for beginning, ending, group in pairs.get(first[:3], ()):
            if _is_like(first, beginning) and _is_like(second, ending):
                found.add(group)
    return found | ({MEDICINE} if MEDICINE in tokens else set())


@functools.lru_cache(4096)
def _groups_of(token: str) -> frozenset[str]:
    words, _ = _word_groups()
    starts = (f"{token[:length]}*" for length in range(2, len(token) + 1))
    return frozenset(group for form in (token, *starts) for group in words.get(form, ()))


def _is_like(token: str, form: str) -> bool:
    return token.startswith(form[:-1]) if form.endswith("*") else token == form


@functools.cache
def _word_groups() -> tuple[Mapping[str, set[str]], Mapping[str, list[tuple[str, str, str]]]]:
    """Groups of each form of a word, and pairs of forms by the first three letters."""
    words: dict[str, set[str]] = {}
    pairs: dict[str, list[tuple[str, str, str]]] = {}
    for line in _data("router/words.txt").decode("ascii").splitlines():
        if line.startswith("#"):
            continue
        group, _, forms = line.partition(": ")
        for form in forms.split():
            first, _, second = form.partition("_")
            if second:
                pairs.setdefault(first.rstrip("*")[:3], []).append((first, second, group))
            else:
                words.setdefault(form, set()).add(group)
    return words, pairs


@functools.cache
def _medicines() -> frozenset[str]:
    """Names in one word, without those that are ordinary words."""
    lines = fold(_data("medicine-names.txt").decode("utf-8")).splitlines()
    names = {name.strip() for line in lines if line[:1] != "#" for name in line.split(";")}
    return frozenset(name for name in names if name.isalpha() and not is_common_word(name))


@functools.cache
def _weights() -> tuple[array.array[int], float]:
    """The table by rows, and what one of its units is worth."""
    header, _, table = _data("router/weights.bin").partition(b"\n")
    return array.array("b", table), float(header.split()[1])


def _data(name: str) -> bytes:
    return (importlib.resources.files("cauce") / "data" / name).read_bytes()
