"""Which weights a run is served with: its own, or later ones that were found to be no worse.

`runs/NAME/promoted.json` names them, the present ones last. It is written whole or not at all, so
that whoever loads the run meanwhile gets the ones or the others.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cauce.errors import DataRefused, UserError
from cauce.records import Record
from cauce.runs import PROMOTED, Run, write_json

OWN = "train/model"
"""Where a run's own weights are."""


class Promotion(Record):
    """Weights that took the place of those before them."""

    model: str
    """Their folder, within the run's."""
    at: datetime


class Promotions(Record):
    """All that took the place of a run's own weights and was not rolled back, in order."""

    taken: tuple[Promotion, ...] = ()


def served_model(run: Run, at: datetime | None = None) -> str:
    """The folder, within the run's, of the weights that it is served with, or was at that time."""
    taken = [it for it in _read(run) if at is None or it.at <= at]
    return taken[-1].model if taken else OWN


def promote(run: Run, model: str) -> None:
    """From now on the run is served with the weights in that folder of its own."""
    _write(run, (*_read(run), Promotion(model=model, at=datetime.now(UTC))))


def roll_back(run: Run) -> str:
    """The folder of the weights before the present ones, with which the run is served again.

    Raises UserError where these are the run's own.
    """
    taken = _read(run)
    if not taken:
        raise UserError(
            f"{run.path} is served with its own weights: nothing was promoted, or all of it was "
            "rolled back.\nSee what was tried under "
            f"{run.path / 'improve'}."
        )
    _write(run, taken[:-1])
    return served_model(run)


def _read(run: Run) -> tuple[Promotion, ...]:
    path = _file(run)
    if not path.is_file():
        return ()
    try:
        return Promotions.model_validate_json(path.read_bytes()).taken
    except ValueError as error:
        raise DataRefused(
            f"{path} does not say which weights to serve: {str(error).splitlines()[0]}\n"
            "Delete it to serve the run's own weights."
        ) from error


def _write(run: Run, taken: tuple[Promotion, ...]) -> None:
    write_json(_file(run), Promotions(taken=taken).model_dump(mode="json"))


def _file(run: Run) -> Path:
    return run.path / PROMOTED
