"""What all liquid layers share: a state that flows along the time of each row.

Axes: b rows, t time, d input width, n neurons, o output width, s state width.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import Parameter

from cauce.models.liquid.flow import Flow, make_flow, refuse_non_finite, refuse_unfit
from cauce.models.liquid.kernels.memory import Memory, mixed_step_by_step
from cauce.models.recurrence import Recurrent

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool, Float


class LiquidLayer(Recurrent):
    """A recurrent layer over (rows, time, width) whose whole state is one tensor (rows, state)."""

    input_size: int
    """Width d of the inputs."""
    output_size: int
    """Width o of the outputs."""
    state_size: int
    """Width s of the state: the neurons, and with mixed memory as many memory cells after them."""

    def forward(
        self,
        inputs: Float[Tensor, "b t d"],
        state: Float[Tensor, "b s"] | None = None,
        *,
        timespans: Float[Tensor, "b t"] | None = None,
        document_starts: Bool[Tensor, "b t"] | None = None,
        padding: Bool[Tensor, "b t"] | None = None,
    ) -> tuple[Float[Tensor, "b t o"], Float[Tensor, "b s"]]:
        """The output at each step, and the state after the last one.

        `state` is that before the first step (0 when None). Where `document_starts` is True the
        state before is dropped; where `padding` is True the state stands still. The starts that
        `announce_document_starts` left hold when none are given. Computed in at least fp32; the
        outputs have the dtype of the inputs. Raises ValueError for shapes that do not fit, time
        that runs backwards and values that are no finite numbers.
        """
        refuse_unfit(inputs, self.input_size, state, self.state_size)
        refuse_non_finite("inputs", inputs)
        starts = self.document_starts if document_starts is None else document_starts
        flow = make_flow(inputs, timespans, starts, padding)
        outputs: tuple[Tensor, Tensor] = self.run(inputs, state, flow)
        return outputs

    # A compiler would unroll the loop over time.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def run(
        self, inputs: Float[Tensor, "b t d"], state: Float[Tensor, "b s"] | None, flow: Flow
    ) -> tuple[Float[Tensor, "b t o"], Float[Tensor, "b s"]]:
        """As `forward`, unchecked, for the time that `flow` describes."""
        dtype = torch.promote_types(inputs.dtype, torch.float32)
        if flow.timespans is not None:
            flow = flow._replace(timespans=flow.timespans.to(dtype))
        # autocast knows no meta device
        place = "cpu" if inputs.is_meta else inputs.device.type
        with torch.autocast(place, enabled=False):
            wide = inputs.to(dtype).transpose(0, 1)
            begin = wide.new_zeros(wide.shape[1], self.state_size) if state is None else state
            outputs, end = self.compute(wide, begin.to(dtype), flow)
        return outputs.transpose(0, 1).to(inputs.dtype), end

    @abstractmethod
    def compute(
        self, inputs: Float[Tensor, "t b d"], state: Float[Tensor, "b s"], flow: Flow
    ) -> tuple[Float[Tensor, "t b o"], Float[Tensor, "b s"]]:
        """Outputs and last state, time first, in at least fp32."""

    def compute_mixed(
        self,
        inputs: Float[Tensor, "t b d"],
        state: Float[Tensor, "b s"],
        memory: Memory,
        flow: Flow,
    ) -> tuple[Float[Tensor, "t b o"], Float[Tensor, "b s"]]:
        """As `compute` with an LSTM before each step; the state is (liquid state, cells)."""
        return mixed_step_by_step(memory, self.compute, inputs, state, flow)

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draws all weights anew."""


class MaskTensors:
    """A fixed mask as a tensor, made once for each device and dtype that asks.

    It is no buffer: it follows from the wiring, so it is neither saved nor loaded, and a layer that
    was made on the meta device needs nothing more than its weights.
    """

    def __init__(self, mask: np.ndarray) -> None:
        self._mask = mask
        self._made: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def on(self, weight: Tensor) -> Tensor:
        """1 where the mask is not 0 and else 0, fit to be multiplied with `weight`."""
        key = weight.device, weight.dtype
        if key not in self._made:
            is_there = torch.from_numpy(self._mask != 0)
            self._made[key] = is_there.to(device=weight.device, dtype=weight.dtype)
        return self._made[key]


def refuse_unknown(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raises ValueError unless the value of an option is one that is known."""
    if value not in known:
        raise ValueError(f"{name} is {value!r}; there are {', '.join(known)}")


def empty_parameter(*shape: int) -> Parameter:
    """A trainable weight that `reset_parameters` fills."""
    return Parameter(torch.empty(shape))
