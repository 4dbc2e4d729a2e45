"""The research assistant against its bars: `python -m benchmarks.scholar`.

    python -m benchmarks.scholar                      every section
    python -m benchmarks.scholar --only links,pdf     some of them

Real articles, PDFs and labelled references of the shared inputs; figures go to stdout as JSON
lines, progress to stderr. `retrieval` needs the extra `embeddings`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks import sections_parser

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def main() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks.scholar import answers, links, matching, parser, pdf, retrieval, trie

    sections = {
        "links": links.measure,
        "pdf": pdf.measure,
        "parser": parser.measure,
        "matching": matching.matching,
        "answers": answers.measure,
        "trie": trie.measure,
        "retrieval": retrieval.measure,
    }
    arguments = sections_parser(__doc__, sections)
    arguments.add_argument(
        "--data", type=Path, default=Path(os.environ.get("CAUCE_SHARED_DATA", SHARED))
    )
    options = arguments.parse_args()
    if not (options.data / "scholar").is_dir():
        arguments.error(f"no scholar in {options.data}; name the shared inputs with --data")
    for name in options.only:
        print(name, file=sys.stderr, flush=True)
        sections[name](options.data)


if __name__ == "__main__":
    main()
