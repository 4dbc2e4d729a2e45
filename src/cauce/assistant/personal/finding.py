"""What a label says of something that the record holds."""

from __future__ import annotations

from typing import Literal, NamedTuple

from cauce.assistant.personal.passages import Passage
from cauce.twin.summary.recorded import Recorded

Note = Literal[
    "clearance", "unread", "grade", "no_figure", "degree", "weeks", "same", "same_class", "taken",
    "class", "table",
]  # fmt: skip
"""What is said beside a quotation: what it measures otherwise, or what could not be compared."""


class Finding(NamedTuple):
    """A statement of the record, and the sentence of a label that speaks of it."""

    recorded: Recorded
    passage: Passage | None
    """None where the record alone tells: an allergy to the very medicine."""
    notes: tuple[Note, ...] = ()
    named: str = ""
    """The class or medicine by which the two are connected, for the note."""
