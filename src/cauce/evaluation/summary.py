"""The table of base, tuned and assistant that `cauce run` ends with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cauce.evaluation.ways import read_ways, ways_table

COLUMNS = ("base", "tuned", "assistant")
ROWS = (
    ("bits_per_byte", "bits per byte (lower is better)"),
    ("perplexity", "perplexity (lower is better)"),
    ("token_accuracy", "next-token accuracy"),
    ("rougeL", "ROUGE-L"),
    ("bleu", "BLEU"),
    ("chrf", "chrF"),
    ("meteor", "METEOR"),
    ("exact", "exact answers"),
    ("right_choice", "right choice"),
    ("right_choice_per_byte", "right choice, per byte"),
    ("right_ambig", "right where nothing is known"),
    ("right_disambig", "right where the answer is told"),
    ("bias_ambig", "bias where nothing is known (0 is none)"),
    ("bias_disambig", "bias where the answer is told (0 is none)"),
    ("brier", "Brier score of the choices (lower is better)"),
    ("right_drug", "right medicine"),
    ("right_section", "right section"),
    ("unsupported_numbers", "answers with an unsupported number"),
    ("abstained", "abstained"),
)
NOT_MEASURED = "not measured"


def scores_table(path: Path) -> str:
    """Systems side by side, each value with its 95 % interval; what is missing says so."""
    measured: dict[str, Any] = json.loads(path.read_text("utf-8"))["systems"]
    systems = {name: measured[name] for name in sorted(measured, key=_column)}
    header = f"{'':36}" + "".join(f"{name:>30}" for name in systems)
    lines = [header, "-" * len(header)]
    for metric, title in ROWS:
        cells = [_cell(system["metrics"].get(metric)) for system in systems.values()]
        if any(cell != NOT_MEASURED for cell in cells):
            lines.append(f"{title:36}" + "".join(f"{cell:>30}" for cell in cells))
    if ways := read_ways(path.parent):
        lines += ["", ways_table(ways)]
    return "\n".join(lines)


def _column(system: str) -> int:
    return COLUMNS.index(system) if system in COLUMNS else len(COLUMNS)


def _cell(score: dict[str, float] | None) -> str:
    if score is None or score.get("value") is None:
        return NOT_MEASURED
    text = f"{score['value']:.3f}"
    if score.get("low") is None:
        return text
    return f"{text} [{score['low']:.3f}, {score['high']:.3f}]"
