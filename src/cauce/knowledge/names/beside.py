"""What the words beside a name make of it, and whether it is the one that is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cauce.knowledge.names.said import Said
from cauce.knowledge.words import is_common_word
from cauce.sources.substances import SALTS

_EXTENSION_WORDS = (
    "plus hct comp compositum combi complex duo pm cold sinus allergy gripe flu night noche d dm c"
)
EXTENSIONS = frozenset(_EXTENSION_WORDS.split())
"""Words that make of a brand another medicine: `Micardis Plus`, `Advil PM`, `Claritin-D`."""
_ESTERS = (
    "decanoate decanoato enanthate enantato undecanoate undecanoato palmitate palmitato cypionate"
    " cipionato undecylenate caproate caproato mofetil mofetilo alafenamide alafenamida"
    " liposomal liposome liposomes liposomado liposomada liposomas lipid lipidico pegylated"
)
OF_A_SUBSTANCE = frozenset(("hct", "comp", "compositum", "pm", "duo", *_ESTERS.split()))
"""Those that also make of a substance another: mixtures, slow esters, liposomes."""
BEFORE = frozenset(("co", "liposomal", "pegylated", "pegilado", "pegilada", "nab"))
_MIRROR_IMAGES = frozenset(("r", "s", "d", "l", "dl", "rac"))
"""`R-citalopram` is not citalopram."""
_AMOUNT_WORD = re.compile(
    r"\d+|m?c?g|mg|ml|ui|iu|units?|unidades|extended|release|er|xr|sr|la|oral|tablets?|capsules?"
)
_SUFFIX_LETTERS = 4
"""Of the suffix that tells makers of one biologic apart: `trastuzumab-dkst`."""
_JOINED_BY = frozenset("/+&-–|")
_TOGETHER = re.compile(
    r"\b(?:together|between|mix\w*|combin\w*|same time|entre|junt[oa]s?|mezcl\w*|a la vez"
    r"|interac\w*|compar\w*|versus|vs|diferenc\w*|differ\w*)\b"
)
"""Who writes this asks about two medicines, not about one that holds both."""

_TITLE_WORDS = "dr dra doctor doctora mr mrs ms miss sr sra senor senora profesor professor llamo"
_TITLES = frozenset(_TITLE_WORDS.split())

_OF_A_SCALE = frozenset(("class", "score", "grade", "clase", "grado", "ii", "iii", "iv"))


class Place(NamedTuple):
    """Where the words of a name stand."""

    start: int
    stop: int


def is_told_another(said: Said, place: Place, *, is_substance: bool) -> bool:
    """True when the neighbouring words make of the name another medicine.

    `Co-Diovan`, `Advil PM`, `R-citalopram`, `haloperidol decanoate`, `Herceptin Hylecta`.
    """
    words, start, after = said.words, place.start, place.stop
    before = words[start - 1] if start else ""
    if before in BEFORE or (before in _MIRROR_IMAGES and said.is_hyphenated(start)):
        return True
    if after == len(words) or said.is_apart(after):
        return False
    following = words[after]
    if following in OF_A_SUBSTANCE or _is_derived(said, after):
        return True
    return not is_substance and following in EXTENSIONS


def _is_derived(said: Said, after: int) -> bool:
    """True for an unknown word on a hyphen: `morphine-6-glucuronide`."""
    while said.is_hyphenated(after) and said.words[after].isdigit():
        after += 1
    if not said.is_hyphenated(after):
        return False
    word = said.words[after]
    return len(word) > _SUFFIX_LETTERS and not is_common_word(word) and word not in SALTS


def is_no_medicine(said: Said, start: int) -> bool:
    """True for a brand after a title, and an anaesthetist's class: `Dr. Soma`, `ASA III`."""
    if start > 0 and said.words[start - 1] in _TITLES:
        return True
    following = said.words[start + 1 : start + 2]
    return said.words[start] == "asa" and bool(_OF_A_SCALE & {*following})


def is_of_two(folded: str) -> bool:
    """True when the folded text asks about medicines together, or compares them."""
    return _TOGETHER.search(folded) is not None


def stand_as_one(said: Said, one: Place, other: Place, *, is_list: bool = False) -> bool:
    """True when two names stand as those of one mixture: `A/B`, `A + B`, `A 50 mg / B 12.5 mg`.

    `is_list`: a comma between them joins them too.
    """
    between = range(one.stop, other.start)
    if not all(_AMOUNT_WORD.fullmatch(said.words[place]) for place in between):
        return False
    marks = {*_JOINED_BY, ","} if is_list else _JOINED_BY
    gaps = "".join(said.gaps[place] for place in range(one.stop, other.start + 1))
    return all(mark.isspace() or mark in marks or mark == "." for mark in gaps) and (
        "." not in gaps or bool(between)
    )


_ASIDE = re.compile(
    r"(?:\b(?:instead of|rather than|in place of|other than|apart from|en vez de|en lugar de"
    r"|aparte del?|without|sin|not|no|(?:i|we) (?:do not|don.?t|am not|m not)"
    r" (?:take|taking|use|on)|(?:ya )?no (?:tomo|uso|es|quiero)))"
    r"(?: (?:the|el|la|al|del|my|mi|a|about|on|taking))*\W*$"
)
"""Right before a name: it is not the one that is asked about."""
_CORRECTED = re.compile(
    r"\b(?:i mean|i meant|quiero decir|queria decir|quise decir|me referi?a? al?|me refiero al?"
    r"|mejor dicho|scratch that|correction|perdon|sorry)(?: (?:the|el|la))*\W*$"
)
"""Right before a name: those before it were said by mistake."""


def set_aside(said: Said, places: Sequence[Place]) -> set[Place]:
    """The names of the text that are said not to be meant, where another one is.

    >>> from cauce.knowledge.names.said import said
    >>> set_aside(said("not ibuprofen, I mean omeprazole"), [Place(1, 2), Place(4, 5)])
    {Place(start=1, stop=2)}
    """
    if is_of_two(said.folded):
        return set()
    aside: set[Place] = set()
    for number, place in enumerate(places):
        before = _words_before(said, place.start)
        if _CORRECTED.search(before):
            aside |= {*places[:number]}
        if _ASIDE.search(before) and not _is_joined_next(said, place):
            aside.add(place)
    return aside if aside != {*places} else set()


def _words_before(said: Said, start: int) -> str:
    """The six words before a place, without what stands before a full stop."""
    first = max(0, start - 6)
    text = ""
    for place in range(first, start):
        text = "" if any(mark in said.gaps[place] for mark in ".;?!") else text
        text = f"{text} {said.words[place]}"
    ends = start < len(said.words) and any(mark in said.gaps[start] for mark in ".;?!")
    return "" if ends and not _CORRECTED.search(text) else text.strip()


def _is_joined_next(said: Said, place: Place) -> bool:
    """True in `not X with Y`: both are asked about."""
    return said.words[place.stop : place.stop + 1] in (("with",), ("con",))
