"""The words of a printed reference and what stands between them.

Punctuation is no word: it is kept in the gaps, where it tells fields apart. Letters and digits are
words of their own (`D71` is two), and so are a whole DOI and a whole address.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = re.compile(
    r"https?\s?:\s?//\S*[\w/]|www\.\S*[\w/]|\b10\.\d{4,9}/\S*\w|[^\W\d_]+|\d+",
    re.IGNORECASE,
)
_SAME = str.maketrans(
    dict.fromkeys("“”„«»‟〈〉《》「」", '"')
    | dict.fromkeys("‘’‚`´", "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
    | {"[": "(", "]": ")", "，": ",", "。": ".", "．": ".", "：": ":", "（": "(", "）": ")"}
)


class Word(NamedTuple):
    """A word of a reference, its place in characters, and the gaps around it."""

    text: str
    start: int
    end: int
    before: str
    """What stands between the word before and this one: spelled one way, spaces as `_`."""
    after: str


def words_of(raw: str) -> list[Word]:
    """The words of a reference, in order; empty where there is none."""
    found = list(_WORD.finditer(raw))
    edges = [0, *(match.end() for match in found)]
    starts = [*(match.start() for match in found), len(raw)]
    gaps = [_spelled(raw[edge:start]) for edge, start in zip(edges, starts, strict=True)]
    return [
        Word(match[0], match.start(), match.end(), before, after)
        for match, before, after in zip(found, gaps[:-1], gaps[1:], strict=True)
    ]


def soft(text: str) -> str:
    """A text without its punctuation, case and spaces: how fields are compared.

    The soft matching of GROBID's end-to-end evaluation.
    """
    return "".join(filter(str.isalnum, text)).casefold()


def _spelled(gap: str) -> str:
    spelled = re.sub(r"\s+", "_", gap.translate(_SAME)).replace("''", '"')
    return re.sub(r"_(?=[.,;:)])", "", spelled)
