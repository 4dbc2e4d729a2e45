"""Measurements against the bars: `python -m benchmarks.NAME` prints one JSON object a line."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterable, Sequence


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


def sections_parser(about: str | None, sections: Iterable[str]) -> argparse.ArgumentParser:
    """A parser with `--only`: the list of sections that it names, all of them by default."""
    known = tuple(sections)

    def named(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := sorted({*chosen} - {*known}):
            reason = f"no section {', '.join(unknown)}; there are {', '.join(known)}"
            raise argparse.ArgumentTypeError(reason)
        return chosen

    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", type=named, default=[*known], help=f"of {','.join(known)}")
    return parser


def measure_sections(package: str, sections: Sequence[str], about: str | None) -> None:
    """Runs `measure` of the sections that `--only` names, all by default; names go to stderr."""
    for name in sections_parser(about, sections).parse_args().only:
        print(name, file=sys.stderr, flush=True)
        importlib.import_module(f"{package}.{name}").measure()
