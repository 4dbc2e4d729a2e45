"""The DOI of a reference: as printed, whole over line breaks, or behind a link on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cauce.sources.articles.pdf.page import Line, Link
from cauce.sources.dois import dois_in, normal_doi

_RESOLVER = re.compile(r"(?:https?://(?:dx\.|www\.)?doi\.org/|doi:)", re.IGNORECASE)


def doi_of(raw: str, lines: Iterable[Line], links: Iterable[Link]) -> str | None:
    """The first DOI printed in a reference, else the first that a link on its lines leads to.

    Where one of both is the beginning of the other, the line break cut it: the longer is taken.
    """
    printed = dois_in(raw)
    linked = list(_linked(list(lines), links))
    if not printed:
        return linked[0] if linked else None
    same = [doi for doi in linked if doi.startswith(printed[0]) or printed[0].startswith(doi)]
    return max([printed[0], *same], key=len)


def _linked(lines: list[Line], links: Iterable[Link]) -> Iterator[str]:
    for link in links:
        if _RESOLVER.match(link.address) and any(_touches(link, line) for line in lines):
            doi = normal_doi(link.address)
            if doi:
                yield doi


def _touches(link: Link, line: Line) -> bool:
    """True where the link's box lies on the line."""
    middle = line.baseline + 0.3 * line.size
    return (
        link.page == line.page
        and link.bottom < middle < link.top
        and link.left < line.right
        and line.left < link.right
    )
