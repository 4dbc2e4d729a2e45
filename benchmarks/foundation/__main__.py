"""Liquid Foundation against the standard small models: `python -m benchmarks.foundation`.

On the CPU, one thread, by CPU seconds; ratios are of one run. Figures go to stdout as JSON lines,
progress to stderr. `bars`, `ablation` and `mini` train for hours and are run when asked for; what
they trained is kept in `--work` and not trained again.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from benchmarks.training.measure import prepare_environment, say


def main() -> None:
    # Before torch is loaded, which reads it once.
    prepare_environment("cpu")
    from benchmarks.foundation.ablation import ablation
    from benchmarks.foundation.bars import bars
    from benchmarks.foundation.exactness import exactness
    from benchmarks.foundation.experts import experts
    from benchmarks.foundation.length import attention, decoding
    from benchmarks.foundation.mini import mini
    from benchmarks.liquid.measure import report_machine

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    quick = {part.__name__: part for part in (exactness, attention, decoding, experts)}
    parser.add_argument("--only", default=",".join(quick), help="sections: %(default)s")
    parser.add_argument("--work", type=Path, default=Path("runs/foundation"), help="%(default)s")
    parser.add_argument("--at-once", type=int, default=1, help="trainings side by side")
    options = parser.parse_args()
    long = {
        part.__name__: partial(part, options.work, at_once=options.at_once)
        for part in (bars, ablation, mini)
    }
    sections = {**quick, **long}
    chosen = options.only.split(",")
    unknown = sorted({*chosen} - {*sections})
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(sections)}")
    report_machine()
    for name in chosen:
        say(name)
        sections[name]()


if __name__ == "__main__":
    main()
