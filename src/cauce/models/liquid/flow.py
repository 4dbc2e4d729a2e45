"""How time goes along a sequence: its steps, where documents start, and where it stands still.

Axes: b rows, t time, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


class Flow(NamedTuple):
    """What happens between the steps of a recurrence, time first; None where nothing does."""

    timespans: Float[Tensor, "t b"] | None = None
    """Time since the step before, of each row; None is 1 throughout."""
    starts: Bool[Tensor, "t b"] | None = None
    """True where a document begins: the state before it is 0."""
    frozen: Bool[Tensor, "t b"] | None = None
    """True at padding: the state after it is the state before it."""

    def kept(self, states: Float[Tensor, "t b n"]) -> Float[Tensor, "t b n"]:
        """`states` with 0 at the starts: what each step of the recurrence began from."""
        return states if self.starts is None else states.masked_fill(self.starts[..., None], 0.0)


def make_flow(
    inputs: Float[Tensor, "b t d"],
    timespans: Float[Tensor, "b t"] | None,
    starts: Bool[Tensor, "b t"] | None,
    padding: Bool[Tensor, "b t"] | None,
) -> Flow:
    """The flow of `inputs`, time first; ValueError names what does not fit them.

    Timespans may be (b, t), (b, t, 1) or (t,) for all rows alike.
    """
    if timespans is not None:
        timespans = _timespans(inputs, timespans)
    return Flow(
        timespans,
        _marks("document_starts", inputs, starts),
        _marks("padding", inputs, padding),
    )


def refuse_unfit(inputs: Tensor, input_size: int, state: Tensor | None, state_size: int) -> None:
    """Raises ValueError unless `inputs` is (b, t, input_size) and `state` (b, state_size)."""
    if inputs.dim() != 3 or inputs.shape[-1] != input_size:
        raise ValueError(
            f"inputs have the shape {tuple(inputs.shape)}; needed is (rows, time, {input_size})"
        )
    if not inputs.is_floating_point():
        raise ValueError(f"inputs are {inputs.dtype}; needed are floating-point numbers")
    if inputs.shape[1] == 0:
        raise ValueError(f"inputs of shape {tuple(inputs.shape)} have no steps; give at least one")
    if state is not None and state.shape != (len(inputs), state_size):
        raise ValueError(
            f"the state has the shape {tuple(state.shape)}; needed is {(len(inputs), state_size)}: "
            "a row for each of the inputs"
        )


def refuse_non_finite(name: str, values: Tensor) -> None:
    """Raises ValueError with the place of the first value that is no finite number."""
    if values.is_meta or bool(values.detach().sum().isfinite()):
        return
    wrong = (~values.isfinite()).nonzero()
    if not len(wrong):
        return
    place = tuple(wrong[0].tolist())
    raise ValueError(
        f"{name} hold {values[place].item()} at {place} of the shape {tuple(values.shape)}; "
        "needed are finite numbers: mend or mask the data before the layer"
    )


def _timespans(inputs: Tensor, timespans: Tensor) -> Tensor:
    rows, time = inputs.shape[:2]
    given = tuple(timespans.shape)
    if given == (time,):
        timespans = timespans.expand(rows, time)
    elif given == (rows, time, 1):
        timespans = timespans[..., 0]
    elif given != (rows, time):
        raise ValueError(
            f"timespans have the shape {given}; needed is {(rows, time)}: the time before each "
            "step of each row"
        )
    refuse_non_finite("timespans", timespans)
    if not timespans.is_meta and bool((timespans < 0).any()):
        place = tuple((timespans < 0).nonzero()[0].tolist())
        raise ValueError(
            f"timespans hold {timespans[place].item()} at {place}; time does not run backwards: "
            "sort the steps by time"
        )
    return timespans.to(inputs.device).t()


def _marks(name: str, inputs: Tensor, marks: Tensor | None) -> Tensor | None:
    if marks is None:
        return None
    if marks.shape != inputs.shape[:2]:
        raise ValueError(
            f"{name} has the shape {tuple(marks.shape)}; needed is {tuple(inputs.shape[:2])}: "
            "a mark for each step of each row"
        )
    if marks.dtype != torch.bool:
        raise ValueError(f"{name} is {marks.dtype}; needed is bool, True where it holds")
    return marks.to(inputs.device).t()
