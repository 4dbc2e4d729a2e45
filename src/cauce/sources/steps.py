"""Cleaning of texts from the web, in named steps that a recipe asks for; each counts what it does.

    sources: [{kind: hub, name: owner/name, cleaning: [entities, nfc, urls]}]

Whatever their order in the recipe they are done in this one, each once:

* `escapes` reads a backslash and an n as a line end, and a backslash and a quote as the quote.
* `entities` reads the character references of HTML that end in a semicolon: `&amp;`, `&ntilde;`,
  `&#8364;`. One that stands for no character stays as it is, and `&amp;lt;` becomes `&lt;`: a text
  may be about HTML.
* `nfc` joins letters and their marks into one character (Unicode's normal form C), so that "ñ" and
  "n" with a tilde after it are the same to a tokenizer. No letter and no mark is lost.
* `urls` removes addresses that start with http://, https:// or www., without the punctuation after
  them.

White space is folded after them as it is in every source (see `cleaning`). Nothing else changes.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection
from html.entities import html5
from typing import Literal

from cauce.records import Document, Refusal
from cauce.sources.cleaning import clean_text, one_line

Step = Literal["escapes", "entities", "nfc", "urls"]

_ESCAPE = re.compile(r"\\([n\"])")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_URL = re.compile(r"(?:https?://|\bwww\.)[^\s<>\"«»“”]*[^\s<>\"«»“”.,;:!?…'’)\]}]", re.IGNORECASE)


def clean_by(text: str, steps: Collection[Step]) -> tuple[str, Counter[Step]]:
    """`text` after those steps, and how many escapes, references, marks and addresses they changed.

    >>> clean_by("El a&ntilde;o  pasado: https://a.es/b?c=1&amp;d, www.e.es.", ["entities", "urls"])
    ('El año pasado: , .', Counter({'urls': 2, 'entities': 2}))
    """
    counts: Counter[Step] = Counter()
    for step, do in _STEPS.items():
        if step in steps:
            text, changed = do(text)
            counts[step] += changed
    return clean_text(text), +counts


def clean_document(
    document: Document, steps: Collection[Step], counts: Counter[Step]
) -> Document | Refusal:
    """The document with its title and sections cleaned; refused where no text is left.

    What was changed is added to `counts`.
    """
    sections = []
    for section in document.sections:
        text, changed = clean_by(section.text, steps)
        counts.update(changed)
        if text or section.tables:
            sections.append(section.model_copy(update={"text": text}))
    if not sections:
        reason = f"no text is left after the cleaning: {', '.join(steps)}"
        return Refusal(file=document.source, position=document.key, reason=reason)
    title = one_line(clean_by(document.title, steps)[0]) or document.title
    return document.model_copy(update={"title": title, "sections": tuple(sections)})


def _unescape(text: str) -> tuple[str, int]:
    return _ESCAPE.subn(lambda found: "\n" if found[1] == "n" else found[1], text)


def _decode(text: str) -> tuple[str, int]:
    decoded = 0

    def read(reference: re.Match[str]) -> str:
        nonlocal decoded
        character = _character(reference[0])
        decoded += bool(character)
        return character or reference[0]

    return _REFERENCE.sub(read, text), decoded


def _character(reference: str) -> str:
    """What a reference stands for; empty for none.

    `html.unescape` would read the unknown `&nothing;` as the old `&not` and then `hing;`.
    """
    if reference[1] != "#":
        return html5.get(reference[1:], "")
    character = html.unescape(reference)
    return "" if character == "\ufffd" else character


def _compose(text: str) -> tuple[str, int]:
    composed = unicodedata.normalize("NFC", text)
    return composed, 0 if composed == text else max(1, len(text) - len(composed))


def _drop_urls(text: str) -> tuple[str, int]:
    return _URL.subn("", text)


_STEPS: dict[Step, Callable[[str], tuple[str, int]]] = {
    "escapes": _unescape,
    "entities": _decode,
    "nfc": _compose,
    "urls": _drop_urls,
}
