"""What has drifted, as plain text: the alarms, and how many comparisons they are among."""

from __future__ import annotations

from collections.abc import Iterator

from cauce.evaluation.drift import LEVEL, Drift, DriftReport, OutcomeDrift

FIGURES = {"level": "level of", "count": "number of readings of"}


def drift_table(report: DriftReport) -> str:
    """A line for each alarm; a last one says what was compared and how sure it is."""
    tested = len(report.drifts) + (report.outcome is not None)
    return "\n".join(
        [
            *(_alarm(drift) for drift in report.alarms),
            *_outcome(report.outcome),
            f"{len(report.alarms)} of {len(report.drifts)} figures have drifted. p by permutation "
            f"of people, corrected over {tested} tests (Holm):",
            f"where nothing drifts, any alarm in at most {LEVEL:.0%} of such comparisons.",
        ]
    )


def _alarm(drift: Drift) -> str:
    return (
        f"DRIFT  {FIGURES[drift.figure]} {drift.variable}: distance {drift.distance:.2f}, "
        f"stability index {drift.stability:.2f}, p {drift.p_holm:.2g} "
        f"({drift.arrived} people against {drift.learned})"
    )


def _outcome(outcome: OutcomeDrift | None) -> Iterator[str]:
    if outcome is not None:
        told = "DRIFT  " if outcome.is_alarm else ""
        yield (
            f"{told}it happened to {outcome.observed} of {outcome.people}; by the risks told to "
            f"{outcome.expected:.1f} [{outcome.low}, {outcome.high}], p {outcome.p_holm:.2g}"
        )
