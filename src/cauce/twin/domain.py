"""Whom a model may be asked of: people like those that it learned from.

Risks are calibrated for such people alone. Of a person are compared with those learned from: how
many readings there are, of how many variables, in how many hours; what does not change (age, sex);
how many of the readings are unusual among theirs; and how far the state is from theirs. Each turns
away the outermost `SHARE` of the very people learned from, so of others like them a few in a
hundred; where the limits lie is kept with the model.

The distance of a state is Mahalanobis' (1936, Proceedings of the National Institute of Sciences of
India 2, 49-55), by a covariance drawn towards equal variances (the target of Ledoit and Wolf 2004,
Journal of Multivariate Analysis 88, 365-411): by the share n / (n + p) of n neurons and p people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cauce.records import Record
from cauce.twin.medicines import TAKING
from cauce.twin.series import Series, Variables

if TYPE_CHECKING:
    from jaxtyping import Float

    from cauce.twin.state.model import TwinModel

Floats = NDArray[np.float64]
Range = tuple[float, float]
Compared = Literal["readings", "variables", "hours", "static", "outside", "state"]

SHARE = 0.01
"""Of those learned from whom each comparison turns away; chosen once, never tuned."""
MIDDLE = (0.005, 0.995)
"""Quantiles between which a value is like those learned from."""
DIGITS = 4
_FOLDS = 5


class Comparison(Record):
    """One thing of a person beside what it was of those learned from."""

    compared: Compared
    found: float | None
    """None where it is not known."""
    low: float | None = None
    high: float | None = None
    """Bounds of those learned from; None where there is none."""
    name: str = ""
    """Of what does not change."""

    @property
    def is_alike(self) -> bool:
        """Whether it lies within the bounds."""
        low, high = self.low, self.high
        found = np.nan if self.found is None else self.found
        return (low is None or found >= low) and (high is None or found <= high)


class Cloud(Record):
    """Where the last states of people lie."""

    centre: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    """Inverse of the covariance."""

    def distance(self, state: Float[np.ndarray, " n"]) -> float:
        """In deviations."""
        gap = state - np.asarray(self.centre)
        return float(np.sqrt(gap @ np.asarray(self.precision) @ gap))


class Domain(Record):
    """What those were like whom a model learned from, as far as it bounds whom it may tell of."""

    ranges: dict[str, Range]
    """Between which the middle 99 % of each reading lies; one that was never measured has none."""
    statics: dict[str, Range]
    """The same of what does not change, if it was known of nearly everybody."""
    fewest_readings: int
    fewest_variables: int
    hours: Range
    """From the first reading to the last."""
    most_outside: float
    """Share of a person's readings that lie outside `ranges`."""
    cloud: Cloud | None
    """None where no member of the model has a state."""
    farthest: float
    """Distance of a state."""

    def doubts(self, model: TwinModel, series: Series) -> tuple[Comparison, ...]:
        """In what the person is unlike them; a risk may be told where there is nothing."""
        shown = _shown(series, model.variables, self.ranges)
        shortest, longest = self.hours
        compared = [
            Comparison(compared="readings", found=shown.readings, low=self.fewest_readings),
            Comparison(compared="variables", found=shown.variables, low=self.fewest_variables),
            Comparison(compared="hours", found=shown.hours, low=shortest, high=longest),
            *self._statics(series, model.variables),
            Comparison(compared="outside", found=shown.outside, high=self.most_outside),
        ]
        if self.cloud and shown.readings:
            distance = self.cloud.distance(_last_state(model, series))
            compared.append(Comparison(compared="state", found=distance, high=self.farthest))
        return tuple(one for one in compared if not one.is_alike)

    def _statics(self, series: Series, variables: Variables) -> Iterator[Comparison]:
        for name, value in zip(variables.statics, series.statics.tolist(), strict=True):
            if name in self.statics:
                low, high = self.statics[name]
                found = None if np.isnan(value) else value
                yield Comparison(compared="static", found=found, low=low, high=high, name=name)


def domain_of(model: TwinModel, people: Sequence[Series]) -> Domain:
    """The domain of a model that learned from these people."""
    variables = model.variables
    ranges = ranges_of(people, variables)
    shown = [_shown(one, variables, ranges) for one in people]
    hours = [one.hours for one in shown]
    states = [
        _last_state(model, one) for one in people if model.settings.has_state and len(one.hours)
    ]
    return Domain(
        ranges=ranges,
        statics=_static_ranges(people, variables),
        fewest_readings=int(_limit([one.readings for one in shown], SHARE)),
        fewest_variables=int(_limit([one.variables for one in shown], SHARE)),
        hours=(_limit(hours, SHARE / 2), _limit(hours, 1 - SHARE / 2)),
        most_outside=_limit([one.outside for one in shown], 1 - SHARE),
        cloud=_cloud(np.stack(states)) if states else None,
        farthest=_limit(_distances(np.stack(states)), 1 - SHARE) if states else 0.0,
    )


def ranges_of(people: Sequence[Series], variables: Variables) -> dict[str, Range]:
    """The middle 99 % of each reading that anyone had."""
    rows = np.concatenate([one.values for one in people])
    found = {}
    for name, column in zip(variables.readings, rows.T, strict=True):
        known = column[~np.isnan(column)]
        if name.startswith(TAKING):
            found[name] = (0.0, 1.0)
        elif len(known):
            found[name] = _middle(known)
    return found


def rounded(value: float) -> float:
    """In `DIGITS` digits, so that what is kept of many people is no one's own reading.

    >>> rounded(1.23456), rounded(36.6)
    (1.235, 36.6)
    """
    return float(f"{value:.{DIGITS}g}")


class _Shown(NamedTuple):
    """How much a series shows of its person."""

    readings: int
    variables: int
    hours: float
    outside: float
    """Share of the readings."""


def _shown(series: Series, variables: Variables, ranges: dict[str, Range]) -> _Shown:
    nowhere = (np.nan, np.nan)
    measured = [not name.startswith(TAKING) for name in variables.readings]
    low, high = np.array([ranges.get(name, nowhere) for name in variables.readings]).T
    values = series.values[:, measured]
    there = ~np.isnan(values)
    inside = (values >= low[measured]) & (values <= high[measured])
    count = int(there.sum())
    return _Shown(
        readings=count,
        variables=int(there.any(0).sum()),
        hours=float(np.ptp(series.hours)) if len(series.hours) else 0.0,
        outside=float((there & ~inside).sum() / max(count, 1)),
    )


def _static_ranges(people: Sequence[Series], variables: Variables) -> dict[str, Range]:
    columns = np.stack([one.statics for one in people]).T
    return {
        name: _middle(column[~np.isnan(column)])
        for name, column in zip(variables.statics, columns, strict=True)
        if np.isnan(column).mean() <= SHARE
    }


def _distances(states: Float[np.ndarray, "p n"]) -> list[float]:
    """Of each state from those of other people, as a newcomer's is."""
    folds = np.arange(len(states)) % _FOLDS
    return [
        cloud.distance(state)
        for fold in range(_FOLDS)
        for cloud in [_cloud(states[folds != fold])]
        for state in states[folds == fold]
    ]


def _cloud(states: Float[np.ndarray, "p n"]) -> Cloud:
    people, width = states.shape
    covariance = np.cov(states.T).reshape(width, width)
    share = width / (width + people)
    even = np.eye(width) * np.trace(covariance) / width
    precision = np.linalg.pinv((1 - share) * covariance + share * even)
    return Cloud(centre=states.mean(0).tolist(), precision=precision.tolist())


def _last_state(model: TwinModel, series: Series) -> Floats:
    return model.states(series)[-1].double().numpy()


def _middle(known: Floats) -> Range:
    low, high = np.quantile(known, MIDDLE)
    return rounded(low), rounded(high)


def _limit(figures: Sequence[float], share: float) -> float:
    """The figure of a person up to whose own lies at least that share of them."""
    return float(np.quantile(np.asarray(figures, float), share, method="inverted_cdf"))
