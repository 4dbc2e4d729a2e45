"""Measurements against the bars: `python -m benchmarks.NAME` prints one JSON object a line."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence


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


def measure_sections(package: str, sections: Sequence[str], about: str | None) -> None:
    """Runs `measure` of the sections that `--only` names, all by default; names go to stderr."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default=",".join(sections), help="sections, comma between them")
    chosen = parser.parse_args().only.split(",")
    if unknown := sorted({*chosen} - {*sections}):
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(sections)}")
    for name in chosen:
        print(name, file=sys.stderr, flush=True)
        importlib.import_module(f"{package}.{name}").measure()
