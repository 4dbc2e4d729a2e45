"""The fields of a work printed in the styles that articles use, each piece with its field.

Six styles in English and one in Spanish, after their published guides: APA, Vancouver (ICMJE),
IEEE, Chicago author-date, LaTeX `plain` and `apalike`, and ISO 690 as Spanish journals print it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from lxml import etree

Pieces = list[tuple[str, str]]
"""Text and its field, `-` where it is of none."""


class Work(NamedTuple):
    """What a reference says, empty where it says nothing."""

    authors: tuple[tuple[str, str], ...]
    """Family and given name of each."""
    fields: dict[str, str]
    """`title`, `journal`, `book`, `date`, `volume`, `issue`, `pages`, `publisher`, `place`..."""


class Style(NamedTuple):
    """How a list of authors is printed, and which text stands around each field."""

    name: Callable[[str, str], str]
    comma: str
    last: str
    most: int
    """Authors beyond which `et al.` stands."""
    article: str
    chapter: str
    book: str


def _initials(given: str, mark: str, space: str) -> str:
    words = re.findall(r"[^\W\d_]+", given)
    if len(words) == 1 and given.isupper():
        words = list(words[0])
    return space.join(word[0].upper() + mark for word in words)


def _family_comma(family: str, given: str) -> str:
    return f"{family}, {_initials(given, '.', ' ')}".strip(", ")


def _family_bare(family: str, given: str) -> str:
    return f"{family} {_initials(given, '', '')}".strip()


def _given_first(family: str, given: str) -> str:
    return f"{_initials(given, '.', ' ')} {family}".strip()


def _in_full(family: str, given: str) -> str:
    return f"{given} {family}".strip()


def _capitals(family: str, given: str) -> str:
    return f"{family.upper()}, {given}".strip(", ")


_DOI = "[ doi: {doi}][. {web}]"
STYLES = {
    "apa": Style(
        _family_comma,
        ", ",
        ", & ",
        7,
        "[{author} ][({date}). ][{title}. ][{journal}][, {volume}][({issue})][, {pages}]." + _DOI,
        "[{author} ][({date}). ][{title}. ][In {book}][ (pp. {pages})][. {place}][: {publisher}]."
        + _DOI,
        "[{author} ][({date}). ][{book}][. {place}][: {publisher}]." + _DOI,
    ),
    "vancouver": Style(
        _family_bare,
        ", ",
        ", ",
        6,
        "[{author}. ][{title}. ][{journal}. ][{date}][;{volume}][({issue})][:{pages}]." + _DOI,
        "[{author}. ][{title}. ][In: {book}. ][{place}: ][{publisher}; ][{date}][. p. {pages}]."
        + _DOI,
        "[{author}. ][{book}. ][{place}: ][{publisher}; ][{date}]." + _DOI,
    ),
    "ieee": Style(
        _given_first,
        ", ",
        ", and ",
        6,
        "[{author}, ][“{title},” ][{journal}][, vol. {volume}][, no. {issue}][, pp. {pages}]"
        "[, {date}]." + _DOI,
        "[{author}, ][“{title},” ][in {book}][, {place}][: {publisher}][, {date}][, pp. {pages}]."
        + _DOI,
        "[{author}, ][{book}][. {place}][: {publisher}][, {date}]." + _DOI,
    ),
    "chicago": Style(
        _in_full,
        ", ",
        ", and ",
        10,
        "[{author}. ][{date}. ][“{title}.” ][{journal}][ {volume}][ ({issue})][: {pages}]."
        "[ {web}][ https://doi.org/{doi}]",
        "[{author}. ][{date}. ][“{title}.” ][In {book}][, {pages}][. {place}][: {publisher}]."
        "[ https://doi.org/{doi}]",
        "[{author}. ][{date}. ][{book}][. {place}][: {publisher}].[ {web}]",
    ),
    "plain": Style(
        _in_full,
        ", ",
        ", and ",
        99,
        "[{author}. ][{title}. ][{journal}][, {volume}][({issue})][:{pages}][, {date}]." + _DOI,
        "[{author}. ][{title}. ][In {book}][, pages {pages}][, {place}][, {date}][. {publisher}]."
        + _DOI,
        "[{author}. ][{book}][. {publisher}][, {place}][, {date}]." + _DOI,
    ),
    "apalike": Style(
        _family_comma,
        ", ",
        ", and ",
        99,
        "[{author} ][({date}). ][{title}. ][{journal}][, {volume}][({issue})][:{pages}]." + _DOI,
        "[{author} ][({date}). ][{title}. ][In {book}][, pages {pages}][, {place}][. {publisher}]."
        + _DOI,
        "[{author} ][({date}). ][{book}][. {publisher}][, {place}]." + _DOI,
    ),
    "spanish": Style(
        _family_comma,
        ", ",
        " y ",
        5,
        "[{author} ][({date}). ][«{title}», ][{journal}][, vol. {volume}][, núm. {issue}]"
        "[, pp. {pages}].[ DOI: {doi}][. Disponible en: {web}]",
        "[{author} ][({date}): ][«{title}», ][en {book}][, {place}][, {publisher}]"
        "[, págs. {pages}].",
        "[{author} ][({date}). ][{book}][. {place}][: {publisher}].[ Disponible en: {web}]",
    ),
    "iso690": Style(
        _capitals,
        "; ",
        " y ",
        3,
        "[{author}. ][{title}. ][{journal}][, {date}][, vol. {volume}][, n.º {issue}]"
        "[, p. {pages}].[ {doi}]",
        "[{author}. ][{title}. ][En: {book}][. {place}][: {publisher}][, {date}][, pp. {pages}].",
        "[{author}. ][{book}][. {place}][: {publisher}][, {date}].",
    ),
}


def printed(work: Work, style: Style, chance: random.Random) -> Pieces:
    """The reference in a style, as pieces of text with their fields."""
    fields = dict(work.fields)
    if work.authors:
        fields["author"] = _people(work.authors, style)
    if fields.get("journal"):
        frame = style.article
    else:
        frame = style.chapter if fields.get("title") else style.book
    if chance.random() < 0.5:
        fields.pop("doi", None)
    return list(_filled(frame, fields))


def _filled(frame: str, fields: dict[str, str]) -> Iterator[tuple[str, str]]:
    """A frame with its fields; what stands in `[ ]` goes where its field is absent."""
    for chunk, text in re.findall(r"\[([^\[\]]*)\]|([^\[\]]+)", frame):
        before, _, rest = chunk.partition("{")
        field, _, after = rest.partition("}")
        if text:
            yield text, "-"
        elif fields.get(field):
            yield before, "-"
            yield fields[field], "number" if field == "doi" else field
            yield after, "-"


def _people(authors: tuple[tuple[str, str], ...], style: Style) -> str:
    names = [style.name(family, given) for family, given in authors]
    if len(names) > style.most:
        return style.comma.join(names[: style.most]) + ", et al"
    if len(names) == 1:
        return names[0]
    last = " and " if len(names) == 2 and "and" in style.last else style.last
    return style.comma.join(names[:-1]) + last + names[-1]


def works_of(path: Path) -> Iterator[Work]:
    """The references of a JATS article that name a title and a source."""
    parser = etree.XMLParser(load_dtd=False, resolve_entities=False, no_network=True, recover=True)
    for citation in etree.parse(path, parser).iter("element-citation", "mixed-citation"):
        work = _work(citation)
        if work.fields.get("journal") or work.fields.get("book"):
            yield work


def _work(citation: etree._Element) -> Work:
    def text(name: str) -> str:
        found = citation.find(f".//{name}")
        return "" if found is None else " ".join("".join(found.itertext()).split()).strip(" .,;:")

    title, source = text("article-title") or text("chapter-title"), text("source")
    is_journal = citation.get("publication-type", citation.get("citation-type")) == "journal"
    first, last = text("fpage"), text("lpage")
    fields = {
        "title": title,
        "journal" if is_journal else "book": source,
        **{"date": text("year"), "volume": text("volume"), "issue": text("issue")},
        "pages": f"{first}-{last}" if last and last != first else first,
        **{"publisher": text("publisher-name"), "place": text("publisher-loc")},
        "doi": text("pub-id[@pub-id-type='doi']"),
    }
    people = (
        (name.findtext("surname", ""), name.findtext("given-names", ""))
        for name in citation.iterfind(".//name")
    )
    return Work(tuple(person for person in people if person[0]), fields)
