"""The reference parser on references that people labelled, of files that it never learnt from."""

from __future__ import annotations

import importlib.resources
import time
from pathlib import Path

from benchmarks import report
from benchmarks.scholar.labelled import FOLDER, Field, field_f1, is_held_out, labelled
from cauce.sources.articles.strings import parse_reference, spans_of


def measure(data: Path) -> None:
    """F1 of the fields, size of the model and references a second of one core."""
    folder = data / FOLDER
    held_out = [one for one in labelled(folder) if is_held_out(one.file)]
    scores = field_f1([_fields(one.raw) for one in held_out], [one.fields for one in held_out])
    bars = {"micro": 0.90, "title": 0.82}
    for name, score in scores.items():
        report(f"reference fields, F1: {name}", score, bars.get(name), "higher")
    shipped = importlib.resources.files("cauce") / "data" / "reference-parser"
    size = sum(len(file.read_bytes()) for file in shipped.iterdir())
    report("reference parser, MB", size / 1e6, 5.0, "lower")
    started = time.process_time()
    for one in held_out:
        parse_reference("", one.raw)
    spent = time.process_time() - started
    report("references parsed a CPU second", len(held_out) / spent, 500, "higher")


def _fields(raw: str) -> list[Field]:
    return [Field(span.field, raw[span.start : span.end]) for span in spans_of(raw)]
