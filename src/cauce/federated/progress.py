"""How far a job is, read from what its coordinator has written."""

from __future__ import annotations

from pathlib import Path

from cauce.errors import NotFound
from cauce.federated.rounds import Round, round_text
from cauce.records import Record


class JobProgress(Record):
    """Rounds closed, and the step that is open."""

    closed: tuple[Round, ...]
    open_step: str = ""
    """`alone 0`, `train 3`, `finish 9`; empty before the start and after the end."""
    replied: tuple[str, ...] = ()
    """Sites whose reply to the open step is here."""
    is_over: bool = False


def job_progress(run: Path) -> JobProgress:
    """The state of the job in that run's folder; NotFound where there is none."""
    folder = run / "coordinator"
    if not folder.is_dir():
        raise NotFound(
            f"{run} has no job: no {folder}.\nStart one: cauce federated simulate RECIPE"
        )
    steps = sorted(path for path in folder.glob("[0-9]*-*") if path.is_dir())
    found = [path / "round.json" for path in steps if (path / "round.json").is_file()]
    closed = tuple(Round.model_validate_json(path.read_bytes()) for path in found)
    if (run / "federated.json").is_file():
        return JobProgress(closed=closed, is_over=True)
    last = steps[-1] if steps else None
    if last is None or (last / "round.json").is_file():
        return JobProgress(closed=closed)
    number, _, kind = last.name.partition("-")
    return JobProgress(
        closed=closed,
        open_step=f"{kind} {int(number)}",
        replied=tuple(sorted(path.stem for path in last.glob("replies/*.bin"))),
    )


def progress_lines(found: JobProgress) -> list[str]:
    """A line a closed round, and what is open."""
    lines = [f"round {it.round}: {round_text(it)}" for it in found.closed]
    if found.is_over:
        return [*lines, "the job is over: its result is in federated.json"]
    if found.open_step:
        replied = ", ".join(found.replied) or "nobody yet"
        return [*lines, f"open: {found.open_step}; replied: {replied}"]
    return [*lines, "nothing is open: start it again to go on"]
