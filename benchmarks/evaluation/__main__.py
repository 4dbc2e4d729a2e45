"""Evaluation and comparison against their bars: `python -m benchmarks.evaluation`.

On the CPU, one thread, by CPU seconds. Figures go to stdout as JSON lines, progress to stderr.
"""

from __future__ import annotations

import argparse

from benchmarks.training.measure import prepare_environment, say


def main() -> None:
    # Before numpy and torch are loaded, which read it once.
    prepare_environment("cpu")
    from benchmarks.evaluation.bridges import bridges
    from benchmarks.evaluation.comparison import comparison
    from benchmarks.evaluation.generation import generation
    from benchmarks.evaluation.kill import kill
    from benchmarks.evaluation.metrics import metrics
    from benchmarks.evaluation.simulation import simulation
    from benchmarks.liquid.measure import report_machine

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    sections = {
        part.__name__: part for part in (metrics, simulation, comparison, generation, kill, bridges)
    }
    parser.add_argument("--only", default=",".join(sections), help="sections: %(default)s")
    chosen = parser.parse_args().only.split(",")
    unknown = sorted({*chosen} - {*sections})
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(sections)}")
    report_machine()
    for name in chosen:
        say(name)
        sections[name]()


if __name__ == "__main__":
    main()
