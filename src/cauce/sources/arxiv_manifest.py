"""What was fetched from arXiv into a folder: one ArxivArticle a line in `manifest.jsonl`.

Lines are added as articles come; of several on one article the last counts. A line that a kill cut
short is dropped when the file is opened again, and its article fetched again.
"""

from __future__ import annotations

from pathlib import Path

from cauce.runs import atomic_write, read_records, sha256_of_file
from cauce.sources.arxiv_record import ArxivArticle

MANIFEST = "manifest.jsonl"


def read_manifest(folder: Path) -> dict[str, ArxivArticle]:
    """The articles of a folder by id, in the order in which they were first fetched."""
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    return {article.id: article for article in read_records(path, ArxivArticle)}


class Manifest:
    """The manifest of a folder, open for more; it is made when it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        _drop_cut_line(folder / MANIFEST)
        self._articles = read_manifest(folder)

    def whole(self, listed: ArxivArticle, *, full_text: bool) -> ArxivArticle | None:
        """What was fetched of this version of an article, its PDF unharmed; None: fetch it."""
        fetched = self._articles.get(listed.id)
        if fetched is None or fetched.version != listed.version:
            return None
        if not full_text:
            return fetched
        path = self._folder / fetched.file
        if not path.is_file() or path.stat().st_size != fetched.bytes:
            return None
        return fetched if sha256_of_file(path) == fetched.sha256 else None

    def add(self, article: ArxivArticle, pdf: bytes | None = None) -> ArxivArticle:
        """Keeps an article, after its PDF where it has one; what the manifest says of it."""
        if pdf is not None:
            path = self._folder / f"{article.id}.pdf"
            with atomic_write(path) as stream:
                stream.write(pdf)
            found = {"file": f"{article.id}.pdf", "sha256": sha256_of_file(path)}
            article = article.model_copy(update={**found, "bytes": len(pdf)})
        with (self._folder / MANIFEST).open("ab") as stream:
            stream.write(article.model_dump_json(exclude_defaults=True).encode() + b"\n")
        self._articles[article.id] = article
        return article


def _drop_cut_line(path: Path) -> None:
    """Ends a file of lines after its last whole line."""
    if path.is_file():
        with path.open("r+b") as stream:
            stream.truncate(stream.read().rfind(b"\n") + 1)
