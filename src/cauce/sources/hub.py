"""Any data set that the `datasets` library opens, by name and columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from cauce.errors import MissingExtra
from cauce.records import Document, Language, Record, Refusal
from cauce.sources.paths import today
from cauce.sources.rows import Columns, Origin, document_of_row
from cauce.sources.steps import Step


class HubSource(Record):
    """Rows of a data set on the Hugging Face hub (or in a local folder), streamed."""

    kind: Literal["hub"] = "hub"
    name: str
    """`owner/name` on the hub, or the path of a folder of data files."""
    config: str | None = None
    """Which of the data set's configurations, where it has several."""
    split: str = "train"
    """Which of its splits is read."""
    revision: str | None = None
    """Commit or tag, so that a run can be repeated; None takes the newest."""
    max_rows: int | None = Field(None, ge=1)
    """Rows read, from the first on, and none fetched after them; None reads all."""
    columns: Columns = Columns()
    """What its columns mean; a class label is read as its name, not its number."""
    cleaning: tuple[Step, ...] = ()
    """Steps for texts from the web, beside white space: `escapes`, `entities`, `nfc`, `urls`.
    What each of them changed is counted."""
    language: Language = "en"
    """Of the texts; the library does not tell."""
    licence: str = ""
    """As its card states it; the library does not tell."""

    def inputs(self) -> tuple[Path, ...]:
        """None: what is read is named, not a file of the recipe."""
        return ()

    def documents(self) -> Iterator[Document | Refusal]:
        """Each row as a Document, or the reason why it is refused."""
        try:
            from datasets import load_dataset
        except ImportError as error:
            raise MissingExtra(f"the data set {self.name}", "hub") from error
        retrieved = today()
        rows = load_dataset(
            self.name, self.config, split=self.split, revision=self.revision, streaming=True
        )
        names = _label_names(rows.features or {})
        for number, row in enumerate(islice(rows, self.max_rows)):
            origin = Origin(
                source="hub",
                file=f"{self.name} ({self.split})",
                position=f"row {number}",
                row_id=f"{self.name}/{self.split}/{number}",
                language=self.language,
                licence=self.licence,
                retrieved=retrieved,
            )
            yield document_of_row(_with_names(row, names), self.columns, origin)


def _label_names(features: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """The names of the classes of each column of class labels."""
    from datasets import ClassLabel

    return {name: it.names for name, it in features.items() if isinstance(it, ClassLabel)}


def _with_names(row: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The row with its class labels by name; an example without a label has -1 or nothing."""
    named = dict(row)
    for column, known in names.items():
        label = row[column]
        named[column] = None if label is None or label < 0 else known[label]
    return named
