"""What a file holds, told from its first bytes, and the articles in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cauce.errors import DataRefused
from cauce.records import Document, Reference, Refusal
from cauce.sources.articles.deposit import deposited_article, deposited_works
from cauce.sources.articles.document import Article, Given, document_of
from cauce.sources.articles.jats import jats_article
from cauce.sources.articles.table import table_documents
from cauce.sources.articles.tei import tei_article
from cauce.sources.articles.xml import local_name, parse, take_off_namespace
from cauce.sources.paths import UNPACKING_FAULTS, open_bytes

if TYPE_CHECKING:
    from lxml.etree import _Element

_BEGINNING = 1024
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def read_articles(given: Given) -> Iterator[Document | Refusal]:
    """Every article of a file, or why the file, or a row of it, is refused."""
    file = str(given.path)
    try:
        with open_bytes(given.path) as stream:
            beginning = stream.read(_BEGINNING)
            is_pdf = beginning.startswith(b"%PDF")
            data = b"" if is_pdf else beginning + stream.read()
    except UNPACKING_FAULTS as error:
        yield Refusal(file=file, position="the whole file", reason=f"packed: {error}")
        return
    if is_pdf:
        yield _of_pdf(given)
    elif _without_mark(data).lstrip()[:1] == b"<":
        yield from _of_xml(data, given)
    else:
        yield from table_documents(data, given)


def _without_mark(data: bytes) -> bytes:
    """The bytes without a byte order mark; those of UTF-16 without their zeros."""
    mark = next((mark for mark in _BYTE_ORDER_MARKS if data.startswith(mark)), b"")
    return data[len(mark) : len(mark) + _BEGINNING].replace(b"\0", b"")


def _of_pdf(given: Given) -> Document | Refusal:
    from cauce.sources.articles.pdf import read_pdf

    try:
        document = read_pdf(given.path, language=given.language)
    except DataRefused as error:
        return Refusal(file=str(given.path), position="the whole file", reason=str(error))
    work = document.work or Reference(id="", title=document.title)
    doi = work.doi
    added = {
        "work": work.model_copy(update={"id": document.id}),
        "group": doi or given.path.name,
        "url": f"https://doi.org/{doi}" if doi else "",
        "licence": given.licence,
    }
    return document.model_copy(update=added)


def _of_xml(data: bytes, given: Given) -> Iterator[Document | Refusal]:
    from lxml import etree

    file = str(given.path)
    try:
        root = parse(data)
    except etree.XMLSyntaxError as error:
        yield Refusal(file=file, position=f"line {error.lineno}", reason=f"not XML: {error.msg}")
        return
    found = list(_articles(root))
    if not found:
        reason = f"<{local_name(root)}> is neither JATS, TEI nor a deposit to Crossref"
        yield Refusal(file=file, position=f"line {root.sourceline}", reason=reason)
    for number, (element, read) in enumerate(found, 1):
        article = read(element)
        for fault in article.faults:
            yield Refusal(file=file, position=fault.position, reason=fault.reason)
        if article.parts or article.references:
            yield document_of(article, given, number)
        else:
            reason = "holds neither text nor references"
            yield Refusal(file=file, position=f"line {element.sourceline}", reason=reason)


def _articles(root: _Element) -> Iterator[tuple[_Element, Callable[[_Element], Article]]]:
    """Each element that is an article, with what reads it; feeds hold several."""
    name = local_name(root)
    if name == "doi_batch":
        for work in deposited_works(take_off_namespace(root)):
            yield work, deposited_article
    elif name in ("TEI", "teiCorpus"):
        for element in list(root.iter("{*}TEI")):
            yield take_off_namespace(element), tei_article
    else:
        for element in list(root.iter("{*}article")):
            yield take_off_namespace(element), jats_article
