"""Articles as GROBID writes them, in the vocabulary of the Text Encoding Initiative (TEI P5).

Sections come one after another with their printed numbers (`2.1.`), which tell what holds what.
A mark without a target cites nothing: GROBID could not tell which reference it means.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cauce.records import Reference, Table
from cauce.sources.articles.document import Article, Part, Place, part, without_empty
from cauce.sources.articles.marks import ReferenceList, RunningText
from cauce.sources.articles.printed import printed_form, with_fields
from cauce.sources.articles.xml import XML_ID, XML_LANG, first_line, line
from cauce.sources.dois import dois_in, normal_doi

if TYPE_CHECKING:
    from lxml.etree import _Element

_BLOCKS = frozenset(("p", "head", "list", "item", "note", "figDesc", "quote", "lg", "l", "ab"))
_FLOATS = frozenset(("figure", "note"))
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")


def tei_article(root: _Element) -> Article:
    """The article that a `TEI` element holds."""
    references = [_reference(each) for each in root.iterfind("text//listBibl/biblStruct")]
    listed = ReferenceList(reference.id for reference in references)
    header = root.find("teiHeader")
    source = None if header is None else header.find("fileDesc/sourceDesc/biblStruct")
    work = Reference(id="") if source is None else _fields(source, "")
    title = first_line(header, "fileDesc/titleStmt/title")
    return Article(
        work=work.model_copy(update={"title": title or work.title}),
        parts=without_empty(_parts(root, listed)),
        references=tuple(references),
        language=root.get(XML_LANG, "") or ("" if header is None else header.get(XML_LANG, "")),
        licence=_licence(header),
        published=_date(source),
    )


def _licence(header: _Element | None) -> str:
    for licence in () if header is None else header.iter("licence"):
        return licence.get("target") or line(licence)
    return ""


def _date(structure: _Element | None) -> str:
    """The date of publication as ISO 8601, as far as it is told."""
    for date in () if structure is None else structure.iterfind("monogr/imprint/date"):
        if date.get("when"):
            return date.get("when", "")
    return ""


def _parts(root: _Element, listed: ReferenceList) -> Iterator[Part]:
    abstract = root.find("teiHeader/profileDesc/abstract")
    if abstract is not None:
        yield _part(list(abstract.iter("p")), Place("abstract", kind="abstract"), listed)
    divisions = [
        division
        for name in ("body", "back")
        for main in root.iterfind(f"text/{name}")
        for division in main.iter("div")
        if division.find("listBibl") is None
    ]
    for division, place in zip(divisions, _places(divisions), strict=True):
        own = [child for child in division if child.tag not in ("head", "div")]
        yield _part(own, place, listed)
    loose = [
        child
        for main in root.iterfind("text/body")
        for child in main
        if child.tag not in ("div", "listBibl")
    ]
    yield _part(loose, Place("floats", title="Figures and tables"), listed)


def _places(divisions: list[_Element]) -> Iterator[Place]:
    """The place of each section, ids `2`, `2.1`, by its depth and its printed number."""
    above: list[tuple[int, str]] = []
    children: Counter[str] = Counter()
    for division in divisions:
        head = division.find("head")
        printed = "" if head is None else head.get("n", "").strip(". ")
        depth = sum(1 for _ in division.iterancestors("div")) + printed.count(".")
        while above and above[-1][0] >= depth:
            above.pop()
        parent = above[-1][1] if above else None
        children[parent or ""] += 1
        id = ".".join(filter(None, (parent, str(children[parent or ""]))))
        above.append((depth, id))
        yield Place(id, title=line(head), parent=parent)


def _part(elements: list[_Element], place: Place, listed: ReferenceList) -> Part:
    running, tables = RunningText(), list[Table]()
    for element in elements:
        floats = [element] if element.tag in _FLOATS else []
        if not floats:
            _add(element, running, listed, floats)
        while floats:
            floating = floats.pop(0)
            tables += map(_table, floating.iter("table"))
            running.break_line()
            _inline(floating, running, listed, floats)
        running.break_line()
    return part(place, running, tables, listed)


def _add(
    element: _Element, running: RunningText, listed: ReferenceList, floats: list[_Element]
) -> None:
    """Adds an element to the text; what floats beside it waits in `floats`."""
    if element.tag in _FLOATS:
        floats.append(element)
    elif element.tag in ("table", "graphic"):
        return
    elif element.tag == "ref":
        targets = (target.removeprefix("#") for target in element.get("target", "").split())
        cited = tuple(target for target in targets if target in listed)
        begun = running.begin() if cited else 0
        _inline(element, running, listed, floats)
        if cited:
            running.cite(begun, cited)
    elif element.tag in _BLOCKS:
        running.break_line()
        _inline(element, running, listed, floats)
        running.break_line()
    else:
        _inline(element, running, listed, floats)


def _inline(
    element: _Element, running: RunningText, listed: ReferenceList, floats: list[_Element]
) -> None:
    running.add(element.text or "")
    for child in element:
        _add(child, running, listed, floats)
        running.add(child.tail or "")


def _table(element: _Element) -> Table:
    figure = element.getparent()
    caption = " ".join(filter(None, (first_line(figure, name) for name in ("head", "figDesc"))))
    rows = (tuple(line(cell) for cell in row.iter("cell")) for row in element.iter("row"))
    return Table(caption=caption, rows=tuple(row for row in rows if any(row)))


def _reference(structure: _Element) -> Reference:
    reference = _fields(structure, structure.get(XML_ID, ""))
    printed = first_line(structure, "note[@type='raw_reference']")
    return with_fields(reference, printed) if printed else printed_form(reference)


def _fields(structure: _Element, id: str) -> Reference:
    """A `biblStruct`; without `analytic`, a book or report is the work itself."""
    title = first_line(structure, "analytic/title")
    around = first_line(structure, "monogr/title[@level='j']", "monogr/title")
    series = first_line(structure, "series/title")
    if not title and structure.find("monogr/title[@level='j']") is None:
        title, around = around, series
    year = _YEAR.search(_date(structure) or first_line(structure, "monogr/imprint/date"))
    return Reference(
        id=id,
        title=title,
        authors=tuple(_authors(structure)),
        year=year[0] if year else "",
        container=around or series,
        volume=first_line(structure, ".//biblScope[@unit='volume']"),
        issue=first_line(structure, ".//biblScope[@unit='issue']"),
        pages=_pages(structure),
        doi=_doi(structure),
    )


def _authors(structure: _Element) -> Iterator[str]:
    people = structure.findall("analytic/author") or structure.findall("monogr/author")
    for person in people:
        given = " ".join(line(each) for each in person.iterfind("persName/forename"))
        family = first_line(person, "persName/surname") or first_line(person, "orgName", "name")
        if family:
            yield ", ".join(filter(None, (family, given)))


def _pages(structure: _Element) -> str:
    for scope in structure.iterfind(".//biblScope[@unit='page']"):
        ends = (scope.get("from", ""), scope.get("to", ""))
        return "-".join(filter(None, ends)) or line(scope)
    return ""


def _doi(structure: _Element) -> str | None:
    for identifier in structure.iter("idno"):
        if identifier.get("type", "").lower() == "doi":
            return normal_doi(line(identifier))
    for link in structure.iter("ptr"):
        doi = normal_doi(link.get("target", ""))
        if doi:
            return doi
    found = dois_in(first_line(structure, "note[@type='raw_reference']"))
    return found[0] if found else None
