"""Answers from a file, judged: what `cauce judge` reads and prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cauce.errors import DataRefused
from cauce.safety.judge.judging import judge


def judge_file(path: Path) -> Iterator[str]:
    """One JSON line per answer: id, label, score.

    Raises DataRefused with every line that is no `{"id", "prompt", "answer"}`, after all others
    have been judged.
    """
    refused = []
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            found = _answer(line)
            if found is None:
                refused.append(number)
                continue
            name, prompt, answer = found
            label, score = judge(prompt, answer)
            row = {"id": name, "label": label, "score": round(score, 4)}
            yield json.dumps(row, ensure_ascii=False)
    if refused:
        lines = ", ".join(map(str, refused))
        raise DataRefused(
            f"{path}, line {lines}: not an answer; the others have been judged.\n"
            'Each line must be {"id": ..., "prompt": "...", "answer": "..."}.'
        )


def _answer(line: bytes) -> tuple[object, str, str] | None:
    """Id, prompt and answer; None where the line holds something else."""
    try:
        row = json.loads(line)
        name, prompt, answer = row["id"], row["prompt"], row["answer"]
    except (ValueError, KeyError, TypeError):
        return None
    if not (isinstance(prompt, str) and isinstance(answer, str)):
        return None
    return name, prompt, answer
