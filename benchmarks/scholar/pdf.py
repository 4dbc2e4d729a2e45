"""References out of PDF: how many, their titles and printed DOIs, and how fast.

Gold is what the publishers deposited: the JATS of Hindawi (numbered lists, two columns) and of JOSE
(author and year, LaTeX), and the Crossref deposits of JOSE and of the JuliaCon proceedings. A DOI
counts as printed where the PDF's text, or a link on it, holds its letters and digits in a row.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from benchmarks import report
from cauce.records import Document
from cauce.sources.articles.pdf import read_pdf
from cauce.sources.articles.pdf.reading import content_of
from cauce.sources.dois import normal_doi

FOLDER = "scholar/pdf-jats"
TITLE_BARS = {"hindawi": 0.97, "jose": 0.90}
COUNT_BARS = {"hindawi": 0.95, "jose": 0.75}
DOI_BARS = {"jose": 0.99, "jcon": 0.81}


class Article(NamedTuple):
    """An article as cauce reads its PDF, beside what its publisher says."""

    pdf: Path
    document: Document
    gold: etree._Element | None
    """JATS."""
    deposit: etree._Element | None
    """Crossref."""


def measure(data: Path) -> None:
    """Prints every figure; `data` is the folder of the shared inputs."""
    sets = {name: list(_articles(data / FOLDER / name)) for name in ("hindawi", "jose", "jcon")}
    for name, bar in COUNT_BARS.items():
        exact = [len(each.document.references) == len(_refs(each.gold)) for each in sets[name]]
        report(
            f"{name}: documents with the exact number of references", _mean(exact), bar, "higher"
        )
        report(f"{name}: title soft F1", _title_f1(sets[name]), TITLE_BARS[name], "higher")
    for name, doi_bar in DOI_BARS.items():
        found, printed, right = _dois(sets[name])
        report(f"{name}: printed DOIs found", right / max(printed, 1), doi_bar, "higher")
        report(f"{name}: precision of the DOIs", right / max(found, 1), 1.0, "higher")
    report("hindawi: links from marks to references, F1", _link_f1(sets["hindawi"]), None, "higher")
    report(
        "PDF a second of one core",
        _speed([each.pdf for name in sets for each in sets[name]]),
        10,
        "higher",
    )


def _articles(folder: Path) -> Iterator[Article]:
    for pdf in sorted(folder.glob("*/*.pdf")):
        gold = [*pdf.parent.glob("*.jats"), *pdf.parent.glob("fulltext.xml")]
        deposit = list(pdf.parent.glob("*.crossref.xml"))
        yield Article(pdf, read_pdf(pdf, language="en"), _root(gold), _root(deposit))


def _root(paths: list[Path]) -> etree._Element | None:
    if not paths:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.parse(paths[0], parser).getroot()


def _refs(gold: etree._Element | None) -> list[etree._Element]:
    return [] if gold is None else list(gold.iter("ref"))


def _mean(claims: Iterable[bool]) -> float:
    values = list(claims)
    return sum(values) / max(len(values), 1)


def _soft(text: str) -> str:
    """The text without punctuation, case and spaces."""
    return re.sub(r"[\W_]+", "", text).casefold()


def _gold_title(ref: etree._Element) -> str:
    """The article's or chapter's title, else what the work itself is called."""
    for name in ("article-title", "chapter-title", "source"):
        for node in ref.iter(name):
            return _soft("".join(map(str, node.itertext())))
    return ""


def _title_f1(articles: list[Article]) -> float:
    right = found = there = 0
    for article in articles:
        gold = Counter(filter(None, map(_gold_title, _refs(article.gold))))
        read = Counter(filter(None, (_soft(ref.title) for ref in article.document.references)))
        right += (gold & read).total()
        found += read.total()
        there += gold.total()
    return 2 * right / max(found + there, 1)


def _dois(articles: list[Article]) -> tuple[int, int, int]:
    """How many DOIs are found, printed (of those deposited), and found rightly.

    What is found, printed in full and of a work that was not deposited counts neither way.
    """
    found = printed = right = 0
    for article in articles:
        gold = _deposited(article)
        read = {ref.doi for ref in article.document.references if ref.doi}
        content = content_of(article.pdf)
        letters = _soft("".join(line.text for page in content.pages for line in page))
        linked = _soft(" ".join(link.address for link in content.links))
        wrong = {doi for doi in read - gold if _soft(doi) not in letters or _is_cut(doi, gold)}
        found += len(read & gold) + len(wrong)
        right += len(read & gold)
        printed += sum(_soft(doi) in letters or _soft(doi) in linked for doi in gold)
    return found, printed, right


def _is_cut(doi: str, gold: set[str]) -> bool:
    """True where a DOI lacks the end of a deposited one, or has more behind it."""
    return any(each.startswith(doi) or doi.startswith(each) for each in gold)


def _deposited(article: Article) -> set[str]:
    """The DOIs that the publisher deposited or wrote into the JATS for the works cited."""
    texts: list[str] = []
    if article.deposit is not None:
        citations = article.deposit.iter("{*}citation")
        texts += [node.text or "" for each in citations for node in each.iter("{*}doi")]
    for ref in _refs(article.gold):
        texts += [
            node.text or "" for node in ref.iter("pub-id") if node.get("pub-id-type") == "doi"
        ]
    return {doi for doi in map(normal_doi, texts) if doi}


def _link_f1(articles: list[Article]) -> float:
    right = found = there = 0
    for article in articles:
        gold = Counter(_cited(article))
        read = Counter(
            int(id.removeprefix("ref-")) - 1
            for sentence in article.document.citing
            for mark in sentence.marks
            for id in mark.references
        )
        right += (gold & read).total()
        found += read.total()
        there += gold.total()
    return 2 * right / max(found + there, 1)


def _cited(article: Article) -> Iterator[int]:
    """The place in the list of each reference cited by a mark in running text, ranges expanded."""
    places = {ref.get("id"): place for place, ref in enumerate(_refs(article.gold))}
    last: int | None = None
    for xref in [] if article.gold is None else article.gold.iter("xref"):
        place = places.get(xref.get("rid"))
        in_table = next(xref.iterancestors("table-wrap"), None) is not None
        if xref.get("ref-type") != "bibr" or place is None or in_table:
            continue
        if last is not None:
            yield from range(last + 1, place)
        yield place
        last = place if (xref.tail or "").strip() in ("–", "-", "—") else None


def _speed(pdfs: list[Path]) -> float:
    start = time.process_time()
    for pdf in pdfs:
        read_pdf(pdf, language="en")
    return len(pdfs) / (time.process_time() - start)
