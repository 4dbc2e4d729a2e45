"""The feedback that one run can learn from, out of the database of the app or out of a file."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cauce.assistant.loading import load_assistant
from cauce.errors import NotFound
from cauce.models.promoted import served_model
from cauce.records import Example, Reply
from cauce.runs import Run, read_records, write_records
from cauce.serving.feedback.export import PREFERENCES, Exported, export_feedback
from cauce.serving.feedback.rows import origin_of
from cauce.serving.feedback.settings import FeedbackSettings
from cauce.sources.preferences import JudgedAnswer

if TYPE_CHECKING:
    from cauce.serving.storage.database import Database


def export_for(
    run: Run, feedback: Database | Path, folder: Path, settings: FeedbackSettings
) -> Exported:
    """Writes what the run can learn from into the folder: nothing about what it is tested on.

    Of a file nothing else is left out: it was sifted when it was made.
    """
    held_out = _groups_of_tests(run)
    if isinstance(feedback, Path):
        return _copied(feedback, folder, held_out)

    @functools.cache
    def loaded() -> Callable[[str], Reply]:
        return load_assistant(run).reply

    return export_feedback(
        feedback,
        folder,
        settings,
        reply=lambda question: loaded()(question),
        model_at=lambda moment: f"{run.path.name}/{served_model(run, moment)}",
        held_out=held_out,
    )


def withdrawn(run: Run, database: Database) -> int:
    """Of what the served weights learned from, how much nothing may learn from any more."""
    path = run.path / Path(served_model(run)).parents[1] / "feedback" / PREFERENCES
    if not path.is_file():
        return 0
    allowed = {origin_of(item.message.id) for item in database.consented()}
    allowed |= {origin_of(vote.id) for vote in database.votes(consented=True)}
    learned = {row.origin.rpartition("/")[2] for row in read_records(path, JudgedAnswer)}
    return len(learned - allowed - {""})


def _copied(file: Path, folder: Path, held_out: frozenset[str]) -> Exported:
    if not file.is_file():
        raise NotFound(f"no file {file}.\nMake one with: cauce feedback export RUN --out FOLDER")
    rows = list(read_records(file, JudgedAnswer))
    kept = [row for row in rows if row.group not in held_out]
    write_records(folder / PREFERENCES, kept)
    about_tests = len(rows) - len(kept)
    return Exported(
        pairs=sum(bool(row.chosen) for row in kept),
        ratings=sum(row.label is not None for row in kept),
        users=None,
        set_aside={"about what the run is tested on": about_tests} if about_tests else {},
    )


def _groups_of_tests(run: Run) -> frozenset[str]:
    path = run.path / "prepare" / "test.jsonl"
    if not path.is_file():
        raise NotFound(
            f"{run.path} has no test questions, on which new weights would be held against the old."
            "\nName the run of an assistant, whose corpus.kind is questions."
        )
    return frozenset(example.group for example in read_records(path, Example))
