"""Evaluation and comparison against their bars: `python -m benchmarks.evaluation`.

On the CPU, one thread, by CPU seconds. Figures go to stdout as JSON lines, progress to stderr.
"""

from __future__ import annotations

from benchmarks import sections_parser
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

    sections = {
        part.__name__: part for part in (metrics, simulation, comparison, generation, kill, bridges)
    }
    chosen = sections_parser(__doc__, sections).parse_args().only
    report_machine()
    for name in chosen:
        say(name)
        sections[name]()


if __name__ == "__main__":
    main()
