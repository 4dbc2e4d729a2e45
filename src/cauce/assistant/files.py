"""Questions from a file and replies as text: what `cauce ask` reads and prints."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from cauce.assistant.guarded import GuardedAssistant
from cauce.errors import DataRefused
from cauce.records import Citation, Reply

CITATION_FIELDS = {"source", "id", "version", "section", "quote"}


def answer_file(assistant: GuardedAssistant, path: Path, *, batch_size: int = 64) -> Iterator[str]:
    """One JSON line per question: id, text, citations, abstained, reason, confidence.

    Raises DataRefused with file and line at the first line that is no `{"id", "question"}`; the
    answers to the lines before it have been given by then.
    """
    for batch in _batches(_questions(path), batch_size):
        replies = assistant.replies([question for _, question in batch])
        for (name, _), reply in zip(batch, replies, strict=True):
            yield json.dumps(_row(name, reply), ensure_ascii=False)


def _batches(
    questions: Iterator[tuple[object, str]], size: int
) -> Iterator[list[tuple[object, str]]]:
    """Up to `size` questions at a time; those before a refused line come before the refusal."""
    batch: list[tuple[object, str]] = []
    try:
        for question in questions:
            batch.append(question)
            if len(batch) == size:
                yield batch
                batch = []
    except DataRefused:
        yield batch
        raise
    yield batch


def _questions(path: Path) -> Iterator[tuple[object, str]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                name, question = row["id"], row["question"]
            except (ValueError, KeyError, TypeError) as error:
                raise _not_a_question(path, number) from error
            if not isinstance(question, str):
                raise _not_a_question(path, number)
            yield name, question


def _not_a_question(path: Path, number: int) -> DataRefused:
    return DataRefused(
        f"{path}, line {number}: not a question.\n"
        'Each line must be {"id": ..., "question": "..."}.'
    )


def _row(name: object, reply: Reply) -> dict[str, object]:
    return {
        "id": name,
        "text": reply.text,
        "citations": [_citation(citation) for citation in reply.citations],
        "abstained": reply.abstained,
        "reason": reply.reason,
        "confidence": reply.confidence,
    }


def _citation(citation: Citation) -> dict[str, str]:
    return citation.model_dump(include=CITATION_FIELDS)


def render(reply: Reply) -> str:
    """The reply for a terminal: the answer, its numbered sources with quotes, why it is so."""
    lines = _referenced(reply)
    for number, citation in enumerate(reply.citations, 1):
        place = f"{citation.source}/{citation.id}/{citation.version}/{citation.section}"
        lines += ["", f"[{number}] {citation.title} ({place})", f"    {citation.quote}"]
    if reply.reason:
        lines += ["", f"({reply.reason})"]
    return "\n".join(lines)


def _referenced(reply: Reply) -> list[str]:
    """The statements, those that rest on one citation together, with its number."""
    runs = itertools.groupby(reply.statements, key=lambda statement: statement.citation)
    return [
        " ".join(statement.text for statement in run)
        + ("" if citation is None else f" [{citation + 1}]")
        for citation, run in runs
    ]
