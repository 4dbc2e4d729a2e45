"""A recurrent model of a person's state: a CfC, whose state moves on between readings, or a GRU.

At each step it is told of every variable by how much the last value is above the mean, and by how
much below, since both may be bad; whether it was measured now; and how fresh it is. The risk is
read from all states up to the end; the next values from the state after as many hours in which
nothing was measured.

Axes: b rows, t steps, v variables, s statics, d inputs, n neurons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor, nn

from cauce.models.liquid import CfC
from cauce.twin.state.steps import Batch

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from cauce.twin.state.settings import NetworkSettings

Cell = Literal["cfc", "gru"]

FADING_HOURS = 8.0
"""In which a reading that is told with how fresh it is loses all but 1/e of its freshness."""
LEAST_DEVIATION, MOST_DEVIATION = 0.05, 3.0
"""Of a forecast, in deviations of the readings."""


class Known(NamedTuple):
    """What is known at each step."""

    last: Float[Tensor, "b t v"]
    """The last value up to then; 0, the mean, where there is none."""
    ago: Float[Tensor, "b t v"]
    """Hours since it was measured; infinite where it never was."""


class Expected(NamedTuple):
    """What is foretold, on the model's scale."""

    mean: Float[Tensor, "... v"]
    deviation: Float[Tensor, "... v"]


def known_at(batch: Batch) -> Known:
    """The last value of every variable at each step, and its age."""
    time = batch.hours.shape[1]
    places = torch.arange(time)[None, :, None].expand(batch.values.shape)
    newest = torch.where(batch.measured, places, -1).cummax(1).values
    there = newest >= 0
    newest = newest.clamp(min=0)
    hours = batch.hours[..., None].expand(batch.values.shape)
    ago = torch.where(there, hours - hours.gather(1, newest), torch.inf)
    return Known(torch.where(there, batch.values.gather(1, newest), 0.0), ago)


class Network(nn.Module):
    """From steps to states, to the logit of the outcome, and to values that are still to come."""

    def __init__(self, variables: int, statics: int, cell: Cell, settings: NetworkSettings) -> None:
        super().__init__()
        units = settings.units
        inputs = 4 * variables + 2 * statics
        self.cell: nn.Module
        if cell == "cfc":
            self.cell = CfC(inputs, units, backbone_units=settings.backbone)
        else:
            self.cell = nn.GRU(inputs + 1, units, batch_first=True)
        self.kind = cell
        self.dropout = nn.Dropout(settings.dropout)
        self.risk = nn.Linear(3 * units + 2 * statics, 1)
        self.change = nn.Linear(units, 2 * variables)

    def states(self, batch: Batch, known: Known) -> Float[Tensor, "b t n"]:
        """The state after each step."""
        told = self._told(known, batch.measured, fixed_of(batch))
        return self._run(told, batch.timespans, None)

    def logits(self, batch: Batch, states: Float[Tensor, "b t n"]) -> Float[Tensor, " b"]:
        """Of the outcome, from mean, maximum and last of the states."""
        there = ~batch.padding[..., None]
        mean = (states * there).sum(1) / there.sum(1)
        most = states.masked_fill(~there, -torch.inf).amax(1)
        last = states[torch.arange(len(states)), there[..., 0].sum(1) - 1]
        read = torch.cat([mean, most, last], 1)
        logits: Tensor = self.risk(torch.cat([self.dropout(read), fixed_of(batch)], 1))
        return logits[:, 0]

    def expect(
        self,
        states: Float[Tensor, "k n"],
        known: Known,
        fixed: Float[Tensor, "k d"],
        hours: Float[Tensor, " k"],
    ) -> Expected:
        """The values so many hours after each of k states if nothing is measured until then."""
        later = Known(known.last, known.ago + hours[:, None])
        told = self._told(later, torch.zeros_like(later.last, dtype=torch.bool), fixed)
        moved = self._run(told[:, None], hours[:, None], states)[:, 0]
        change, spread = self.change(moved).chunk(2, -1)
        deviation = nn.functional.softplus(spread).clamp(LEAST_DEVIATION, MOST_DEVIATION)
        return Expected(known.last + change, deviation)

    def _told(
        self, known: Known, measured: Bool[Tensor, "... v"], fixed: Float[Tensor, "b e"]
    ) -> Float[Tensor, "... d"]:
        fresh = torch.exp(-known.ago / FADING_HOURS)
        if known.last.dim() == 3:
            fixed = fixed[:, None].expand(-1, known.last.shape[1], -1)
        above, below = known.last.clamp(min=0), known.last.clamp(max=0)
        return torch.cat([above, below, measured.float(), fresh, fixed], -1)

    def _run(
        self,
        told: Float[Tensor, "b t d"],
        timespans: Float[Tensor, "b t"],
        state: Float[Tensor, "b n"] | None,
    ) -> Float[Tensor, "b t n"]:
        if self.kind == "cfc":
            outputs: Tensor = self.cell(told, state, timespans=timespans)[0]
            return outputs
        timed = torch.cat([told, torch.log1p(timespans)[..., None]], -1)
        begun = None if state is None else state[None].contiguous()
        return torch.as_tensor(self.cell(timed, begun)[0])


def fixed_of(batch: Batch) -> Float[Tensor, "b e"]:
    """The statics and which of them are known."""
    return torch.cat([batch.statics, batch.known.float()], 1)
