"""The training engine against its peers and its promises: `python -m benchmarks.training`.

On the CPU, one thread; ratios are of CPU time, so that a busy machine matters little. Figures go to
stdout as JSON lines, progress to stderr. `--device cuda` prints a table for an accelerator instead.
"""

from __future__ import annotations

import argparse

from benchmarks.training.accelerator import accelerator
from benchmarks.training.measure import prepare_environment, say
from benchmarks.training.promises import distributed, exactness, kills
from benchmarks.training.speed import larger, memory, packing, speed, startup

SECTIONS = {
    section.__name__: section
    for section in (speed, larger, packing, memory, startup, exactness, kills, distributed)
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections: %(default)s")
    options = parser.parse_args()
    chosen = options.only.split(",")
    unknown = sorted({*chosen} - {*SECTIONS})
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    prepare_environment(options.device)
    if options.device == "cuda":
        accelerator()
        return
    for name in chosen:
        say(f"{name}: {SECTIONS[name].__doc__}")
        SECTIONS[name]()


if __name__ == "__main__":
    main()
