"""The evidence of a run as `trust.json`: a log made at once, each row chained to the one before.

    {"entries": [{"event": "report", ...}, {"event": "file", ...}, {"event": "evidence", ...}],
     "head": {"entries": 71, "sha256": "9c1e...", "time": "2026-11-29T13:00:00.000000Z"}}

The head is printed on the page and on the model card, and can be signed. What the chain cannot
show is what `cauce.audit` says: whoever writes all of it anew, page and card too, is not found
without a head that was signed, or noted down elsewhere, before.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

import cauce
from cauce import audit
from cauce.errors import DataRefused
from cauce.records import Language, Record
from cauce.report.trust.evidence import Evidence
from cauce.report.trust.gathering import gather
from cauce.report.trust.measures import law
from cauce.report.trust.served import FOLDER, months
from cauce.runs import Run, fingerprint, sha256_of_file

REPORT, FILE, LOG, EVIDENCE = "report", "file", "log", "evidence"
"""Events of the chain: what is reported on, what was read, how far a log had come, what is known"""
WRITERS = ("jinja2", "huggingface_hub")
"""Packages whose version decides how page and card are written."""


class Cover(Record):
    """What the first entry says: whose report it is and what made it."""

    run: str
    language: Language
    country: str
    """Whose electricity was used, ISO 3166-1 alpha-3."""
    notice: str
    law_read: str
    written_by: dict[str, str]
    """Versions of cauce, of the packages that write page and card, and of their wording."""


class SourceFile(Record):
    """A file that evidence was read from."""

    path: str
    """In the run's folder."""
    sha256: str
    bytes: int


class LogMark(Record):
    """How far a month of the served assistant's log had come."""

    path: str
    head: audit.LogHead


_KINDS: dict[str, type[Record]] = {
    REPORT: Cover,
    FILE: SourceFile,
    LOG: LogMark,
    EVIDENCE: Evidence,
}


class Dossier(Record):
    """The whole of `trust.json`."""

    entries: tuple[audit.Entry, ...] = Field(min_length=1)
    head: audit.LogHead

    @model_validator(mode="after")
    def _holds_what_it_says(self) -> Dossier:
        """Every entry is of a kind that is known here."""
        if [entry.event for entry in self.entries].count(REPORT) != 1 or (
            self.entries[0].event != REPORT
        ):
            raise ValueError(f"the first entry, and no other, is of the kind {REPORT!r}")
        for entry in self.entries:
            if entry.event not in _KINDS:
                raise ValueError(f"no entry is of the kind {entry.event!r}")
            _KINDS[entry.event].model_validate(entry.details)
        return self

    @property
    def cover(self) -> Cover:
        """The first entry."""
        return Cover.model_validate(self.entries[0].details)

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """What was read, in order."""
        return tuple(SourceFile.model_validate(details) for details in self._of(FILE))

    @property
    def logs(self) -> tuple[LogMark, ...]:
        """Months of the served assistant's log."""
        return tuple(LogMark.model_validate(details) for details in self._of(LOG))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every row, in order."""
        return tuple(Evidence.model_validate(details) for details in self._of(EVIDENCE))

    def _of(self, event: str) -> Iterator[dict[str, Any]]:
        return (entry.details for entry in self.entries if entry.event == event)


def written_by() -> dict[str, str]:
    """What writes page and card here; `wording` changes with each change of their text or form."""
    sources = sorted(it for it in Path(__file__).parent.iterdir() if it.suffix in (".py", ".j2"))
    return {
        "cauce": cauce.__version__,
        **{name: importlib.metadata.version(name) for name in WRITERS},
        "wording": fingerprint(*(sha256_of_file(path) for path in sources)),
    }


def make_dossier(run: Run, *, language: Language = "en", country: str = "ESP") -> Dossier:
    """What is known of the run today; raises as the readers of its files do."""
    entries, head = audit.chain(_events(run, language, country))
    return Dossier(entries=entries, head=head)


def _events(run: Run, language: Language, country: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = gather(run, country)
    cover = Cover(
        run=run.path.name,
        language=language,
        country=country,
        notice=run.manifest.get("notice", ""),
        law_read=law().read,
        written_by=written_by(),
    )
    yield REPORT, cover.model_dump(mode="json")
    logs = months(run.path / FOLDER)
    for path in _read_files(run, rows):
        if path not in logs:
            name = path.relative_to(run.path).as_posix()
            read = SourceFile(path=name, sha256=sha256_of_file(path), bytes=path.stat().st_size)
            yield FILE, read.model_dump(mode="json")
    for path in logs:
        mark = LogMark(path=path.relative_to(run.path).as_posix(), head=audit.head_of(path))
        yield LOG, mark.model_dump(mode="json")
    for row in rows:
        yield EVIDENCE, row.model_dump(mode="json")


def _read_files(run: Run, rows: tuple[Evidence, ...]) -> list[Path]:
    """The run's files that rows stand in, and those that say how the run was made."""
    names = {"manifest.json", "recipe.yaml", *(row.file for row in rows if row.file)}
    return [path for name in sorted(names) if (path := run.path / name).is_file()]


def dumped(dossier: Dossier) -> bytes:
    """The one way to write a dossier: indented JSON, keys sorted."""
    content = dossier.model_dump(mode="json")
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    return text.encode() + b"\n"


def read_dossier(content: bytes, name: str) -> Dossier:
    """The dossier in `content`, unverified; DataRefused where it is none."""
    try:
        return Dossier.model_validate_json(content)
    except ValidationError as error:
        raise DataRefused(
            f"{name} is no report of trust: {' '.join(str(error).split())[:200]}\n"
            "Name a trust.json as cauce report RUN --trust writes it."
        ) from error
