"""The codes of medicines that a text holds: NDC, set_id, código nacional, registration, ATC."""

from __future__ import annotations

import re
from typing import NamedTuple

_SCHEME = r"(?:ndc|cn|c\.n\.|atc|unii|rxcui|rxnorm|set.?id|n?registro|registration|nacional)"
_ANNOUNCED = re.compile(
    rf"(?:\b{_SCHEME}\b|\bn[.º°]{{1,3}})\W{{0,6}}"
    r"(?:(?:n[uú]mero|number|code|c[oó]digo|de|n[.º°]{0,3})\W{1,6}){0,4}"
    r"((?=[\w.\-/]{0,60}\d)\w[\w.\-/]{0,60}\w)",
    re.IGNORECASE,
)
_SHAPES = re.compile(
    r"""(?<![\w-])(?:
    [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}    # set_id
    | EU/\d/\d{2}/\d{2,4}(?:/\d{3})?
    | (?:\d{5}-\d{3,4}|0\d{3}-\d{4})(?:-\d{1,2})? | \d{4}-\d{4}-\d{1,2}  # NDC
    | (?:A?NDA|BLA)\d{6}
    | \d{4,11}-(?:ft|p)                                               # CIMA texts
    | [A-V]\d{2}[A-Z]{2}\d{2}                                         # ATC
    )(?![\w-])""",
    re.IGNORECASE | re.VERBOSE,
)
_LIKELY = re.compile(
    r"""(?<![\w.,/-])(?:
    \d{5,11}(?:\.\d)? | \d{4}-\d{4}
    | [A-V]\d{2}[A-Z]{1,2}
    | (?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{10}
    )(?![\w/-]|[.,]\d)(?!\s*(?i:m?c?g|mcg|ml|ui|iu|units?|unidades|%|euros?|kcal)\b)""",
    re.VERBOSE,
)


class Code(NamedTuple):
    """A code as the text writes it, and where it stands there with the word that announces it."""

    text: str
    start: int
    stop: int
    certain: bool
    """True when its shape, or the word before it, tells that it is a code and not a number."""


def codes_in(text: str) -> list[Code]:
    """The codes of the text, in order; of two that overlap, the one that is certain.

    >>> [code.text for code in codes_in("¿Qué es el código nacional 654321? ¿Y N02BE01?")]
    ['654321', 'N02BE01']
    """
    announced = [Code(m.group(1), m.start(), m.end(), True) for m in _ANNOUNCED.finditer(text)]
    shaped = [Code(m.group(), m.start(), m.end(), True) for m in _SHAPES.finditer(text)]
    likely = [Code(m.group(), m.start(), m.end(), False) for m in _LIKELY.finditer(text)]
    kept: list[Code] = []
    for code in (*announced, *shaped, *likely):
        if not any(code.start < other.stop and other.start < code.stop for other in kept):
            kept.append(code)
    return sorted(kept, key=lambda code: code.start)
