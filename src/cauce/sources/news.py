"""The news items that come with cauce: short Spanish articles, each with its summary.

They were written for this project, to learn and to be tried on; nothing in them happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from cauce.records import Document, Record, Refusal, Section
from cauce.sources.cleaning import clean_text, one_line

VERSION = "2026-11"
RETRIEVED = "2026-11-29"
"""Date of the edition: the data is part of the package, and reading it fetches nothing."""

FIELDS = ("id", "title", "text", "summary")


class NewsSource(Record):
    """The articles embedded in the package; text and summary are a question and its answer."""

    kind: Literal["news"] = "news"

    def inputs(self) -> tuple[Path, ...]:
        """None: the data is part of the package."""
        return ()

    def documents(self) -> Iterator[Document | Refusal]:
        """Every article; one that lacks something is refused with its file."""
        import yaml

        folder = resources.files("cauce").joinpath("data", "news")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith(".yaml"):
                for item in yaml.safe_load(entry.read_text(encoding="utf-8")):
                    yield document_of_item(item, entry.name)


def document_of_item(item: Mapping[str, Any], file: str) -> Document | Refusal:
    """One article as a Document of two sections, `text` and `summary`."""
    missing = [name for name in FIELDS if not item.get(name)]
    if missing:
        position = str(item.get("id") or item.get("title"))
        return Refusal(file=file, position=position, reason=f"missing: {', '.join(missing)}")
    kinds = {"text": "question", "summary": "answer"}
    return Document(
        source="news",
        id=item["id"],
        version=VERSION,
        title=one_line(item["title"]),
        language="es",
        sections=tuple(
            Section(id=name, kind=kind, title=name.capitalize(), text=clean_text(item[name]))
            for name, kind in kinds.items()
        ),
        group=item["id"],
        licence="CC0-1.0",
        retrieved=RETRIEVED,
    )
