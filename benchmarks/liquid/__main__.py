"""Liquid layers against ncps 1.0.1 and inside language models: `python -m benchmarks.liquid`.

On the CPU, one thread, by CPU seconds of the process; ratios are of one run, in which ours and
theirs take turns and the least of several times counts. Figures go to stdout as JSON lines,
progress to stderr.
"""

from __future__ import annotations

import argparse

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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default=",".join(sections), help="sections: %(default)s")
    chosen = parser.parse_args().only.split(",")
    unknown = sorted({*chosen} - {*sections})
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(sections)}")
    report_machine()
    for name in chosen:
        say(f"{name}: {sections[name].__doc__}")
        sections[name]()


if __name__ == "__main__":
    main()
