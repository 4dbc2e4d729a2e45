"""Figures that go into the package, where a report of evidence reads them.

They are written where `CAUCE_WRITE` is set: whoever changes a table measures it again.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cauce.evaluation.statistics import clopper_pearson

FOLDER = Path(__file__).resolve().parents[2] / "src" / "cauce" / "data" / "safety"


def row(name: str, part: str, cases: Sequence[bool]) -> dict[str, Any]:
    """A rate with its exact interval."""
    low, high = clopper_pearson(sum(cases), len(cases))
    rate = {"value": sum(cases) / len(cases), "low": low, "high": high, "n": len(cases)}
    return {"name": name, "part": part, **rate}


def keep(section: str, rows: Sequence[Mapping[str, Any]], *data: Path) -> None:
    """Writes `data/safety/SECTION.json`, where that was asked for, of figures on these files."""
    if os.environ.get("CAUCE_WRITE"):
        found = {
            "command": f"python -m benchmarks.trust --only {section}",
            "data_sha256": hashlib.sha256(b"".join(map(Path.read_bytes, data))).hexdigest(),
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "rows": list(rows),
        }
        path = FOLDER / f"{section}.json"
        path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
