"""CfC layers wired as a neural circuit policy (Lechner et al. 2020, 10.1038/s42256-020-00237-3).

Axes: b rows, t time, d input width, n neurons, m motor neurons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import ModuleList

from cauce.models.liquid.cfc import CfC
from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.cfc import Mode
from cauce.models.liquid.kernels.memory import Memory
from cauce.models.liquid.kernels.memory_cfc import mixed_cfc_recurrence
from cauce.models.liquid.layer import LiquidLayer
from cauce.models.liquid.wiring import Wiring

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int8


class WiredCfC(LiquidLayer):
    """Layers of neurons in the wiring's order, each a CfC without a backbone over the one before.

    f1 and f2 of a neuron see the neurons of the layer before that the wiring connects it to, and
    all of its own layer at the step before; its time gate sees both layers whole. The output is the
    last layer's, that of the motor neurons. No layer depends on a later one, so each is computed
    over all time before the next. The state is (first layer, ..., last layer).
    """

    def __init__(self, wiring: Wiring, *, mode: Mode = "default") -> None:
        super().__init__()
        self.wiring = wiring
        self.input_size, self.output_size = wiring.input_size, wiring.output_size
        self.state_size = wiring.units
        self.layers = ModuleList(
            CfC(len(mask), mask.shape[1], mode=mode, backbone_layers=0, input_mask=mask)
            for mask in _masks(wiring)
        )

    def reset_parameters(self) -> None:
        """Draws all weights anew."""
        for layer in self._cfcs():
            layer.reset_parameters()

    def compute(
        self, inputs: Float[Tensor, "t b d"], state: Float[Tensor, "b n"], flow: Flow
    ) -> tuple[Float[Tensor, "t b m"], Float[Tensor, "b n"]]:
        """See `LiquidLayer.compute`."""
        layers = self._cfcs()
        ends = []
        for layer, begin in zip(
            layers, torch.split(state, [layer.units for layer in layers], 1), strict=True
        ):
            inputs, end = layer.compute(inputs, begin, flow)
            ends.append(end)
        return inputs, torch.cat(ends, 1)

    def compute_mixed(
        self,
        inputs: Float[Tensor, "t b d"],
        state: Float[Tensor, "b s"],
        memory: Memory,
        flow: Flow,
    ) -> tuple[Float[Tensor, "t b m"], Float[Tensor, "b s"]]:
        """See `LiquidLayer.compute_mixed`."""
        is_timed = flow.timespans is not None
        first, *others = self._cfcs()
        links = [first.first_link(inputs, is_timed=is_timed)]
        for layer in others:
            links.append(layer.next_link(links[0], is_timed=is_timed))
        states, end = mixed_cfc_recurrence(memory, links, state, first.form, flow)
        return states[..., -self.output_size :], end

    def _cfcs(self) -> list[CfC]:
        return [cast(CfC, layer) for layer in self.layers]


def _masks(wiring: Wiring) -> list[Int8[np.ndarray, "before neurons"]]:
    """Of each layer of neurons, the synapses from the layer before it, first from the inputs."""
    first, *others = wiring.layers
    masks = [wiring.sensory_synapses[:, first]]
    for before, layer in zip(wiring.layers, others, strict=False):
        masks.append(wiring.synapses[before][:, layer])
    return masks
