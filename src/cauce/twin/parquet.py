"""Timelines in a Parquet file, one row a person with its events; for its owner's eyes only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cauce.errors import MissingExtra
from cauce.runs import atomic_write
from cauce.twin.timeline import Timeline

if TYPE_CHECKING:
    import pyarrow

_PERSONS_IN_BATCH = 200


def write_timelines(path: Path, timelines: Iterable[Timeline]) -> int:
    """Writes them and returns how many there are; the file is for its owner alone (0600).

    MissingExtra without pyarrow.
    """
    arrow, parquet = _arrow()
    schema = _schema(arrow)
    rows = [timeline.model_dump() for timeline in timelines]
    with atomic_write(path, private=True) as file, parquet.ParquetWriter(file, schema) as writer:
        for start in range(0, len(rows), _PERSONS_IN_BATCH):
            batch = rows[start : start + _PERSONS_IN_BATCH]
            writer.write_table(arrow.Table.from_pylist(batch, schema=schema))
    return len(rows)


def read_timelines(path: Path) -> list[Timeline]:
    """The timelines as they were written; MissingExtra without pyarrow."""
    _, parquet = _arrow()
    with parquet.ParquetFile(path) as file:
        return [
            Timeline.model_validate(row)
            for batch in file.iter_batches(batch_size=_PERSONS_IN_BATCH)
            for row in batch.to_pylist()
        ]


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("a timeline in Parquet", "twin") from error
    return pyarrow, parquet


def _schema(arrow: Any) -> pyarrow.Schema:
    text, time = arrow.string(), arrow.timestamp("us", tz="UTC")
    code = arrow.struct({"system": text, "code": text})
    event = arrow.struct(
        {
            "kind": text,
            "name": text,
            "codes": arrow.list_(code),
            "reading": text,
            "start": time,
            "end": time,
            "value": arrow.float64(),
            "unit": text,
            "text": text,
            "is_active": arrow.bool_(),
            "file": text,
            "origin": text,
        }
    )
    person = arrow.struct({"id": text, "name": text, "birth": arrow.date32(), "sex": text})
    return arrow.schema({"person": person, "events": arrow.list_(event)})
