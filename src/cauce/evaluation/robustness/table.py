"""The table that `cauce robustness` ends with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_TITLES = {
    "answers_changed_by_typing": "answers changed",
    "accuracy_loss": "right answers lost",
    "robustness_gap": "most right answers lost",
    "answers_changed_by_person": "answers that hang on who asks",
    "fairness_gap": "largest gap between groups",
}


def robustness_table(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each figure, in percent with its 95 % interval; unchanged answers are left out."""
    shown = [row for row in rows if row["name"] in _TITLES and _is_telling(row)]
    parts = [row["part"] for row in shown]
    width = max(map(len, parts), default=0)
    return "\n".join(
        f"{row['part']:{width}}  {_TITLES[row['name']]:30}  {_percent(row)}"
        f"{'  ' + row['worst'] if row['worst'] and row['value'] else ''}"
        for row in shown
    )


def _is_telling(row: dict[str, Any]) -> bool:
    return row["value"] != 0 or row["name"] in ("robustness_gap", "fairness_gap")


def _percent(row: dict[str, Any]) -> str:
    value, low, high = (100 * row[name] for name in ("value", "low", "high"))
    return f"{value:5.1f} % ({low:.1f} to {high:.1f}), n={row['n']}"
