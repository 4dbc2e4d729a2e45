"""Networks of different seeds on the scales of the people that they learned from.

Axes: p people, t times, v variables, h hours ahead, n neurons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cauce.twin.series import Series
from cauce.twin.state.network import Cell, Expected, Known, Network, fixed_of, known_at
from cauce.twin.state.scaling import Scale
from cauce.twin.state.settings import NetworkSettings
from cauce.twin.state.steps import Batch, Steps, batch_of, steps_of

if TYPE_CHECKING:
    from jaxtyping import Float

Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]

HELD = 256
"""People computed at a time."""


@dataclass(frozen=True)
class RecurrentMember:
    """The mean of networks that see the same series."""

    cell: Cell
    settings: NetworkSettings
    readings: Scale
    statics: Scale
    networks: tuple[Network, ...]

    @torch.no_grad()
    def logits(self, series: Sequence[Series]) -> Floats:
        """Log odds (p) of the outcome, the mean of the networks."""
        people = [self.steps(one) for one in series]
        found = [np.zeros(0)]
        for start in range(0, len(people), HELD):
            batch = batch_of(people[start : start + HELD])
            known = known_at(batch)
            told = [one.logits(batch, one.states(batch, known)) for one in self.networks]
            found.append(torch.stack(told).mean(0).double().numpy())
        return np.concatenate(found)

    @torch.no_grad()
    def states(self, series: Series) -> Float[Tensor, "t n"]:
        """The first network's state after the step that each time is part of."""
        steps = self.steps(series)
        batch = batch_of([steps])
        return self.networks[0].states(batch, known_at(batch))[0, steps.rows]

    @torch.no_grad()
    def expect(self, series: Series, hours: Sequence[float]) -> list[Expected]:
        """What each network foretells (h v), so many hours after the last time, in true units."""
        batch = batch_of([self.steps(series)])
        known = known_at(batch)
        ahead = torch.tensor(hours, dtype=torch.float32)
        last = Known(*(part[:, -1].expand(len(ahead), -1) for part in known))
        fixed = fixed_of(batch).expand(len(ahead), -1)
        found = []
        for network in self.networks:
            state = network.states(batch, known)[:, -1].expand(len(ahead), -1)
            found.append(self._in_units(network.expect(state, last, fixed, ahead)))
        return found

    def steps(self, series: Series) -> Steps:
        """As the networks read them."""
        step_hours = self.settings.step_hours
        return steps_of(series, self.readings, self.statics, step_hours=step_hours)

    def _in_units(self, expected: Expected) -> Expected:
        """A bent scale has half the way between one deviation below and one above as deviation."""
        mean, deviation = (part.double().numpy() for part in expected)
        low, high = (self.readings.invert(mean + side * deviation) for side in (-1, 1))
        return Expected(
            torch.from_numpy(self.readings.invert(mean)), torch.from_numpy((high - low) / 2)
        )

    def arrays(self) -> Arrays:
        """All that `of_arrays` needs beside the settings."""
        found: Arrays = {}
        for name, scale in (("readings", self.readings), ("statics", self.statics)):
            found.update({f"{name}.{part}": array for part, array in scale._asdict().items()})
        for number, network in enumerate(self.networks):
            for name, weight in network.named_parameters():
                found[f"networks.{number}.{name}"] = weight.detach().numpy()
        return found

    @classmethod
    def of_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], cell: Cell, settings: NetworkSettings
    ) -> RecurrentMember:
        """The member that gave these arrays."""
        readings, statics = (
            Scale(*(arrays[f"{name}.{part}"] for part in Scale._fields))
            for name in ("readings", "statics")
        )
        networks = []
        for number in range(settings.networks):
            network = Network(len(readings.centre), len(statics.centre), cell, settings)
            prefix = f"networks.{number}."
            weights = {
                name.removeprefix(prefix): torch.from_numpy(array)
                for name, array in arrays.items()
                if name.startswith(prefix)
            }
            network.load_state_dict(weights)
            networks.append(network.eval())
        return cls(cell, settings, readings, statics, tuple(networks))


def batch_for(member: RecurrentMember, series: Sequence[Series]) -> Batch:
    """The series as one batch on the member's scales."""
    return batch_of([member.steps(one) for one in series])
