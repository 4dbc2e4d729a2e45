"""Training at many sites against its bars: `python -m benchmarks.federated`.

On the CPU, one thread. Figures go to stdout as JSON lines, progress to stderr. `hospitals` trains
for some minutes; its base model is kept in `--work` and not trained again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import sections_parser
from benchmarks.training.measure import prepare_environment, say

SECTIONS = ("aggregation", "hospitals", "privacy", "transports")


def main() -> None:
    # Before torch is loaded, which reads it once.
    prepare_environment("cpu")
    from benchmarks.federated.aggregation import aggregation
    from benchmarks.federated.hospitals import hospitals
    from benchmarks.federated.privacy import privacy
    from benchmarks.federated.transports import transports

    parser = sections_parser(__doc__, SECTIONS)
    parser.add_argument("--work", type=Path, default=Path("runs/federated"), help="%(default)s")
    options = parser.parse_args()
    sections: dict[str, Callable[[], None]] = {
        "aggregation": aggregation,
        "hospitals": partial(hospitals, options.work),
        "privacy": privacy,
        "transports": transports,
    }
    for name in options.only:
        say(name)
        sections[name]()


if __name__ == "__main__":
    main()
