"""Liquid Foundation against the standard small models: `python -m benchmarks.foundation`.

On the CPU, one thread, by CPU seconds; ratios are of one run. Figures go to stdout as JSON lines,
progress to stderr.
"""

from __future__ import annotations

import argparse

from benchmarks.training.measure import prepare_environment, say


def main() -> None:
    # Before torch is loaded, which reads it once.
    prepare_environment("cpu")
    from benchmarks.foundation.exactness import exactness
    from benchmarks.foundation.experts import experts
    from benchmarks.foundation.length import attention, decoding
    from benchmarks.liquid.measure import report_machine

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    sections = {part.__name__: part for part in (exactness, attention, decoding, experts)}
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
