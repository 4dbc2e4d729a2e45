"""The app against its bars: `python -m benchmarks.serving [--only kill,streams]`.

Figures go to stdout as JSON lines, progress to stderr. `pages` needs Chromium and playwright.
"""

from __future__ import annotations

import argparse
import importlib
import sys

SECTIONS = (
    *("pages", "kill", "streams", "hostile"),
    *("preferences", "improve", "isolation", "policy"),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, comma between them")
    chosen = parser.parse_args().only.split(",")
    if unknown := sorted({*chosen} - {*SECTIONS}):
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    for name in chosen:
        print(name, file=sys.stderr, flush=True)
        importlib.import_module(f"benchmarks.serving.{name}").measure()


if __name__ == "__main__":
    main()
