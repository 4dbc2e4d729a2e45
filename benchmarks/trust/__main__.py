"""Trust against its bars: `python -m benchmarks.trust [--only judge,guard]`.

Figures go to stdout as JSON lines, progress to stderr. `redteam`, `privacy` and `robustness` need a
finished run of `recipes/demo.yaml` (`--run`); `personal`, `claims` and part of `guard` the real
texts of `CAUCE_SHARED_DATA`. The test texts of `data/` were written by others than those who wrote
the rules and the training texts; their labels are not those of clinicians.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path


def main() -> None:
    from benchmarks.trust import (
        claims,
        conformal,
        evidence,
        guard,
        judge,
        personal,
        privacy,
        redteam,
        robustness,
        triage,
        tuning,
    )

    plain = (judge, triage, guard, personal, claims, conformal, evidence, robustness, tuning)
    names = [module.__name__.rpartition(".")[2] for module in (*plain, redteam, privacy)]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default=",".join(names), help="sections: %(default)s")
    parser.add_argument("--run", type=Path, default=Path("runs/demo"), help="%(default)s")
    options = parser.parse_args()
    sections: dict[str, Callable[[], None]] = {
        module.__name__.rpartition(".")[2]: module.measure for module in plain
    }
    sections["redteam"] = partial(redteam.measure, options.run)
    sections["privacy"] = partial(privacy.measure, str(options.run))
    chosen = options.only.split(",")
    unknown = sorted({*chosen} - {*sections})
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(names)}")
    for name in chosen:
        print(name, file=sys.stderr, flush=True)
        sections[name]()


if __name__ == "__main__":
    main()
