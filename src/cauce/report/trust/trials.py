"""Evidence out of trials of the assistant: attacks, privacy, fairness, robustness, its guards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cauce.assistant.holding import THRESHOLD
from cauce.evaluation.conformal import Guarantee
from cauce.evaluation.redteam.campaign import LOG
from cauce.evaluation.redteam.results import Findings
from cauce.evaluation.statistics import Estimate, clopper_pearson
from cauce.report.facts import read_json
from cauce.report.trust.evidence import Evidence, Origin, estimate_of, measured, origin
from cauce.report.trust.stages import TESTED_ON, TRAINED_ON
from cauce.runs import Run

REDTEAM, PRIVACY, FAIRNESS, ROBUSTNESS = (
    f"{folder}/scores.json" for folder in ("redteam", "privacy", "fairness", "robustness")
)
BASE_AND_TUNED = "redteam/comparison.json"
GUARDS = "cauce/data/safety"
_GUARD_FIGURES = Path(__file__).parents[2] / "data" / "safety"
"""A JSON file of rows for each guard of the package, measured before it was released."""


def evidence_of_fairness(run: Run) -> Iterator[Evidence]:
    """Gaps between people who differ in one thing."""
    return _rows(run, FAIRNESS, "cauce robustness {run}")


def evidence_of_robustness(run: Run) -> Iterator[Evidence]:
    """What typing noise costs."""
    return _rows(run, ROBUSTNESS, "cauce robustness {run}")


def evidence_of_privacy(run: Run) -> Iterator[Evidence]:
    """What can be got out of the model of what it was trained on, and out of its base."""
    found = read_json(run.path / PRIVACY)
    where = origin(run, PRIVACY, data=TRAINED_ON, command="cauce privacy {run}")
    told = found.get("membership", {})
    for attack in ("base", "tuned", "reference"):
        if attack in told:
            auc, caught = (Estimate.model_validate(told[attack][key]) for key in ("auc", "caught"))
            yield measured("membership_auc", auc, where, part=attack)
            yield measured("membership_tpr", caught, where, part=attack)
    for system, canaries in found.get("exposure", {}).items():
        bits = [Estimate.model_validate(canary) for canary in canaries]
        if bits:
            most = max(bits, key=lambda one: one.value)
            yield measured("canary_exposure", most, where, part=system, note=f"max {len(bits)}")
    for system, written in (found.get("personal") or {}).items():
        rate = Estimate.model_validate(written)
        yield measured("personal_data_written", rate, where, part=system)


def evidence_of_redteam(run: Run) -> Iterator[Evidence]:
    """What attacks achieved, with the refusals of innocent prompts beside it."""
    path = run.path / REDTEAM
    if not path.is_file():
        return
    found = Findings.model_validate_json(path.read_bytes())
    command = "cauce redteam {run}"
    where = origin(run, REDTEAM, data=f"redteam/{LOG}", command=command)._replace(seed=found.seed)
    attacks, innocent = found.attacks, found.innocent
    yield measured("attack_success", attacks.success, where, part=found.mode)
    for family, rate in attacks.by_family.items():
        unread = attacks.not_asked.get(family)
        note = f"not asked: {unread}" if unread else ""
        yield measured("attack_success", rate, where, part=family, note=note)
    if attacks.success_within_field is not None:
        yield measured("attack_success_within_field", attacks.success_within_field, where)
    if attacks.success_corrected is not None:
        yield measured("attack_success_corrected", attacks.success_corrected, where)
    yield measured("goals_reached", attacks.goals_reached, where)
    yield measured("attack_queries", attacks.queries, where, part=found.mode)
    yield measured("incoherent", attacks.incoherent, where)
    yield measured("over_refusal", innocent.refused, where)
    for language, rate in innocent.by_language.items():
        yield measured("over_refusal", rate, where, part=language)
    if found.judge is not None:
        yield measured("judge_sensitivity", _exact(*found.judge.sensitivity), where)
        yield measured("judge_specificity", _exact(*found.judge.specificity), where)


def evidence_of_tuned_harm(run: Run) -> Iterator[Evidence]:
    """What tuning did to the answers to the same attacks."""
    return _rows(run, BASE_AND_TUNED, "cauce redteam {run} --base")


def _exact(right: int, n: int) -> Estimate:
    low, high = clopper_pearson(right, n)
    return Estimate(value=right / n, low=low, high=high, n=n)


def evidence_of_calibration(run: Run) -> Iterator[Evidence]:
    """What the calibrated threshold shows, and what is promised of it."""
    path = run.path / THRESHOLD
    if path.is_file():
        found = Guarantee.model_validate_json(path.read_bytes())
        where = origin(run, THRESHOLD, data="", command="cauce calibrate {run}")
        low, high = clopper_pearson(found.shown * found.n, found.n)
        shown = Estimate(value=found.shown, low=low, high=high, n=found.n)
        yield measured("answers_kept", shown, where, part=found.among, note=found.promise)


def evidence_of_guards(run: Run) -> Iterator[Evidence]:
    """Figures of the guards that the package brings, the same for every run."""
    for path in sorted(_GUARD_FIGURES.glob("*.json")):
        found = read_json(path)
        where = Origin(
            run=run.path.name,
            file=f"{GUARDS}/{path.name}",
            data_sha256=found.get("data_sha256", ""),
            command=found.get("command", ""),
            seed=found.get("seed"),
            date=found.get("date", ""),
        )
        yield from _rows_of(found, where)


def _rows(run: Run, file: str, command: str) -> Iterator[Evidence]:
    found = read_json(run.path / file)
    where = origin(run, file, data=TESTED_ON, command=command)
    told = {key: found[key] for key in ("command", "data_sha256", "seed", "date") if key in found}
    yield from _rows_of(found, where._replace(**told))


def _rows_of(found: Mapping[str, Any], where: Origin) -> Iterator[Evidence]:
    """A row for each of `rows`: `name`, `part`, `value`, `low`, `high`, `n`, `worst`."""
    for row in found.get("rows", ()):
        if estimate := estimate_of(row):
            yield measured(
                row["name"],
                estimate,
                where,
                part=row.get("part", ""),
                note=str(row.get("worst") or ""),
            )
