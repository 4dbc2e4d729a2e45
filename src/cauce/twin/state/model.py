"""A twin's model: the risk of an outcome, the next values, and the state they are read from.

    twin.json           variables, outcome, settings
    twin.safetensors    the weights and trees of every member

Axes: p people, h hours ahead, v variables, t times, n neurons, m members.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors.numpy import load, save

from cauce.errors import DataRefused, NotFound, UserError
from cauce.records import Record
from cauce.runs import atomic_write
from cauce.twin.series import Series, Variables
from cauce.twin.state.logistic import Logistic
from cauce.twin.state.members import Member, member_of_arrays
from cauce.twin.state.recurrent import RecurrentMember
from cauce.twin.state.settings import MemberName, TwinSettings

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Floats = NDArray[np.float64]

FACTS, WEIGHTS = "twin.json", "twin.safetensors"
_REMEDY = "Restore the folder from a backup, or train the model again."


class Forecast(NamedTuple):
    """What a model expects to be measured; a guess, in the units of the readings."""

    mean: Float[np.ndarray, "h v"]
    deviation: Float[np.ndarray, "h v"]
    """Standard deviation: 9 of 10 values are expected within 1.645 of them around the mean."""


@dataclass(frozen=True)
class TwinModel:
    """What series of readings foretell of one outcome, by one member or several stacked."""

    variables: Variables
    outcome: str
    """What the risk is of, such as `in-hospital death`."""
    settings: TwinSettings
    members: Mapping[MemberName, tuple[Member, ...]]
    """Each fitted as often as there are folds; their logits are averaged."""
    stack: Logistic
    """Of all members' logits, in the order of `members`."""
    calibrations: Mapping[MemberName, Logistic]
    """Of each member's logits alone (Platt 1999)."""

    def risk(self, series: Sequence[Series]) -> Floats:
        """Calibrated probability (p) of the outcome."""
        return self.stack.probabilities(np.column_stack([*self._logits(series).values()]))

    def risk_by_member(self, series: Sequence[Series]) -> dict[MemberName, Floats]:
        """The calibrated probability (p) that each member alone would tell."""
        return {
            name: self.calibrations[name].probabilities(logits[:, None])
            for name, logits in self._logits(series).items()
        }

    def forecast(self, series: Series, hours: Sequence[float]) -> Forecast:
        """Every variable, so many hours after the series' last time.

        Mean and deviation are those of an even mixture of what all networks expect. Raises
        UserError where no member is recurrent, or it learned no forecasts.
        """
        if not self.settings.liquid.forecast_weight:
            raise UserError(
                "the model was trained with forecast_weight 0: it foretells no values.\n"
                "Train it again with a weight above 0."
            )
        expected = [one for member in self._recurrent for one in member.expect(series, hours)]
        means = np.stack([one.mean.numpy() for one in expected])
        squares = np.stack([one.deviation.numpy() ** 2 for one in expected])
        return Forecast(means.mean(0), np.sqrt(squares.mean(0) + means.var(0)))

    def states(self, series: Series) -> Float[Tensor, "t n"]:
        """The state after each time of the series; times of one step have the same.

        It is that of the first network: states of several do not add up. Raises UserError where no
        member is recurrent.
        """
        return self._recurrent[0].states(series)

    def save(self, folder: Path) -> None:
        """Writes both files, readable by their owner alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        arrays = {
            f"{name}.{number}.{part}": np.ascontiguousarray(array)
            for name, fitted in self.members.items()
            for number, member in enumerate(fitted)
            for part, array in member.arrays().items()
        }
        weights = save(arrays)
        facts = _Facts(
            variables=self.variables,
            outcome=self.outcome,
            settings=self.settings,
            stack=_pair(self.stack),
            calibrations={name: _pair(one) for name, one in self.calibrations.items()},
            sha256=hashlib.sha256(weights).hexdigest(),
        )
        with atomic_write(folder / WEIGHTS, private=True) as stream:
            stream.write(weights)
        with atomic_write(folder / FACTS, private=True) as stream:
            stream.write(facts.model_dump_json(indent=1).encode() + b"\n")

    @classmethod
    def load(cls, folder: Path) -> TwinModel:
        """The model that `save` wrote; NotFound without it, DataRefused where it is damaged."""
        if not (folder / FACTS).is_file() or not (folder / WEIGHTS).is_file():
            raise NotFound(f"{folder} holds no twin's model.\nTrain one, or name its folder.")
        facts, arrays = _read(folder)
        fitted: dict[MemberName, tuple[Member, ...]] = {
            name: tuple(
                member_of_arrays(name, _under(arrays, f"{name}.{number}."), facts.settings.liquid)
                for number in range(facts.settings.folds)
            )
            for name in facts.settings.members
        }
        return cls(
            facts.variables,
            facts.outcome,
            facts.settings,
            fitted,
            _logistic(facts.stack),
            {name: _logistic(pair) for name, pair in facts.calibrations.items()},
        )

    @property
    def _recurrent(self) -> tuple[RecurrentMember, ...]:
        for fitted in self.members.values():
            found = tuple(one for one in fitted if isinstance(one, RecurrentMember))
            if found:
                return found
        raise UserError(
            f"the model has the members {', '.join(self.members)}, none of which has a state.\n"
            "Train it with liquid among its members."
        )

    def _logits(self, series: Sequence[Series]) -> dict[MemberName, Floats]:
        if not series:
            return {name: np.zeros(0) for name in self.members}
        return {
            name: np.mean([member.logits(series) for member in fitted], axis=0)
            for name, fitted in self.members.items()
        }


class _Facts(Record):
    """What `twin.json` says."""

    variables: Variables
    outcome: str
    settings: TwinSettings
    stack: tuple[tuple[float, ...], float]
    calibrations: dict[MemberName, tuple[tuple[float, ...], float]]
    sha256: str
    """Of the weights."""


def _read(folder: Path) -> tuple[_Facts, dict[str, NDArray[Any]]]:
    weights = (folder / WEIGHTS).read_bytes()
    try:
        facts = _Facts.model_validate_json((folder / FACTS).read_bytes())
    except ValidationError as error:
        raise DataRefused(f"{folder / FACTS} is damaged: {error}\n{_REMEDY}") from error
    if hashlib.sha256(weights).hexdigest() != facts.sha256:
        raise DataRefused(f"{folder / WEIGHTS} is not the file that {FACTS} names.\n{_REMEDY}")
    return facts, load(weights)


def _under(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _pair(logistic: Logistic) -> tuple[tuple[float, ...], float]:
    return tuple(logistic.weights.tolist()), logistic.bias


def _logistic(pair: tuple[tuple[float, ...], float]) -> Logistic:
    return Logistic(np.asarray(pair[0]), pair[1])
