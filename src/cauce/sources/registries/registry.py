"""Questions to a registry: paced for all threads, kept on disk, and replayed without a network."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cauce.errors import DataRefused, SourceUnavailable, UserError
from cauce.records import Record
from cauce.sources.kept import Answer, KeptAnswers, now
from cauce.sources.pace import Pace
from cauce.sources.polite import ask, polite_client

if TYPE_CHECKING:
    import httpx

MOST_AT_ONCE = 8
NOT_ALLOWED = (401, 403, 407)


class RegistrySettings(Record):
    """How the registries are asked."""

    mailto: str = ""
    """An address by which the registries reach whoever asks; they answer faster with one."""
    folder: Path | None = None
    """Where answers are kept; without it every question is asked again."""
    max_age_days: float = 90.0
    """An older answer is asked for again: retractions come late."""
    offline: bool = False
    """Only kept answers, however old; a question without one is an error."""


class Registry:
    """One registry; threads may share it. A context manager, so that its connections are closed."""

    def __init__(self, url: str, settings: RegistrySettings, *, per_second: float) -> None:
        self._url = url.rstrip("/") + "/"
        self._settings = settings
        self._kept = KeptAnswers(settings.folder, settings.max_age_days)
        self._pace = Pace(per_second, MOST_AT_ONCE)
        self._client: httpx.Client | None = None
        self._opening = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections; the next question opens others."""
        with self._opening:
            if self._client is not None:
                self._client.close()
                self._client = None

    def answer(self, path: str, query: Mapping[str, str | int]) -> Any:
        """The parsed JSON; None where the registry has nothing or cannot read the question.

        Both are kept, so that neither is asked twice. SourceUnavailable when there is no answer,
        UserError when the registry does not let one ask, DataRefused when it sends no JSON.
        """
        import httpx

        url = str(httpx.URL(self._url + path).copy_merge_params(query))
        answer = self._kept.find(url)
        if self._settings.offline and answer is None:
            raise SourceUnavailable(
                f"{url} has no kept answer in {self._settings.folder}, and only those are used.\n"
                "Run the same command once without offline, to ask and keep it."
            )
        if answer is None or not (self._settings.offline or self._kept.is_fresh(answer)):
            answer = self._request(url)
        try:
            content = json.loads(answer.text) if answer.text else None
        except ValueError as error:
            raise DataRefused(
                f"{url} answered what is no JSON: {error}.\n"
                "Nothing of it was used. Ask again later; if it stays so, the service has changed."
            ) from error
        self._kept.keep(answer)
        return content

    def _request(self, url: str) -> Answer:
        response = ask(self._open(), url, {"Accept": "application/json"}, pace=self._pace)
        if response.status_code in NOT_ALLOWED:
            raise UserError(
                f"{url} was refused (HTTP {response.status_code}): {response.text[:200].strip()}\n"
                "Give a mailto that reaches you, or ask the registry why it turned you away."
            )
        return Answer(url, response.text if response.status_code < 400 else "", now())

    def _open(self) -> httpx.Client:
        with self._opening:
            if self._client is None:
                self._client = polite_client(mailto=self._settings.mailto, connections=MOST_AT_ONCE)
                self._client.follow_redirects = True
            return self._client
