"""A run's model beside the others, as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cauce.evaluation.drift_table import drift_table
from cauce.evaluation.risk_systems import BASELINE, REMOVED, SystemRisk, TwinEvaluation
from cauce.evaluation.statistics import Estimate
from cauce.twin.domain import Compared
from cauce.twin.surprises import Surprises

HEADER = (
    "",
    "AUROC",
    "AUPRC",
    "min(Se,P+)",
    "ECE",
    "Brier",
    f"AUROC lost, {REMOVED:.0%} removed",
    f"AUROC over {BASELINE}",
)

REASONS: dict[Compared, str] = {
    "readings": "with too few readings",
    "variables": "with too few things measured",
    "hours": "with a record that is too short or too long",
    "static": "whose age, sex or the like is not known or is other",
    "outside": "with unusual readings",
    "state": "with an unusual course",
}


def evaluation_table(found: TwinEvaluation) -> str:
    """All that was measured; a part that was not is left out."""
    return "\n".join([*_risk(found), *_groups(found), *_forecasts(found), *_rest(found)])


def withheld_line(found: TwinEvaluation) -> str:
    """Of how many people no risk would be told and why, and the figures of the others."""
    withheld = found.withheld
    reasons = [f"{count} {REASONS[kind]}" for kind, count in withheld.reasons.items()]
    line = f"Whoever asks is told no risk of {withheld.people} of {found.people}"
    line += f", unlike those learned from: {', '.join(reasons)}." if reasons else "."
    if withheld.figures is None:
        return line
    figures = withheld.figures
    return (
        f"{line} Of the {figures.n} others: AUROC {_cell(figures.auroc)}, "
        f"AUPRC {_cell(figures.auprc)}, ECE {figures.calibration_error:.3f}, "
        f"Brier {_cell(figures.brier)}."
    )


def _risk(found: TwinEvaluation) -> Iterator[str]:
    if not found.systems:
        yield f"{found.people} people; of too few it is known what became of them to judge risks"
        yield withheld_line(found)
        return
    figures = found.systems[found.model].figures
    yield (
        f"risk of {found.outcome}, {found.data}: {figures.n} people, "
        f"it happened to {figures.events}; 95 % intervals"
    )
    rows = [HEADER, *(_row(name, system) for name, system in found.systems.items())]
    yield from _aligned(rows)
    yield f"The run's own model is {found.model}."
    yield withheld_line(found)


def _row(name: str, system: SystemRisk) -> tuple[str, ...]:
    figures = system.figures
    return (
        name,
        _cell(figures.auroc),
        _cell(figures.auprc),
        _cell(figures.sensitivity_and_precision),
        f"{figures.calibration_error:.3f}",
        _cell(figures.brier),
        _cell(system.removed.drop),
        _cell(system.over_baseline) if system.over_baseline else "",
    )


def _groups(found: TwinEvaluation) -> Iterator[str]:
    if found.groups:
        rows = [("", "n", "happened", "told", "AUROC")]
        for name, group in found.groups.items():
            seen = f"{group.events / group.n:.3f}"
            auroc = _cell(group.auroc) if group.auroc else "not measured"
            rows.append((name, str(group.n), seen, f"{group.told:.3f}", auroc))
        yield from ["", *_aligned(rows)]


def _forecasts(found: TwinEvaluation) -> Iterator[str]:
    figures = [*found.forecasts.values()]
    if figures:
        better = sum(one.error < one.error_of_last for one in figures)
        held = np.average([one.covered for one in figures], weights=[one.n for one in figures])
        yield ""
        yield (
            f"next readings, a day ahead: nearer than the last value in {better} of "
            f"{len(figures)}; in the model's own 90 % interval {held:.1%} of them"
        )


def _rest(found: TwinEvaluation) -> Iterator[str]:
    if found.drift:
        yield from ["", drift_table(found.drift)]
    for name, surprises in found.surprises.items():
        yield from ["", *_surprises(name, surprises)]


def _surprises(name: str, surprises: Surprises) -> Iterator[str]:
    yield (
        f"{name}: {len(surprises.found)} of {surprises.looked_at} readings outside the model's own "
        f"99 % interval; {surprises.by_chance:.1f} would be by chance"
    )
    for one in surprises.found:
        event = one.event
        yield (
            f"  {event.start:%Y-%m-%d %H:%M} {event.reading or event.name} {event.value:g} "
            f"{event.unit}, expected {one.low:.3g} to {one.high:.3g} ({event.file}, {event.origin})"
        )


def _cell(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        right = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *right]).rstrip()
