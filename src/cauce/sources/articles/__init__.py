"""Articles as publishers and tools write them, told apart by what is in the file, not its name.

JATS and NLM XML, the `.cermxml` of CERMINE, the TEI of GROBID, deposits to Crossref, PDF, and CSV
with the columns `Context`, `Title`, `Year` and `DOIs`; any of them packed as `.gz` but PDF.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from cauce.records import Document, Language, Record, Refusal
from cauce.sources.articles.document import ENDINGS, Given
from cauce.sources.articles.reading import read_articles
from cauce.sources.curation import article_id, decisions_file, dropped
from cauce.sources.paths import matching_files, today


class ArticlesSource(Record):
    """Scientific articles with their sections, references and the sentences that cite them."""

    kind: Literal["articles"] = "articles"
    path: Path
    """File, folder or glob of `.xml`, `.nxml`, `.jats`, `.cermxml`, `.csv` or `.pdf` files."""
    language: Language = "en"
    """Of the articles that do not tell theirs, or tell another than English and Spanish."""
    licence: str = ""
    """Of the articles that do not tell theirs; goes with every document."""

    def inputs(self) -> tuple[Path, ...]:
        """The files that are read, and the decisions by which others are not."""
        return (*self._files(), *decisions_file(self._folder()))

    def documents(self) -> Iterator[Document | Refusal]:
        """Each article of each file as a Document, or the reason why it is refused."""
        retrieved = today()
        for path in self._files():
            yield from read_articles(Given(path, self.language, self.licence, retrieved))

    def _folder(self) -> Path:
        """Where the articles lie, by which each is called in their curation."""
        return next(path for path in (self.path, *self.path.parents) if path.is_dir())

    def _files(self) -> list[Path]:
        """Of articles that nobody dropped; a PDF only where nothing else holds its article."""
        folder = self._folder()
        left_out = dropped(folder)
        found = matching_files(self.path, (*ENDINGS, *(f"{ending}.gz" for ending in ENDINGS)))
        kept = [path for path in found if article_id(path, folder) not in left_out]
        better = {article_id(path, folder) for path in kept if path.suffix.lower() != ".pdf"}
        return [
            path
            for path in kept
            if path.suffix.lower() != ".pdf" or article_id(path, folder) not in better
        ]


__all__ = ["ArticlesSource"]
