"""Never another drug: what the assistant on medicines promises, measured on real labels.

    python -m benchmarks.medicines                        every section
    python -m benchmarks.medicines --only names,claims    some of them
    python -m benchmarks.medicines --only numbers --run vademecum    what a run's model writes

It needs no trained model: what is shown without one is measured. Figures go to stdout as JSON
lines, progress to stderr.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from benchmarks import sections_parser
from benchmarks.medicines.options import Options

SECTIONS = ("names", "sections", "answers", "numbers", "claims", "plain", "cleaning", "scale")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def main() -> None:
    parser = sections_parser(__doc__, SECTIONS)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("CAUCE_SHARED_DATA", SHARED)),
        help="folder of the shared inputs",
    )
    parser.add_argument("--quick", action="store_true", help="smaller sets")
    parser.add_argument("--failures", type=Path, help="folder for what was not right")
    parser.add_argument("--run", help="a trained run, whose model then writes in `numbers`")
    arguments = parser.parse_args()
    if not (arguments.data / "openfda").is_dir():
        parser.error(f"no openfda in {arguments.data}; name the shared inputs with --data")
    options = Options(arguments.data, arguments.quick, arguments.failures, arguments.run)
    for name in arguments.only:
        section = importlib.import_module(f"benchmarks.medicines.{name}")
        print(f"{name}: {section.__doc__.splitlines()[0]}", file=sys.stderr, flush=True)
        section.run(options)


if __name__ == "__main__":
    main()
