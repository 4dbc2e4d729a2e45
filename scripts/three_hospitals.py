"""Writes the documents of three hospitals, out of the embedded medicines, to try a job with.

    python scripts/three_hospitals.py --out runs/three-hospitals
    cauce federated simulate recipes/hospitals.yaml

Two large hospitals and a small one, in Spanish, with no medicine in common.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

from cauce.records import Document
from cauce.sources.vademecum import VademecumSource

SMALL = 12
"""Medicines of the small hospital."""


def documents() -> list[Document]:
    """The embedded medicines in Spanish."""
    source = VademecumSource(languages=("es",))
    return [item for item in source.documents() if isinstance(item, Document)]


def write(path: Path, chosen: Iterable[Document]) -> None:
    """A row a medicine, a column a kind of section."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "id": document.id,
            "title": document.title,
            "substances": "; ".join(document.names.substances),
            "group": document.group,
            **{section.kind: section.text for section in document.sections},
        }
        for document in chosen
    ]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")
    print(f"{path}: {len(rows)} medicines")


def main() -> None:
    """Three files, of medicines that no two hospitals share."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=Path("runs/three-hospitals"))
    out = options.parse_args().out
    found = documents()
    write(out / "isla.jsonl", found[:SMALL])
    write(out / "norte.jsonl", found[SMALL::2])
    write(out / "sur.jsonl", found[SMALL + 1 :: 2])


if __name__ == "__main__":
    main()
