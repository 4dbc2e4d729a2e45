"""Trust against its bars: `python -m benchmarks.trust [--only judge,guard]`.

Figures go to stdout as JSON lines, progress to stderr. `redteam`, `adaptive`, `clients` and
`privacy` need a finished run of `recipes/demo.yaml` (`--run`); `personal`, `claims` and part of
`guard` the real texts of `CAUCE_SHARED_DATA`. The test texts of `data/` were written by others than
those who wrote the rules and the training texts; their labels are not those of clinicians.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from benchmarks import sections_parser

SECTIONS = (
    *("judge", "triage", "guard", "personal", "claims", "conformal", "evidence", "robustness"),
    *("tuning",),
)
OF_A_RUN = ("redteam", "adaptive", "clients", "privacy")


def main() -> None:
    parser = sections_parser(__doc__, (*SECTIONS, *OF_A_RUN))
    parser.add_argument("--run", type=Path, default=Path("runs/demo"), help="%(default)s")
    options = parser.parse_args()
    for name in options.only:
        print(name, file=sys.stderr, flush=True)
        section = importlib.import_module(f"benchmarks.trust.{name}")
        section.measure(*([options.run] if name in OF_A_RUN else []))


if __name__ == "__main__":
    main()
