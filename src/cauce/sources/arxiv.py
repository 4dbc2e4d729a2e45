"""Articles of arXiv by query: their records, and their full text where it is asked for.

What is fetched is kept in a folder: `ID.pdf`, `manifest.jsonl` (see `arxiv_manifest`) and, where
somebody chose, `curation.jsonl` (see `curation`), whose dropped articles are neither fetched nor
given. A fetch that was stopped goes on where it was.

arXiv gives its records away (CC0); an article itself may be passed on only under its own licence,
which most articles do not give (info.arxiv.org/help/api/tou.html). The manifest says which it is.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from cauce.errors import DataRefused
from cauce.records import Document, Language, Names, Record, Refusal, Section
from cauce.sources.arxiv_client import ARXIV, MOST_RESULTS, ArxivClient
from cauce.sources.arxiv_manifest import Manifest
from cauce.sources.arxiv_record import ArxivArticle
from cauce.sources.curation import decisions_file, dropped
from cauce.sources.paths import today

RECORD_LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
"""Of what arXiv says of an article, its abstract included."""
ANSWERS = ".answers"


class ArxivSource(Record):
    """Articles that a query of arXiv finds, asked one after another, politely: 1 in 3 seconds."""

    kind: Literal["arxiv"] = "arxiv"
    query: str = Field(min_length=1)
    """In arXiv's syntax: `all:digitalisation AND (ti:maritime OR cat:cs.DL)`."""
    max_results: int = Field(default=100, ge=1, le=MOST_RESULTS)
    """Most articles, the most relevant first."""
    full_text: bool = False
    """True: the PDF of each article is fetched and read; false: its record and abstract only."""
    folder: Path | None = None
    """Where PDFs and `manifest.jsonl` are kept between fetches, and `curation.jsonl` is looked for;
    without it, they are kept until the fetch is over."""
    language: Language = "en"
    """Of the articles; arXiv does not tell."""
    url: str = ARXIV
    """Where searches and PDFs are asked for."""

    def inputs(self) -> tuple[Path, ...]:
        """The file of what was dropped, where there is one; for the rest arXiv is asked."""
        return decisions_file(self.folder) if self.folder else ()

    def documents(self, scratch: Path | None = None) -> Iterator[Document | Refusal]:
        """Each article as a Document, or the reason why it is refused.

        `scratch` is a folder where what was fetched is kept until the fetch is over.
        """
        with contextlib.ExitStack() as stack:
            folder = self.folder or scratch
            folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder.mkdir(parents=True, exist_ok=True)
            client = stack.enter_context(ArxivClient(self.url, folder / ANSWERS))
            manifest = Manifest(folder)
            left_out = dropped(folder)
            for listed in client.search(self.query, self.max_results):
                if isinstance(listed, str):
                    yield Refusal(file=self.url, position="the results", reason=listed)
                elif listed.id not in left_out:
                    yield self._article(client, manifest, listed, folder)

    def _article(
        self, client: ArxivClient, manifest: Manifest, listed: ArxivArticle, folder: Path
    ) -> Document | Refusal:
        try:
            fetched = manifest.whole(listed, full_text=self.full_text)
            article = fetched or self._fetched(client, manifest, listed)
            return self._read(article, folder)
        except DataRefused as error:
            reason = str(error).splitlines()[0]
            return Refusal(file=self.url, position=f"arXiv {listed.id}", reason=reason)

    def _fetched(
        self, client: ArxivClient, manifest: Manifest, listed: ArxivArticle
    ) -> ArxivArticle:
        article = listed.model_copy(update={"retrieved": today()})
        if not self.full_text:
            return manifest.add(article)
        if not listed.has_pdf:
            raise DataRefused(f"{listed.url} has no PDF.\nIt was withdrawn by its authors.")
        licence = listed.licence or client.licence(listed)
        return manifest.add(article.model_copy(update={"licence": licence}), client.pdf(listed))

    def _read(self, article: ArxivArticle, folder: Path) -> Document:
        """The record as a Document, with what its PDF holds where that is asked for."""
        document = Document(
            source="arxiv",
            id=article.id,
            version=article.version,
            effective=article.updated[:10],
            title=article.title,
            language=self.language,
            sections=(Section(id="abstract", kind="abstract", title="", text=article.abstract),),
            names=Names(codes={"doi": tuple(filter(None, (article.doi, article.journal_doi)))}),
            work=article.work,
            group=article.id,
            url=article.url,
            licence=RECORD_LICENCE,
            retrieved=article.retrieved,
        )
        return self._with_text(document, article, folder) if self.full_text else document

    def _with_text(self, document: Document, article: ArxivArticle, folder: Path) -> Document:
        from cauce.sources.articles.pdf import read_pdf

        printed = read_pdf(folder / article.file, language=self.language)
        has_abstract = any(section.id == "abstract" for section in printed.sections)
        return document.model_copy(
            update={
                "sections": (*(() if has_abstract else document.sections), *printed.sections),
                "references": printed.references,
                "citing": printed.citing,
                "licence": article.licence,
            }
        )
