"""Answers from a file, judged: what `cauce judge` reads and prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cauce.safety.judge.judging import judge
from cauce.safety.lines import answered


def judge_file(path: Path) -> Iterator[str]:
    """One JSON line per answer: id, label, score; DataRefused at the end names bad lines."""
    return answered(path, ("prompt", "answer"), _judged)


def _judged(prompt: str, answer: str) -> dict[str, Any]:
    label, score = judge(prompt, answer)
    return {"label": label, "score": round(score, 4)}
