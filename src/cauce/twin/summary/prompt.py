"""A summary as a model reads it: data in quotation marks, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Callable

from cauce.safety.guard.finding import guard_input
from cauce.safety.guard.settings import GuardSettings
from cauce.twin.summary.recorded import Summary
from cauce.twin.summary.wording import SAID


def prompt_text(summary: Summary, tokens_of: Callable[[str], int], most_tokens: int) -> str:
    """The statements that fit, each as a quotation, under a line that says what they are.

    The most important stand first. What reads like an attack on the model is left out, and the
    last line counts what is missing. Empty where not even one statement fits.
    """
    said = SAID[summary.language]
    kept = [f"- «{one.text}»" for one in summary.statements if _is_plain(one.text)]
    for fitting in range(len(kept), 0, -1):
        missing = len(summary.statements) - fitting
        last = [said["left_out"].format(count=missing)] if missing else []
        text = "\n".join([said["data"], *kept[:fitting], *last])
        if tokens_of(text) <= most_tokens:
            return text
    return ""


def _is_plain(text: str) -> bool:
    return guard_input(text, GuardSettings()) is None
