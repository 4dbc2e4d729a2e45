"""Measurements against the bars: `python -m benchmarks.NAME` prints one JSON object a line."""

from __future__ import annotations

import json


def report(metric: str, value: float, bar: float | None, better: str = "lower") -> None:
    """Prints the figure beside its bar, and whether it is met; without a bar, `ok` is null."""
    ok = None if bar is None else value <= bar if better == "lower" else value >= bar
    line = {
        "metric": metric,
        "value": float(f"{value:.5g}"),
        "bar": bar,
        "better": better,
        "ok": ok,
    }
    print(json.dumps(line), flush=True)
