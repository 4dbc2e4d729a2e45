"""What a model makes of a record, with how far its numbers were right before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cauce.records import Spoken
from cauce.report.charts import Scale
from cauce.twin.summary.wording import printed_number

if TYPE_CHECKING:
    from cauce.evaluation.risk_systems import ReliabilityBin, SystemRisk
    from cauce.twin.domain import Comparison, Domain
    from cauce.twin.series import Series
    from cauce.twin.state.model import TwinModel

SIDE, MARGIN = 240, 36


class Guess(NamedTuple):
    """A risk, and how the model that gives it did with people whom it had not seen."""

    outcome: str
    risk: float | None
    """Calibrated, 0..1; None where there are doubts."""
    members: Mapping[str, float]
    """What each of the models that it is made of says alone."""
    bins: Sequence[ReliabilityBin]
    """Empty where the model was not evaluated."""
    ece: float | None
    run: str
    doubts: Sequence[Comparison] = ()
    """In what the person is unlike those whom the model learned from."""


def guess_of(
    model: TwinModel, domain: Domain, series: Series, measured: SystemRisk | None, *, run: str
) -> Guess:
    """What the model makes of one series; `measured` is what its risks were worth before.

    Of someone outside its domain it tells no risk, and why.
    """
    if doubts := domain.doubts(model, series):
        return Guess(model.outcome, None, {}, (), None, run, doubts)
    members = {str(name): float(risk[0]) for name, risk in model.risk_by_member([series]).items()}
    return Guess(
        outcome=model.outcome,
        risk=float(model.risk([series])[0]),
        members=members if len(members) > 1 else {},
        bins=measured.reliability if measured else (),
        ece=measured.figures.calibration_error if measured else None,
        run=run,
    )


class Dot(NamedTuple):
    """A bin on the reliability diagram."""

    x: float
    y: float
    size: float
    low: float
    high: float
    """Ends of the interval of what was seen."""
    title: str


class Reliability(NamedTuple):
    """The diagram: observed against predicted, both from 0 to 100 %."""

    dots: tuple[Dot, ...]
    line: str
    ticks: tuple[tuple[float, float, str], ...]
    """Across, down and text."""
    side: int
    margin: int


def reliability(bins: Sequence[ReliabilityBin], language: Spoken) -> Reliability | None:
    """The diagram of the bins, dots as large as they hold people; None where there are none."""
    if not bins:
        return None
    across, down = Scale(0, 1, MARGIN, SIDE - 10), Scale(0, 1, SIDE - MARGIN, 10)
    most = max(one.n for one in bins)
    dots = tuple(
        Dot(
            across(one.told),
            down(one.seen),
            round(2 + 5 * (one.n / most) ** 0.5, 1),
            down(one.low),
            down(one.high),
            f"{percent(one.told, language)} % → {percent(one.seen, language)} % (n {one.n})",
        )
        for one in bins
    )
    ticks = tuple((across(i / 4), down(i / 4), f"{25 * i}") for i in range(5))
    line = " ".join(f"{dot.x},{dot.y}" for dot in dots)
    return Reliability(dots, line, ticks, SIDE, MARGIN)


def percent(share: float, language: Spoken) -> str:
    """A share as percent with two digits that count, in the decimal mark of the language.

    >>> percent(0.0734, "es"), percent(0.5, "en")
    ('7,3', '50')
    """
    return printed_number(float(f"{100 * share:.2g}"), language)
