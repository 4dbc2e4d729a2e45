"""Names as people get them wrong, drawn with a seed: typos, texts between two names, inventions."""

from __future__ import annotations

import random
import string
from collections.abc import Container, Iterator, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from cauce.knowledge.words import is_common_word
from cauce.sources.substances import substance_group

LETTERS = string.ascii_lowercase
_STARTS = "bla cor dri fen glo hul jax kel lum mor nix pol quo rav sten tur vex xylo yor zan"
_MIDDLES = "ba ce di fo gu ki la me no pra ri so ta vu xa zo bel cor dra fle"
_ENDS = "azol mab tinib pril sartan vir olol prida zumab nex vant rex dol tix gen cept"
STARTS, MIDDLES, ENDS = _STARTS.split(), _MIDDLES.split(), _ENDS.split()
TRIES = 200


def one_typo(word: str, draw: random.Random) -> str:
    """`word` with one letter left out, doubled or added, replaced, or swapped with the next."""
    place = draw.randrange(len(word))
    match draw.randrange(4):
        case 0:
            return word[:place] + word[place + 1 :]
        case 1:
            return word[:place] + draw.choice(LETTERS) + word[place:]
        case 2:
            return word[:place] + draw.choice(LETTERS) + word[place + 1 :]
        case _:
            place = min(place, len(word) - 2)
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def misspelled(word: str, typos: int, draw: random.Random) -> str:
    """`word` with so many typos at random places, never fewer."""
    for _ in range(TRIES):
        text = word
        for _ in range(typos):
            text = one_typo(text, draw)
        if OSA.distance(text, word) == typos:
            return text
    return word


def between(one: str, other: str, names: Container[str], draw: random.Random) -> str:
    """A text that is no name or word and within two letters of both; empty when there is none."""
    spelled = {substance_group([one]), substance_group([other])}
    for _ in range(TRIES):
        text = one_typo(one, draw)
        near = OSA.distance(text, other) <= 2 and OSA.distance(text, one) <= 2
        if (
            near
            and not is_common_word(text)
            and text not in names
            and substance_group([text]) not in spelled
        ):
            return text
    return ""


def invented(count: int, known: Sequence[str], draw: random.Random) -> Iterator[str]:
    """Names of no medicine: further than two letters from every known one."""
    given: set[str] = set()
    while len(given) < count:
        middle = "".join(draw.choices(MIDDLES, k=draw.randint(0, 2)))
        name = draw.choice(STARTS) + middle + draw.choice(ENDS)
        near = process.extractOne(name, known, scorer=OSA.distance, score_cutoff=2)
        if near is None and name not in given and len(name) > 5:
            given.add(name)
            yield name
