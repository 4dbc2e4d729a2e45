"""The training engine against its peers and its promises: `python -m benchmarks.training`.

On the CPU, one thread; ratios are of CPU time, so that a busy machine matters little. Figures go to
stdout as JSON lines, progress to stderr. `--device cuda` prints a table for an accelerator instead.
"""

from __future__ import annotations

from benchmarks import sections_parser
from benchmarks.training.accelerator import accelerator
from benchmarks.training.measure import prepare_environment, say
from benchmarks.training.promises import distributed, exactness, kills
from benchmarks.training.speed import larger, memory, packing, speed, startup

SECTIONS = {
    section.__name__: section
    for section in (speed, larger, packing, memory, startup, exactness, kills, distributed)
}


def main() -> None:
    parser = sections_parser(__doc__, SECTIONS)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    prepare_environment(options.device)
    if options.device == "cuda":
        accelerator()
        return
    for name in options.only:
        say(f"{name}: {SECTIONS[name].__doc__}")
        SECTIONS[name]()


if __name__ == "__main__":
    main()
