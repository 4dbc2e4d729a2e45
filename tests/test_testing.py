from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cauce.records import Document, Record, Refusal, Section
from cauce.testing import check_source

GOOD = Document(
    source="s",
    id="1",
    version="1",
    title="t",
    language="en",
    sections=(Section(id="a", kind="use", title="A", text="text"),),
    group="g",
    licence="CC0-1.0",
    retrieved="2026-11-01",
)


class Given(Record):
    """A source that gives what it was given."""

    items: tuple[Document | Refusal, ...]

    def inputs(self) -> tuple[Path, ...]:
        return ()

    def documents(self) -> Iterator[Document | Refusal]:
        yield from self.items


def changed(**update: object) -> Document:
    return GOOD.model_copy(update=update)


def section(**update: object) -> Document:
    return changed(sections=(GOOD.sections[0].model_copy(update=update),))


def test_a_sound_source_passes() -> None:
    check_source(
        Given(items=(GOOD, changed(version="2"), Refusal(file="f", position="p", reason="r")))
    )


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ((), "gives no document"),
        ((GOOD, GOOD), "two documents are s/1/en version 1"),
        ((changed(title=""),), "no title"),
        ((changed(group=""),), "no group"),
        ((changed(licence=""),), "no licence"),
        ((changed(sections=()),), "no sections"),
        ((changed(sections=GOOD.sections * 2),), "section ids repeat: \\['a'\\]"),
        ((section(parent="b"),), "no parent 'b'"),
        ((section(text=" "),), "no text, no table and no child"),
        ((section(text=" x"),), "white space around its text"),
        ((GOOD, Refusal(file="", position="", reason="")), "refused unsaid"),
    ],
)
def test_each_broken_promise_is_named(items: tuple[Document | Refusal, ...], reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        check_source(Given(items=items))


class Counting(Given):
    """Gives another title at every reading."""

    def documents(self) -> Iterator[Document | Refusal]:
        READINGS.append(1)
        yield changed(title=f"reading {len(READINGS)}")


READINGS: list[int] = []


def test_a_source_that_changes_between_readings_is_caught() -> None:
    with pytest.raises(AssertionError, match="two readings differ"):
        check_source(Counting(items=()))
