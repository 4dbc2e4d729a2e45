"""arXiv asked through its public interfaces: search, licences, PDFs (info.arxiv.org/help/api).

Its terms allow one request in three seconds over one connection, all of its interfaces together,
so every request of the process takes its turn here, repeated and redirected ones too. At most 2,000
results are given per call and 30,000 per query. Answers are kept for a day: arXiv's lists change
once a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cauce.errors import DataRefused, SourceUnavailable
from cauce.sources.arxiv_record import ArxivArticle, Feed, feed_of, licence_of
from cauce.sources.kept import Answer, KeptAnswers, now
from cauce.sources.pace import Pace
from cauce.sources.polite import ask, polite_client

if TYPE_CHECKING:
    import httpx

ARXIV = "https://export.arxiv.org"
RECORDS = "https://oaipmh.arxiv.org/oai"
MOST_RESULTS = 30_000
PAGE_SIZE = 500
"""arXiv gives up to 2,000 and is slow to; its manual asks for smaller slices."""
ATTEMPTS = 3
"""A page may come without its entries; asked again, it has them."""


PACE = Pace(per_second=1 / 3)
"""That of all questions of this process to arXiv."""


class ArxivClient:
    """Questions to arXiv; use it as a context manager, so that its connection is closed."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url.rstrip("/")
        self._kept = KeptAnswers(folder, max_age_days=1.0)
        self._client = polite_client()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def search(self, query: str, most: int) -> Iterator[ArxivArticle | str]:
        """The articles found, each once, as arXiv ranks them; a str says what an entry lacks."""
        seen: set[str] = set()
        start, total = 0, 1
        while start < min(total, most):
            feed = self._page(query, start, min(PAGE_SIZE, most - start))
            total = feed.total
            start += feed.entries
            yield from feed.faults
            for article in feed.articles:
                if article.id not in seen:
                    seen.add(article.id)
                    yield article

    def licence(self, article: ArxivArticle) -> str:
        """Address of the article's licence, from its record; empty where arXiv does not tell."""
        identifier = f"oai:arXiv.org:{article.id}"
        query = {"verb": "GetRecord", "identifier": identifier, "metadataPrefix": "arXiv"}
        answer = self._text(RECORDS, query)
        try:
            licence = licence_of(answer.text)
        except ValueError as error:
            raise _unreadable(answer.url, str(error)) from error
        self._kept.keep(answer)
        return licence

    def pdf(self, article: ArxivArticle) -> bytes:
        """The whole PDF of an article; DataRefused where arXiv gives none."""
        url = f"{self._url}/pdf/{article.id}v{article.version}"
        answer = self._ask(url)
        if answer.status_code != 200:
            raise _unreadable(url, f"HTTP {answer.status_code}")
        if not answer.content.startswith(b"%PDF-"):
            raise _unreadable(url, f"no PDF: it begins with {answer.content[:20]!r}")
        return answer.content

    def _page(self, query: str, start: int, size: int) -> Feed:
        parameters = {"search_query": query, "start": str(start), "max_results": str(size)}
        for _ in range(ATTEMPTS):
            answer = self._text(f"{self._url}/api/query", parameters)
            try:
                feed = feed_of(answer.text)
            except ValueError as error:
                raise _unreadable(answer.url, str(error)) from error
            if feed.entries or start >= feed.total:
                self._kept.keep(answer)
                return feed
        raise SourceUnavailable(
            f"{answer.url} gave none of its {feed.total} results, {ATTEMPTS} times.\n"
            "Run the same command again later: what was already received is kept."
        )

    def _text(self, url: str, parameters: dict[str, str]) -> Answer:
        """The answer to a question, that of the same day where it was kept."""
        import httpx

        address = str(httpx.URL(url).copy_merge_params(parameters))
        kept = self._kept.find(address)
        if kept and self._kept.is_fresh(kept):
            return kept
        answer = self._ask(address)
        if answer.status_code not in (200, 400):
            raise _unreadable(address, f"HTTP {answer.status_code}")
        return Answer(address, answer.text, now())

    def _ask(self, url: str) -> httpx.Response:
        answer = ask(self._client, url, pace=PACE)
        if answer.next_request:
            return ask(self._client, str(answer.next_request.url), pace=PACE)
        return answer


def _unreadable(url: str, reason: str) -> DataRefused:
    return DataRefused(
        f"{url} answered what cannot be used: {reason}.\n"
        "Nothing of it was kept. Ask again later; if it stays so, the article has no such file."
    )
