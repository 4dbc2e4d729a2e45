"""Articles in the Journal Article Tag Suite (ANSI/NISO Z39.96), of any publisher and version.

NLM's older tag sets and the `.cermxml` of CERMINE are read the same way. The captions of figures
and tables and their notes are paragraphs of the section they stand in; cells are kept as a Table,
and a reference cited in a cell is in no sentence. Letters and translations within the file
(`sub-article`, `response`) are other articles and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cauce.records import Reference
from cauce.sources.articles.document import Article, Part, Place, part, without_empty
from cauce.sources.articles.jats_references import Cited, cited_works, pages_of, people_in
from cauce.sources.articles.jats_text import Flow, plain_line
from cauce.sources.articles.xml import XLINK_HREF, XML_LANG, first_line, line
from cauce.sources.dois import normal_doi

if TYPE_CHECKING:
    from lxml.etree import _Element

_APART = frozenset(("ref-list", "sub-article", "response"))
_TITLES = {
    **{"ack": "Acknowledgements", "fn-group": "Notes", "app-group": "Appendices"},
    **{"glossary": "Glossary", "floats-group": "Figures and tables"},
}
_DATES = ("collection", "ppub", "pub", "epub-ppub", "epub")
"""`pub-type` or `date-type` of the date that a work is cited by, the best first."""


def jats_article(root: _Element) -> Article:
    """The article that an `article` element holds."""
    cited = cited_works(_main_parts(root))
    meta = root.find("front/article-meta")
    if meta is None:
        meta = root.find("front")
    dates = _dates(meta)
    return Article(
        work=_work(root, meta, dates),
        parts=without_empty(_parts(root, cited)),
        references=cited.references,
        language=root.get(XML_LANG, ""),
        licence=_licence(meta),
        published=max(dates.values(), key=len, default=""),
    )


def _main_parts(root: _Element) -> list[_Element]:
    return [child for child in root if child.tag in ("body", "back", "floats-group", "floats-wrap")]


def _work(root: _Element, meta: _Element | None, dates: dict[str, str]) -> Reference:
    """The article as others cite it."""
    if meta is None:
        return Reference(id="")
    ids = {each.get("pub-id-type"): line(each) for each in meta.iterfind("article-id")}
    best = next((dates[kind] for kind in _DATES if kind in dates), next(iter(dates.values()), ""))
    journal = root.find("front/journal-meta")
    return Reference(
        id="",
        title=plain_line(meta.find("title-group/article-title")),
        authors=tuple(
            name
            for group in meta.iterfind("contrib-group")
            for contrib in group.iterfind("contrib")
            if contrib.get("contrib-type", "author") == "author"
            for name in people_in(contrib)
        ),
        year=best[:4],
        container=first_line(journal, ".//journal-title", "journal-id"),
        volume=first_line(meta, "volume"),
        issue=first_line(meta, "issue"),
        pages=pages_of(meta),
        doi=normal_doi(ids.get("doi", "")),
    )


def _dates(meta: _Element | None) -> dict[str, str]:
    """The dates of publication by their kind, as ISO 8601 as far as they are told."""
    dates: dict[str, str] = {}
    for each in () if meta is None else meta.iterfind("pub-date"):
        parts = [first_line(each, name) for name in ("year", "month", "day")]
        kind = each.get("pub-type") or each.get("date-type") or ""
        if parts[0][:4].isdigit():
            told = [parts[0][:4]]
            for number in parts[1:]:
                if not number.isdigit():
                    break
                told.append(number.zfill(2))
            dates[kind] = "-".join(told)
    return dates


def _licence(meta: _Element | None) -> str:
    """The address of the licence, else its words; empty where the article tells none."""
    for each in () if meta is None else meta.iterfind("permissions/license"):
        address = each.get(XLINK_HREF, "") or first_line(each, "{*}license_ref")
        return address or line(each)
    return "" if meta is None else first_line(meta, "permissions/{*}license_ref")


def _parts(root: _Element, cited: Cited) -> Iterator[Part]:
    meta = root.find("front/article-meta")
    abstracts = [] if meta is None else meta.findall("abstract")
    for number, abstract in enumerate(abstracts, 1):
        place = Place("abstract" if number == 1 else f"abstract-{number}", kind="abstract")
        yield from section_parts(abstract, place, cited)
    number = 0
    for main in _main_parts(root):
        if main.tag == "body":
            yield _own(main, Place("0"), cited)
            inner = main.findall("sec")
        else:
            inner = [main] if main.tag != "back" else list(main)
        for element in inner:
            if element.tag not in _APART:
                number += 1
                yield from section_parts(element, Place(str(number)), cited)


def section_parts(element: _Element, place: Place, cited: Cited) -> Iterator[Part]:
    """A section and those within it, ids `2`, `2.1`."""
    heading = element.find("title")
    title = plain_line(heading) if heading is not None else _TITLES.get(element.tag, "")
    yield _own(element, place._replace(title=title), cited)
    inner = (child for child in element if child.tag in ("sec", "app"))
    for number, child in enumerate(inner, 1):
        within = Place(f"{place.id}.{number}", parent=place.id, kind=place.kind)
        yield from section_parts(child, within, cited)


def _own(element: _Element, place: Place, cited: Cited) -> Part:
    """What a section holds itself."""
    flow = Flow(cited)
    for child in element:
        if child.tag not in ("sec", "app", "title", "label", *_APART):
            flow.block(child)
    return part(place, flow.text, flow.tables, cited.listed)
