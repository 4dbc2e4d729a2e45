"""What a server offers besides answers; whoever starts it says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cauce.knowledge.labels.shelf import Shelf
from cauce.report.twin.guess import Guess
from cauce.serving.queue import Answerer
from cauce.twin.store import Twin


class Opponent(NamedTuple):
    """Another run, whose answers are compared blind with those of the one that is served."""

    name: str
    """Other than the served one's."""
    assistant: Answerer
    """With a log of its own (`Recorded`) where its replies are to be logged."""


class Features(NamedTuple):
    """What the pages show of what is served."""

    shelf: Shelf | None = None
    """The medicines that the vademecum is made of; None for a run that has none."""
    sees_images: bool = False
    """Whether the assistant reads what is shown with a question."""
    has_articles: bool = False
    """Whether the answers are sentences of articles, with the works that they cite."""
    runs: Path | None = None
    """The folder of runs whose figures and reports are shown; None shows none."""
    against: Opponent | None = None
    """None compares what is served with its own plain wording."""
    log: Path | None = None
    """The folder of the log of answers."""
    guess: Callable[[Twin], Guess] | None = None
    """What tells the risk that a twin's page shows; None shows none."""


NO_FEATURES = Features()
