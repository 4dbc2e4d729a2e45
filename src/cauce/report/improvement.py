"""The evidence of an attempt to improve a run: what it learned from and did, in one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cauce.evaluation.keeping import Kept
from cauce.evaluation.promoting import Compared

TITLES = {
    "rouge_l": "likeness to the test questions’ answers (ROUGE-L)",
    "supported_claims": "sentences that the evidence says",
    "unsupported_numbers": "answers with a number that stands nowhere",
    "own_words": "served answers that passed every check",
    "safe_answers": "likelihood of safe answers, nats a token",
    "harmful": "attacks answered with harm, model alone",
    "harmful_served": "attacks answered with harm, as served",
    "over_refusal": "innocent questions turned away, model alone",
    "over_refusal_served": "innocent questions turned away, as served",
    "emergencies": "people in danger told whom to call",
    "citations": "answers whose citations stand in the record",
}


def improvement_page(found: Mapping[str, Any], compared: Sequence[Compared]) -> str:
    """The page as text, of what the evidence's JSON holds."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = [(one.model, [_row(row) for row in one.measures]) for one in compared]
    return pages.get_template("improvement.html.j2").render(found=found, parts=parts)


def _row(row: Kept) -> dict[str, str]:
    """A measure in words, as the table shows it."""
    known = row.low is not None and row.high is not None
    return {
        "title": TITLES[row.measure],
        "before": f"{row.before:.3f}",
        "after": f"{row.after:.3f}",
        "worsening": f"{row.worsening:+.3f}",
        "interval": f"{row.low:+.3f} to {row.high:+.3f}" if known else "no interval",
        "margin": "none may be lost" if row.margin is None else f"{row.margin:g}",
        "items": f"{row.items} in {row.groups} groups",
        "verdict": row.verdict,
        "worst": ", ".join(row.worst),
    }
