"""Text cleaned without losing a character of what it says.

The whole of what cleaning may change is written here, and nothing else is ever changed:

* INVISIBLE characters are deleted: soft hyphen, zero-width space and joiners, word joiner, byte
  order mark, and the control characters other than tab and line ends.
* Runs of white space (no-break and typographic spaces included) become one space, or one line end
  when the run holds one; white space at both ends of a text is dropped.

Nothing that looks like a tag is touched: `<30 mL/min` is a renal threshold. Markup is only ever
read by a parser (see `tables`), and only where a source says that a field holds markup.
"""

from __future__ import annotations

import re
from collections import Counter

INVISIBLE = (
    "\u00ad\u200b\u200c\u200d\u2060\ufeff"
    + "".join(map(chr, (*range(0x00, 0x09), *range(0x0E, 0x1C), *range(0x7F, 0x85))))
    + "".join(map(chr, range(0x86, 0xA0)))
)
"""Characters that cleaning deletes."""

_INVISIBLE = re.compile(f"[{re.escape(INVISIBLE)}]+")
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_RUN = re.compile(r"[^\S ]\s*|\s{2,}")
"""Any run of white space but a single space, which stays as it is."""


def clean_text(text: str) -> str:
    """`text` without invisible characters and with every run of white space folded.

    >>> clean_text("if CLcr  is\\u00a0<30 mL/min,\\u00ad halve the dose >  twice\\n\\n daily ")
    'if CLcr is <30 mL/min, halve the dose > twice\\ndaily'
    """
    if _is_plain(text):
        return text.strip()
    return _RUN.sub(_fold, _INVISIBLE.sub("", text)).strip()


def _is_plain(text: str) -> bool:
    """True of a text that holds nothing to clean within it, told far faster than by searching.

    No INVISIBLE character is printable, and of white space the space alone is.
    """
    return text.isprintable() and "  " not in text


def _fold(run: re.Match[str]) -> str:
    return "\n" if any(character in _LINE_ENDS for character in run.group()) else " "


def one_line(text: str) -> str:
    """`text` cleaned, with line ends folded into spaces: for titles, names and cells."""
    return text.strip() if _is_plain(text) else " ".join(_INVISIBLE.sub("", text).split())


def character_counts(text: str) -> Counter[str]:
    """How often each character outside the whitelist occurs: what cleaning must keep."""
    counts = Counter(text)
    for character in [c for c in counts if c in INVISIBLE or c.isspace()]:
        del counts[character]
    return counts
