"""Evidence out of trials of the assistant: attacks, privacy, fairness, robustness, its guards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cauce.assistant.holding import THRESHOLD
from cauce.evaluation.conformal import Guarantee
from cauce.evaluation.made_by import read_trial
from cauce.evaluation.redteam.adaptive.results import AdaptiveFindings
from cauce.evaluation.redteam.judged import judge_counts
from cauce.evaluation.redteam.results import Findings, JudgeFigures
from cauce.evaluation.statistics import Estimate, clopper_pearson
from cauce.report.facts import read_json
from cauce.report.trust.evidence import OFF, Evidence, Origin, estimate_of, measured, missing
from cauce.report.trust.measures import measures
from cauce.report.trust.stages import guards_of
from cauce.runs import Run

REDTEAM, PRIVACY, FAIRNESS, ROBUSTNESS = (
    f"{folder}/scores.json" for folder in ("redteam", "privacy", "fairness", "robustness")
)
BASE_AND_TUNED = "redteam/comparison.json"
ADAPTIVE = "redteam-adaptive/adaptive.json"
REMEDIES = "remedies"
FOLDERS = (
    *("redteam", "redteam-adaptive", "remedies", "privacy", "fairness", "robustness"),
    "calibrate",
)
"""Of a run, whose files tell what made them."""
GUARDS = "cauce/data/safety"
_GUARD_FIGURES = Path(__file__).parents[2] / "data" / "safety"
"""A JSON file of rows for each guard of the package, measured before it was released."""


_AFTER_REMEDY = {
    "harmful": "harm_after_remedy",
    "over_refusal": "over_refusal_after_remedy",
    "incoherent": "incoherence_after_remedy",
}
"""Measures by what is told of the prompts in the base and in the remedied model."""


class _Trial(NamedTuple):
    found: dict[str, Any]
    where: Origin


def _trial(run: Run, file: str) -> _Trial | None:
    """What a trial found, and where its rows come from; None where it did not take place."""
    path = run.path / file
    if not path.is_file():
        return None
    found, made_by = read_trial(path)
    told = {} if made_by is None else made_by.model_dump(exclude={"state"})
    return _Trial(found, Origin(run.path.name, file, **told))


def evidence_of_fairness(run: Run) -> Iterator[Evidence]:
    """Gaps between people who differ in one thing."""
    return _rows(run, FAIRNESS)


def evidence_of_robustness(run: Run) -> Iterator[Evidence]:
    """What typing noise costs."""
    return _rows(run, ROBUSTNESS)


def evidence_of_tuned_harm(run: Run) -> Iterator[Evidence]:
    """What tuning did to the answers to the same attacks."""
    return _rows(run, BASE_AND_TUNED)


def evidence_of_privacy(run: Run) -> Iterator[Evidence]:
    """What can be got out of the model of what it was trained on, and out of its base."""
    if (trial := _trial(run, PRIVACY)) is None:
        return
    found, where = trial
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
    if (trial := _trial(run, REDTEAM)) is None:
        return
    found, where = Findings.model_validate(trial.found), trial.where
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
        yield from _of_judge(found.judge, where)


def _of_judge(figures: JudgeFigures, where: Origin) -> Iterator[Evidence]:
    """How sure the judge is that the attacks were corrected by: mostly the package's own."""
    packaged = judge_counts()
    if figures == packaged.figures:
        command = "python -m benchmarks.trust --only judge"
        where = Origin("", f"{GUARDS}/judge.json", command=command, date=packaged.date)
    yield measured("judge_sensitivity", _exact(*figures.sensitivity), where)
    yield measured("judge_specificity", _exact(*figures.specificity), where)


def _exact(right: int, n: int) -> Estimate:
    low, high = clopper_pearson(right, n)
    return Estimate(value=right / n, low=low, high=high, n=n)


def evidence_of_adaptive(run: Run) -> Iterator[Evidence]:
    """What attackers that adapt reached, what they had for it, and the innocent refused beside."""
    if (trial := _trial(run, ADAPTIVE)) is None:
        return
    found, where = AdaptiveFindings.model_validate(trial.found), trial.where
    yield measured("adaptive_budget", found.budget, where)
    for one in found.searches:
        yield measured("adaptive_goals_reached", one.reached, where, part=one.attacker)
        yield measured("adaptive_queries", one.queries, where, part=one.attacker)
        if one.by_false_alarms is not None:
            alarms = one.by_false_alarms
            yield measured("adaptive_by_false_alarms", alarms, where, part=one.attacker)
    yield measured("over_refusal", found.findings.innocent.refused, where, part="adaptive")


def evidence_of_remedies(run: Run) -> Iterator[Evidence]:
    """What is left of the harm that tuning added, and what each remedy costs."""
    from cauce.evaluation.redteam.remedies import Remedied

    for path in sorted((run.path / REMEDIES).glob("*.json")):
        if (trial := _trial(run, f"{REMEDIES}/{path.name}")) is None:
            continue
        found, where = Remedied.model_validate(trial.found), trial.where
        part = found.kind if found.scale is None else f"{found.kind} {found.scale:g}"
        for change in found.after.changes:
            if change.name in _AFTER_REMEDY:
                name = _AFTER_REMEDY[change.name]
                yield measured(name, change.difference, where, part=part)
        if found.utility is not None:
            yield measured("task_lost_to_remedy", found.utility.cost, where, part=part)


def evidence_of_calibration(run: Run) -> Iterator[Evidence]:
    """What the calibrated threshold shows, and what is promised of it."""
    if (trial := _trial(run, THRESHOLD)) is None:
        return
    found = Guarantee.model_validate(trial.found)
    low, high = clopper_pearson(found.shown * found.n, found.n)
    shown = Estimate(value=found.shown, low=low, high=high, n=found.n)
    yield measured("answers_kept", shown, trial.where, part=found.among, note=found.promise)


def evidence_of_guards(run: Run) -> Iterator[Evidence]:
    """The package's figures of the guards that the run has on, and no run's own."""
    guards = guards_of(run)
    off = [name for name, row in measures().items() if row.guard and not guards[row.guard]]
    for name in off:
        on = f"cauce run RECIPE assistant.guards.{measures()[name].guard}=true"
        yield missing(measures()[name], run.path.name, OFF, command=on)
    for path in sorted(_GUARD_FIGURES.glob("*.json")):
        found = read_json(path)
        told = {key: found[key] for key in ("command", "data_sha256", "date") if key in found}
        where = Origin("", f"{GUARDS}/{path.name}", **told)
        yield from (row for row in _rows_of(found, where) if row.name not in off)


def _rows(run: Run, file: str) -> Iterator[Evidence]:
    trial = _trial(run, file)
    return iter(()) if trial is None else _rows_of(*trial)


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
