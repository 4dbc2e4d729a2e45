"""Liquid layers against ncps 1.0.1 and inside language models: `python -m benchmarks.liquid`.

On the CPU, one thread, by CPU seconds of the process; ratios are of one run, in which ours and
theirs take turns and the least of several times counts. Figures go to stdout as JSON lines,
progress to stderr.
"""

from __future__ import annotations

from benchmarks import sections_parser
from benchmarks.training.measure import prepare_environment, say


def main() -> None:
    # Before torch is loaded, which reads it once.
    prepare_environment("cpu")
    from benchmarks.liquid.distil import distil
    from benchmarks.liquid.exactness import exactness
    from benchmarks.liquid.gpt2 import gpt2
    from benchmarks.liquid.measure import report_machine
    from benchmarks.liquid.memory import memory
    from benchmarks.liquid.speed import speed
    from benchmarks.liquid.swap import swap

    sections = {part.__name__: part for part in (exactness, speed, memory, gpt2, swap, distil)}
    chosen = sections_parser(__doc__, sections).parse_args().only
    report_machine()
    for name in chosen:
        say(f"{name}: {sections[name].__doc__}")
        sections[name]()


if __name__ == "__main__":
    main()
