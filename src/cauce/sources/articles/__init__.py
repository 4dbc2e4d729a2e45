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
        """The files that are read."""
        return matching_files(self.path, (*ENDINGS, *(f"{ending}.gz" for ending in ENDINGS)))

    def documents(self) -> Iterator[Document | Refusal]:
        """Each article of each file as a Document, or the reason why it is refused."""
        retrieved = today()
        for path in self.inputs():
            yield from read_articles(Given(path, self.language, self.licence, retrieved))


__all__ = ["ArticlesSource"]
