"""What the served assistant did, reply by reply, in a log that shows when it was changed.

    RUN/serve/audit-2026-11.jsonl    one file a month, each line chained to the one before it
    RUN/serve/audit.key              makes the marks of texts; for the owner alone

No question and no answer is written: each leaves a mark (HMAC-SHA-256) by which whoever holds the
key can show that a text is the one that was asked or given, and nobody can guess it. Deleting the
key makes every mark meaningless. A month begins with the head of the month before it.

Regulation (EU) 2024/1689 asks for such events (Article 12) and for six months of them at least
(Article 19). cauce deletes none: whole months are for whoever answers for the system to remove.
"""

from __future__ import annotations

import hmac
import itertools
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cauce
from cauce import audit
from cauce.assistant.personal.telling import RECORD
from cauce.errors import CauceError
from cauce.knowledge.sections.store import SectionEntry
from cauce.models.promoted import served_model
from cauce.records import Language, Message, Reply
from cauce.report.trust.served import FOLDER, FOLLOWS, REPLIED, MonthBefore, months
from cauce.runs import Run, atomic_write
from cauce.serving.queue import Answerer
from cauce.signatures import require_private

STARTED, FAILED = "server started", "reply failed"
_KEY = "audit.key"
_KEY_BYTES = 32


class AuditLog:
    """The log in a folder. Raises DataRefused where its last line is no line of a log."""

    def __init__(self, folder: Path, served: Mapping[str, Any]) -> None:
        """`served` is what is served, for the first line: name and versions."""
        self._folder = folder
        self._key = _key_in(folder)
        self._lost = 0
        self._append(STARTED, {"cauce": cauce.__version__, **served})

    def mark(self, text: str) -> str:
        """What stands for the text in the log."""
        return hmac.digest(self._key, text.encode(), "sha256").hex()

    def record(self, event: str, details: Mapping[str, Any]) -> None:
        """Appends one event, which is on the disk when this returns.

        A disk that is full does not keep the answer from whoever waits for it: the loss is told on
        stderr, and in the next line that can be written.
        """
        lost = {"lost_before": self._lost} if self._lost else {}
        try:
            self._append(event, {**details, **lost})
        except (OSError, CauceError) as error:
            self._lost += 1
            print(f"a reply could not be logged ({self._lost} by now): {error}", file=sys.stderr)
        else:
            self._lost = 0

    def _append(self, event: str, details: Mapping[str, Any]) -> None:
        path = self._folder / f"audit-{datetime.now(UTC):%Y-%m}.jsonl"
        if not path.exists() and (before := months(self._folder)):
            ended = MonthBefore(file=before[-1].name, **audit.head_of(before[-1]).model_dump())
            audit.append(path, FOLLOWS, ended.model_dump())
        audit.append(path, event, details)


class Recorded:
    """An assistant whose every reply is in the log before it leaves."""

    def __init__(self, assistant: Answerer, log: AuditLog) -> None:
        self._assistant, self._log = assistant, log

    def reply(
        self,
        question: str,
        history: Sequence[Message] = (),
        *,
        plain: bool = False,
        images: Sequence[str] = (),
    ) -> Reply:
        """The assistant's reply; what it raises is logged by its kind, and raised."""
        start = time.monotonic()
        asked = {
            "question": self._log.mark(question),
            "characters": len(question),
            "turns_before": len(history),
            **({"images": [self._log.mark(image) for image in images]} if images else {}),
        }
        try:
            reply = self._assistant.reply(question, history, plain=plain, images=images)
        except Exception as error:
            self._log.record(FAILED, {**asked, "error": type(error).__name__})
            raise
        seconds = round(time.monotonic() - start, 3)
        answer = {"answer": self._log.mark(reply.text), **told(reply), "seconds": seconds}
        self._log.record(REPLIED, {**asked, **answer})
        return reply

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """The assistant's own."""
        return self._assistant.section(source, document_id, section_id, language)


def told(reply: Reply) -> dict[str, Any]:
    """What of a reply is logged: what it rests on and what was checked, no word of either side.

    What a person's record says is not, nor what is cited because of it.
    """
    fields = {"abstained", "group", "kind", "language", "generated", "plain"}
    return {
        **reply.model_dump(mode="json", include=fields),
        # Behind the colon stand words of the question.
        "reason": reply.reason.partition(":")[0],
        "citations": [
            [cited.source, cited.id, cited.version, cited.section, cited.start, len(cited.quote)]
            for cited in itertools.takewhile(lambda it: it.source != RECORD, reply.citations)
        ],
        "checks": {check.name: check.passed for check in reply.checks},
    }


def open_log(run: Run) -> AuditLog:
    """The log of whoever serves the run: its name, versions, stages and weights."""
    manifest = run.manifest
    stages = {name: entry["fingerprint"] for name, entry in manifest["stages"].items()}
    served = {
        "run": run.path.name,
        "versions": manifest.get("versions", {}),
        "stages": stages,
        "weights": served_model(run),
    }
    return AuditLog(run.path / FOLDER, served)


def _key_in(folder: Path) -> bytes:
    path = folder / _KEY
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path, private=True) as stream:
            stream.write(secrets.token_bytes(_KEY_BYTES))
        folder.chmod(0o700)
    require_private(path)
    return path.read_bytes()
