"""Training at many sites against its bars: `python -m benchmarks.federated`.

On the CPU, one thread. Figures go to stdout as JSON lines, progress to stderr. `hospitals` trains
for some minutes; its base model is kept in `--work` and not trained again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.training.measure import prepare_environment, say


def main() -> None:
    # Before torch is loaded, which reads it once.
    prepare_environment("cpu")
    from benchmarks.federated.aggregation import aggregation
    from benchmarks.federated.hospitals import hospitals
    from benchmarks.federated.privacy import privacy
    from benchmarks.federated.transports import transports

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = ",".join(part.__name__ for part in (aggregation, hospitals, privacy, transports))
    parser.add_argument("--only", default=names, help="sections: %(default)s")
    parser.add_argument("--work", type=Path, default=Path("runs/federated"), help="%(default)s")
    options = parser.parse_args()
    sections: dict[str, Callable[[], None]] = {
        "aggregation": aggregation,
        "hospitals": partial(hospitals, options.work),
        "privacy": privacy,
        "transports": transports,
    }
    chosen = options.only.split(",")
    unknown = sorted({*chosen} - {*sections})
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(sections)}")
    for name in chosen:
        say(name)
        sections[name]()


if __name__ == "__main__":
    main()
