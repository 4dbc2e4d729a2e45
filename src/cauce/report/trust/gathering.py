"""All that is known of a run, and all that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cauce.assistant.holding import THRESHOLD
from cauce.errors import DataRefused
from cauce.evaluation.made_by import read_trial
from cauce.report.trust import stages, trials
from cauce.report.trust.energy import estimates
from cauce.report.trust.evidence import (
    CHANGED,
    Evidence,
    measure_of,
    measured,
    missing,
    origin,
)
from cauce.report.trust.measures import measures
from cauce.report.trust.served import FOLDER, REPLIED, months
from cauce.runs import STAGES, Run
from cauce.signatures import canonical

_REPLIED = b'"event":' + canonical(REPLIED)

Reader = Callable[[Run], Iterator[Evidence]]

READERS: tuple[tuple[str, Reader], ...] = (
    (stages.DECLARED, stages.evidence_of_declarations),
    ("recipe.yaml", stages.evidence_of_recipe),
    ("manifest.json", stages.evidence_of_fetch),
    ("manifest.json", stages.evidence_of_preparation),
    ("manifest.json", stages.evidence_of_training),
    (stages.SCORES, stages.evidence_of_evaluation),
    (stages.RANKED, stages.evidence_of_ways),
    (stages.COMPARISON, stages.evidence_of_comparison),
    (stages.FEDERATED, stages.evidence_of_federation),
    (trials.REDTEAM, trials.evidence_of_redteam),
    (trials.ADAPTIVE, trials.evidence_of_adaptive),
    (trials.BASE_AND_TUNED, trials.evidence_of_tuned_harm),
    (trials.REMEDIES, trials.evidence_of_remedies),
    (trials.PRIVACY, trials.evidence_of_privacy),
    (trials.FAIRNESS, trials.evidence_of_fairness),
    (trials.ROBUSTNESS, trials.evidence_of_robustness),
    (THRESHOLD, trials.evidence_of_calibration),
    (trials.GUARDS, trials.evidence_of_guards),
)
"""Each file that a run may hold, and what reads it."""


def gather(run: Run, country: str) -> tuple[Evidence, ...]:
    """A row at least for every measure, in the order of the catalogue; unknown measures last.

    Raises DataRefused for a file that cannot be read: a report that left it out would lie.
    """
    read = [row for file, reader in READERS for row in _read(file, reader, run)]
    found = [*_up_to_date(run, read), *evidence_of_log(run)]
    found += estimates(found, country)
    place = {name: number for number, name in enumerate(measures())}
    known = {row.name for row in found}
    lacking = [
        missing(measure, run.path.name) for name, measure in measures().items() if name not in known
    ]
    return tuple(sorted([*found, *lacking], key=lambda row: place.get(row.name, len(place))))


def _read(file: str, reader: Reader, run: Run) -> list[Evidence]:
    try:
        return list(reader(run))
    except (ValueError, KeyError) as error:
        raise DataRefused(
            f"{run.path / file} is not as this version of cauce writes it: "
            f"{' '.join(str(error).split())[:200]}\n"
            "Make it again with the command that wrote it, or move it out of the run."
        ) from error


def _up_to_date(run: Run, rows: Sequence[Evidence]) -> Iterator[Evidence]:
    """The rows that hold of the run as it is; a measure that has none is missing, and says why."""
    outdated = {file for file in {row.file for row in rows} if _is_outdated(run, file)}
    kept = [row for row in rows if row.file not in outdated]
    known = {row.name for row in kept}
    yield from kept
    for row in rows:
        if row.name not in known:
            known.add(row.name)
            yield missing(measure_of(row.name), run.path.name, CHANGED, command=row.command)


def _is_outdated(run: Run, file: str) -> bool:
    """Whether what stands in the file was measured before the run, or cauce, changed."""
    folder, manifest = file.partition("/")[0], run.manifest
    if folder in STAGES:
        return folder not in manifest["stages"] and "task" not in manifest
    if folder in trials.FOLDERS:
        made_by = read_trial(run.path / file).made_by
        return made_by is None or not made_by.is_of(run)
    return False


def evidence_of_log(run: Run) -> Iterator[Evidence]:
    """Replies in each month of the audit log."""
    for path in months(run.path / FOLDER):
        file = path.relative_to(run.path).as_posix()
        where = origin(run, file, data="", command="cauce serve {run}")
        with path.open("rb") as stream:
            replies = sum(_REPLIED in line for line in stream)
        yield measured("logged_replies", replies, where, part=path.stem)
