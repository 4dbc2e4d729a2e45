"""Answers of a server kept on disk with the moment of their retrieval, one file each.

A fetch that was killed finds them and asks only for the rest; an answer older than its age may be
confirmed by a conditional request instead of being sent again.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import json
import zlib
from pathlib import Path
from typing import NamedTuple

from cauce.runs import atomic_write


class Answer(NamedTuple):
    """What a server answered to one address; `text` is empty where it has nothing there."""

    url: str
    text: str
    retrieved: str
    """ISO 8601 moment, in UTC, at which it was received or last confirmed."""
    etag: str = ""
    modified: str = ""

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask for the answer only if it has changed."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in asked.items() if value}


class KeptAnswers:
    """The answers in a folder; without a folder nothing is kept and nothing is found."""

    def __init__(self, folder: Path | None, max_age_days: float) -> None:
        self._folder = folder
        self._max_age = datetime.timedelta(days=max_age_days)

    def find(self, url: str) -> Answer | None:
        """The answer kept for an address, however old; a damaged file counts as none."""
        if self._folder is None:
            return None
        try:
            kept = Answer(*json.loads(gzip.decompress(self._path(self._folder, url).read_bytes())))
        except (OSError, EOFError, zlib.error, ValueError, TypeError):
            return None
        return kept if kept.url == url else None

    def is_fresh(self, answer: Answer) -> bool:
        """True while the answer may be used without asking again."""
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(
            answer.retrieved
        )
        return age <= self._max_age

    def keep(self, answer: Answer) -> None:
        """Writes the answer, whole or not at all."""
        if self._folder is None:
            return
        content = json.dumps(answer, ensure_ascii=False).encode()
        with atomic_write(self._path(self._folder, answer.url)) as stream:
            stream.write(gzip.compress(content, compresslevel=3))

    @staticmethod
    def _path(folder: Path, url: str) -> Path:
        return folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json.gz"


def now() -> str:
    """The current moment in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
