"""Time, memory and losses of reading drug labels: `python -m benchmarks.sources [--labels PATH]`.

The real labels of PATH (a folder of openFDA files) are repeated under new set_ids into one export
of 1,800 labels, which a process of its own fetches. Losses are counted on the real labels against
the raw records, by means that share no code with the readers.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from benchmarks import report
from cauce.records import Document, Section
from cauce.sources.cleaning import character_counts
from cauce.sources.openfda import OpenFdaSource

LABELS = 1_800
FILES = ("labels-150.jsonl.gz", "versions-of-12.jsonl.gz")
FETCH = """
import sys
from pathlib import Path
from cauce.sources import OpenFdaSource, fetch
summary = fetch([OpenFdaSource(path=Path(sys.argv[1]))], Path(sys.argv[2]), lambda line: None)
assert summary["documents"] == int(sys.argv[3]), summary
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = os.environ.get("CAUCE_SHARED_DATA", "../shared/data")
    parser.add_argument("--labels", type=Path, default=Path(shared) / "openfda")
    folder = parser.parse_args().labels
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        parser.error(f"{folder} lacks {', '.join(missing)}; name their folder with --labels")
    with tempfile.TemporaryDirectory() as temporary:
        export = Path(temporary) / "drug-label-0001-of-0001.json"
        write_export(folder, export)
        seconds, peak_mb = time_fetch(export, Path(temporary) / "out")
        megabytes = export.stat().st_size / 1e6
    lost_characters, lost_cells = count_losses(folder)
    report("fetch 1800 labels: seconds", round(seconds, 1), 60)
    report("fetch 1800 labels: peak MB", peak_mb, 1000)
    report("fetch 1800 labels: MB a second", round(megabytes / seconds, 1), 5, better="higher")
    report("characters lost outside the whitelist", lost_characters, 0)
    report("table cells lost", lost_cells, 0)


def raw_records(folder: Path) -> Iterator[dict[str, Any]]:
    """The records as they stand in the files."""
    for name in FILES:
        with gzip.open(folder / name, "rb") as stream:
            yield from map(json.loads, stream)


def write_export(folder: Path, export: Path) -> None:
    """One file in the shape of openFDA's bulk exports, each label under a set_id of its own."""
    originals = list(raw_records(folder))
    with export.open("w", encoding="utf-8") as stream:
        stream.write('{"meta": {}, "results": [')
        for number, record in enumerate(itertools.islice(itertools.cycle(originals), LABELS)):
            set_id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
            openfda = {**record["openfda"], "spl_set_id": [set_id]}
            altered = {**record, "set_id": set_id, "openfda": openfda}
            stream.write((",\n" if number else "") + json.dumps(altered, ensure_ascii=False))
        stream.write("]}")


def time_fetch(export: Path, out: Path) -> tuple[float, int]:
    """Wall seconds and peak resident MB of a process that fetches the export."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", FETCH, export, out, str(LABELS)], check=True)
    seconds = time.monotonic() - start
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def count_losses(folder: Path) -> tuple[int, int]:
    """Characters and table cells of the raw records that the documents do not hold."""
    characters = cells = 0
    for name in FILES:
        with gzip.open(folder / name, "rb") as stream:
            raws = map(json.loads, stream)
            for raw, document in zip(
                raws, OpenFdaSource(path=folder / name).documents(), strict=True
            ):
                assert isinstance(document, Document), document
                characters += lost_characters(raw, document)
                cells += lost_cells(raw, document)
    return characters, cells


def lost_characters(raw: dict[str, Any], document: Document) -> int:
    """Characters of each element of each field that neither its section nor those below hold."""
    lost = 0
    for field, value in raw.items():
        if isinstance(value, list) and not field.endswith("_table"):
            for number, needed in enumerate(filter(None, map(character_counts, value)), 1):
                section_id = field if number == 1 else f"{field}-{number}"
                lost += sum((needed - _held(section_id, document)).values())
    return lost


def _held(section_id: str, document: Document) -> Counter[str]:
    held: Counter[str] = Counter()
    for section in document.sections:
        if section.id == section_id or section_id in _ancestors(section, document):
            held += character_counts(section.title + section.text)
    return held


def _ancestors(section: Section, document: Document) -> Iterator[str]:
    while section.parent is not None:
        yield section.parent
        section = document.section(section.parent)


class _Cells(HTMLParser):
    """Text of every `td` and `th`, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self._open: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th"):
            self._open.append(len(self.cells))
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An empty cell closes at once."""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.cells[self._open[-1]] += data


def lost_cells(raw: dict[str, Any], document: Document) -> int:
    """Cells with text in the raw tables that the document's tables lack."""
    markups = {table for field, value in raw.items() if field.endswith("_table") for table in value}
    needed: Counter[str] = Counter()
    for markup in markups:
        reader = _Cells()
        reader.feed(markup)
        needed.update(_letters(cell) for cell in reader.cells if _letters(cell))
    tables = [table for section in document.sections for table in section.tables]
    held = Counter(_letters(cell) for table in tables for row in table.rows for cell in row if cell)
    return sum((needed - held).values())


def _letters(cell: str) -> str:
    """The characters of a cell, less the sign that marks a raised digit: 10^9."""
    return "".join(sorted(character_counts(cell.replace("^", "")).elements()))


if __name__ == "__main__":
    main()
