"""The twin against its bars: `python -m benchmarks.twin [--only fhir,scales]`.

Figures go to stdout as JSON lines, progress to stderr. `fhir` and `risk` need the real inputs of
`CAUCE_SHARED_DATA`.
"""

from __future__ import annotations

import argparse
import importlib
import sys

SECTIONS = ("fhir", "scales", "risk", "conversation", "prefix", "images")


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
        importlib.import_module(f"benchmarks.twin.{name}").measure()


if __name__ == "__main__":
    main()
