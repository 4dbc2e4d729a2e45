"""What every section of `benchmarks.medicines` is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Options(NamedTuple):
    """Where the inputs are, and how much is measured."""

    data: Path
    """Folder of the shared inputs: `openfda`, `epi-aemps`, `spl`, `medquad`."""
    quick: bool = False
    """Smaller sets, for a look; the bars are those of the full ones."""
    failures: Path | None = None
    """Folder for what was not right, one file of JSON lines a section."""

    run: str | None = None
    """A trained run whose model writes; without one the sections are quoted."""

    def write_failures(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes `rows` to `NAME.jsonl` in the folder for failures, where one was named."""
        if self.failures is None:
            return
        self.failures.mkdir(parents=True, exist_ok=True)
        with (self.failures / f"{name}.jsonl").open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
