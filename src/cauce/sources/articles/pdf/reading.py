"""A PDF as a Document: its sections, its references, and the sentences that cite them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cauce.errors import DataRefused, MissingExtra
from cauce.records import CitationMark, CitingSentence, Document, Language, Reference, Section
from cauce.sources.articles.document import Article, Given, Part, document_of
from cauce.sources.articles.pdf.bibliography import Entry, entries, split_bibliography
from cauce.sources.articles.pdf.columns import in_reading_order
from cauce.sources.articles.pdf.flow import Passage, joined, words_of
from cauce.sources.articles.pdf.front import front_of
from cauce.sources.articles.pdf.furniture import without_furniture
from cauce.sources.articles.pdf.links import doi_of
from cauce.sources.articles.pdf.marks import citation_marks, cited_by
from cauce.sources.articles.pdf.outline import PrintedSection, printed_sections
from cauce.sources.articles.pdf.page import Line, Link, page_lines, page_links
from cauce.sources.articles.sentences import sentence_spans
from cauce.sources.articles.strings import parse_references
from cauce.sources.paths import today

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

FEWEST_CHARACTERS = 200
"""In a PDF that is said to hold text."""


class Content(NamedTuple):
    """What PDFium finds in a file."""

    title: str
    """From the file's own description."""
    pages: list[list[Line]]
    links: list[Link]


def read_pdf(path: Path, *, language: Language) -> Document:
    """The article in a PDF that holds text; places are in characters, references in print order.

    Raises DataRefused for a file that is damaged, needs a password, or holds pictures of text.
    """
    content = content_of(path)
    pages = without_furniture(content.pages)
    lines = [line for page in pages for line in in_reading_order(page)]
    words = words_of(lines)
    listed = split_bibliography(lines)
    printed = entries(listed.references)
    references = _references(printed, content.links, words)
    furniture = [line for line in content.pages[0] if line not in pages[0]]
    front = front_of(listed.body, furniture, metadata_title=content.title, words=words)
    sections = printed_sections([*front.body, *listed.after], words)
    if front.abstract.text:
        abstract = Section(id="abstract", kind="abstract", title="", text=front.abstract.text)
        sections = [PrintedSection(abstract, front.abstract.raised), *sections]
    passages = [Passage(each.section.text, each.raised) for each in sections]
    marks = citation_marks(passages, cited_by(references, [entry.label for entry in printed]))
    parts = tuple(
        Part(each.section, tuple(_citing(each.section, held)))
        for each, held in zip(sections, marks, strict=True)
    )
    article = Article(work=front.work, parts=parts, references=references)
    return document_of(article, Given(path, language, licence="", retrieved=today()))


def content_of(path: Path) -> Content:
    """The lines and links of every page; DataRefused where the file has none to give."""
    try:
        from pypdfium2 import PdfDocument, PdfiumError
        from pypdfium2.raw import FPDF_ERR_PASSWORD  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtra(f"reading {path.name}", "scholar") from error
    try:
        with closing(PdfDocument(path)) as document:
            content = _read(document)
    except PdfiumError as error:
        if error.err_code == FPDF_ERR_PASSWORD:
            raise DataRefused(
                f"{path} is encrypted and needs a password.\nSave a copy without one and read that."
            ) from error
        raise DataRefused(
            f"{path} is damaged or no PDF: {error}\n"
            "Fetch it again, or save it anew with a program that still opens it."
        ) from error
    if sum(len(line.text) for page in content.pages for line in page) < FEWEST_CHARACTERS:
        raise DataRefused(
            f"{path} holds no text, only pictures of its pages.\n"
            "Run optical character recognition on it (OCR) and read the PDF that it writes."
        )
    return content


def _read(document: PdfDocument) -> Content:
    pages, links = list[list[Line]](), list[Link]()
    for number in range(len(document)):
        page = document[number]
        pages.append(page_lines(page, number))
        links += page_links(document, page, number)
    return Content(str(document.get_metadata_value("Title")), pages, links)


def _references(
    printed: Sequence[Entry], links: Sequence[Link], words: Counter[str]
) -> tuple[Reference, ...]:
    """Each entry's fields, its DOI as printed or as linked before the one its text is read for."""
    raws = [joined(entry.lines, words).text.strip() for entry in printed]
    ids = [f"ref-{place}" for place in range(1, len(raws) + 1)]
    parsed = parse_references(zip(ids, raws, strict=True))
    dois = [doi_of(raw, entry.lines, links) for raw, entry in zip(raws, printed, strict=True)]
    return tuple(
        reference.model_copy(update={"doi": doi})
        for reference, doi in zip(parsed, dois, strict=True)
    )


def _citing(section: Section, marks: Sequence[CitationMark]) -> Iterator[CitingSentence]:
    """The sentences that hold a mark."""
    places = [(mark.start, mark.end) for mark in marks]
    for start, end in sentence_spans(section.text, places) if places else ():
        own = tuple(mark for mark in marks if start <= mark.start < end)
        if own:
            text = section.text[start:end]
            yield CitingSentence(section=section.id, start=start, end=end, text=text, marks=own)
