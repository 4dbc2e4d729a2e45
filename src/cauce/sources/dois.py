"""DOI names as texts print them: found, and brought to one spelling (ISO 26324).

Old DOIs hold a serial item identifier (SICI, ANSI/NISO Z39.56) with `<`, `>`, `;` and brackets:
`10.1175/1520-0469(1963)020<0130:dnf>2.0.co;2`. Elsewhere an angle bracket ends a DOI.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple
from urllib.parse import unquote

_LESS, _MORE = r"(?:<|&lt;|%3C)", r"(?:>|&gt;|%3E)"
_SICI = rf"{_LESS}[^\s<>]*?{_MORE}\d\.\d\.(?:CO|TX);\d(?:-[\w#]|-%23)?"
_ANOTHER = r"[;,|]+(?:https?:|doi:|10\.\d{4,9}/)"
_SUFFIX = rf"(?:{_SICI}|(?!{_ANOTHER}|{_LESS}|{_MORE}|&quot;)[^\s\"“”«»<>])+"
_DOI = rf"10\.\d{{4,9}}(?:\.\d+)*(?:/|%2F){_SUFFIX}"
_PRINTED = re.compile(rf"(?<!\d)(?<!\d\.){_DOI}", re.IGNORECASE)
_ALONE = re.compile(
    rf"\s*(?:https?://\S*?[/=]|(?:dx\.|www\.)?doi\.org/|\[?doi\]?[\s:.]*)*({_DOI})\s*",
    re.IGNORECASE,
)
_PAGE_OF_A_DOI = re.compile(r"(?:/(?:abstract|full|fulltext|pdf|epdf|meta)|\.pdf)$")
_ARXIV = re.compile(
    r"arxiv(?:\.org/(?:abs|pdf)/|\s*:\s*|\s+preprint\s+(?:arxiv\s*:\s*)?|\s+)"
    r"(\d{4}\.\d{4,5}|[a-z][a-z-]*(?:\.[a-z]{2})?/\d{7})(?!\d)",
    re.IGNORECASE,
)
_SPELLINGS = str.maketrans(dict.fromkeys("‐‑‒–−", "-") | dict.fromkeys("\u200b\u00ad\ufeff", ""))
_END = ".,;:!?'’`*…·/\\ "
_CLOSING = {")": "(", "]": "[", "}": "{"}


class DoiSpan(NamedTuple):
    """A DOI in its normal spelling and where the text prints it, in characters."""

    start: int
    end: int
    doi: str


def normal_doi(text: str) -> str | None:
    """A DOI in lower case, without address, `doi:` or closing punctuation; None if it is none."""
    found = _ALONE.fullmatch(text)
    return _normal(found[1]) if found else None


def doi_spans(text: str) -> list[DoiSpan]:
    """Every DOI printed in a text, in order, with its place; breaks of a line end a DOI."""
    spans = []
    for found in _PRINTED.finditer(text):
        printed = found[0][: _balanced(found[0].rstrip(_END))].rstrip(_END)
        doi = _normal(printed)
        if doi:
            spans.append(DoiSpan(found.start(), found.start() + len(printed), doi))
    return spans


def dois_in(text: str) -> list[str]:
    """The DOIs printed in a text, each once, in order."""
    return list(dict.fromkeys(span.doi for span in doi_spans(text)))


def arxiv_doi(text: str) -> str | None:
    """The DOI that DataCite holds for the first arXiv number named in a text; None without one."""
    found = _ARXIV.search(text)
    return f"10.48550/arxiv.{found[1].lower()}" if found else None


def _normal(printed: str) -> str | None:
    """A printed DOI decoded, cut where brackets or punctuation end it, and in lower case."""
    doi = unquote(html.unescape(printed)).replace("\\_", "_").translate(_SPELLINGS).lower()
    doi = doi.rstrip(_END)
    doi = _PAGE_OF_A_DOI.sub("", doi[: _balanced(doi)].rstrip(_END))
    if doi.startswith("10.48550/arxiv."):
        doi = re.sub(r"v\d+$", "", doi)
    prefix, _, suffix = doi.partition("/")
    return f"{prefix}/{suffix}" if suffix.strip(_END) else None


def _balanced(text: str) -> int:
    """How many characters stand before the first bracket without a partner."""
    opened: list[tuple[str, int]] = []
    for place, character in enumerate(text):
        if character in _CLOSING.values():
            opened.append((character, place))
        elif character in _CLOSING:
            if not opened or opened[-1][0] != _CLOSING[character]:
                return opened[0][1] if opened else place
            opened.pop()
    return opened[0][1] if opened else len(text)
