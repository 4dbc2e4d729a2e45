"""Liquid Foundation against the standard small models: `python -m benchmarks.foundation`.

On the CPU, one thread, by CPU seconds; ratios are of one run. Figures go to stdout as JSON lines,
progress to stderr. `bars`, `ablation` and `mini` train for hours and are run when asked for; what
they trained is kept in `--work` and not trained again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import sections_parser
from benchmarks.training.measure import prepare_environment, say

QUICK = ("exactness", "attention", "decoding", "experts")
LONG = ("bars", "ablation", "mini")
"""Run when asked for."""


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

    parser = sections_parser(__doc__, (*QUICK, *LONG))
    parser.set_defaults(only=[*QUICK])
    parser.add_argument("--work", type=Path, default=Path("runs/foundation"), help="%(default)s")
    parser.add_argument("--at-once", type=int, default=1, help="trainings side by side")
    options = parser.parse_args()
    sections: dict[str, Callable[[], None]] = {
        **{part.__name__: part for part in (exactness, attention, decoding, experts)},
        **{
            part.__name__: partial(part, options.work, at_once=options.at_once)
            for part in (bars, ablation, mini)
        },
    }
    report_machine()
    for name in options.only:
        say(name)
        sections[name]()


if __name__ == "__main__":
    main()
