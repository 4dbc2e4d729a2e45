"""The parallel-in-time liquid layer LrcSSM (Farsang, Hasani, Rus and Grosu, arXiv 2505.21717).

Axes: b rows, t time, d input width, n neurons, o output width.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, get_args

import torch
from torch import Tensor
from torch.nn import functional, init

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.lrc import LrcDrive, LrcWeights, Solver, lrc_recurrence
from cauce.models.liquid.kernels.newton import Effort
from cauce.models.liquid.layer import LiquidLayer, empty_parameter, refuse_unknown

if TYPE_CHECKING:
    from jaxtyping import Float

SHORTEST_MEMORY, LONGEST_MEMORY = 4.0, 1024.0
"""Steps in which an untrained neuron forgets 63 % of its state, of the fastest and the slowest."""


class LrcSSM(LiquidLayer):
    """A liquid layer of neurons that see the input and themselves, but not each other.

    Liquid resistance and liquid capacitance: the LRC neuron of the paper with the synapses between
    neurons taken away, so that the Jacobian is diagonal and long sequences are solved in parallel:

        s = sigmoid(a x + b),  r = sigmoid(c u + d)
        f = g s + G r + l,  z = k s + K r + l,  q = w x + W u + v
        x' = x + dt sigmoid(q) (tanh(z) e - sigmoid(f) x)

    That is explicit Euler with dt the timespan: it is stable for timespans up to 1, so measure time
    in units that keep them there. States are real. W is 0 in the authors' program, where only the
    state moves the elastance. The authors stack such layers with mixing layers in between.

    After a call, `effort` says how its states were found.

    >>> layer = LrcSSM(20, 50, solver="parallel")
    >>> outputs, state = layer(torch.randn(2, 300, 20))
    >>> outputs.shape, layer.effort.is_parallel
    (torch.Size([2, 300, 50]), True)
    """

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        output_size: int | None = None,
        solver: Solver = "auto",
    ) -> None:
        """`units` neurons, read by a linear map unless `output_size` is None.

        `solver` is "sequential" (one step after another), "parallel" (Newton's method over all
        time) or "auto" (the faster one here); both give the same states.
        """
        super().__init__()
        sizes = {"input_size": input_size, "units": units, "output_size": output_size}
        for name, size in sizes.items():
            if size is not None and size < 1:
                raise ValueError(f"{name} is {size}; needed is at least 1")
        refuse_unknown("solver", solver, get_args(Solver))
        self.input_size, self.state_size = input_size, units
        self.output_size = units if output_size is None else output_size
        self.solver: Solver = solver
        self.effort: Effort | None = None
        self._make_parameters(input_size, units, output_size)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew: memories from `SHORTEST_MEMORY` to `LONGEST_MEMORY` steps.

        Elastance sets them, as sigmoid(v) sigmoid(f) = 1/memory. (The authors draw all weights
        from +-1/sqrt(units), with which every neuron forgets its state in some 4 steps.)
        """
        reach = 1 / math.sqrt(self.input_size)
        init.ones_(self.synapse_slope)
        init.zeros_(self.synapse_offset)
        for weight in (self.conductance, self.update):
            init.uniform_(weight, -0.5, 0.5)
        init.uniform_(self.elastance, -0.1, 0.1)
        init.ones_(self.potential)
        init.constant_(self.input_slope, 2.0)
        init.uniform_(self.input_offset, -2.0, 2.0)
        init.normal_(self.input_conductance, 0.0, reach)
        init.normal_(self.input_update, 0.0, 3 * reach)
        init.zeros_(self.leak)
        init.normal_(self.input_elastance, 0.0, 0.25 * reach)
        memories = torch.logspace(
            math.log2(SHORTEST_MEMORY), math.log2(LONGEST_MEMORY), self.state_size, base=2.0
        )
        with torch.no_grad():
            self.elastance_bias.copy_(torch.logit(2 / memories))
        if self.output_weight is not None and self.output_bias is not None:
            init.normal_(self.output_weight, 0.0, 1 / math.sqrt(self.state_size))
            init.zeros_(self.output_bias)

    def compute(
        self, inputs: Float[Tensor, "t b d"], state: Float[Tensor, "b s"], flow: Flow
    ) -> tuple[Float[Tensor, "t b o"], Float[Tensor, "b s"]]:
        """See `LiquidLayer.compute`."""
        drive, weights = self._drive(inputs), self._weights(inputs.dtype)
        states, self.effort = lrc_recurrence(drive, state, weights, flow, self.solver)
        if self.output_weight is None or self.output_bias is None:
            return states, states[-1]
        dtype = inputs.dtype
        outputs = functional.linear(
            states, self.output_weight.to(dtype), self.output_bias.to(dtype)
        )
        return outputs, states[-1]

    def _drive(self, inputs: Tensor) -> LrcDrive:
        """What the inputs add to the gates at all times."""
        dtype = inputs.dtype
        slope, offset = self.input_slope.to(dtype), self.input_offset.to(dtype)
        synapses = torch.sigmoid(torch.addcmul(offset, slope, inputs))
        leak = self.leak.to(dtype)
        return LrcDrive(
            functional.linear(synapses, self.input_conductance.to(dtype), leak),
            functional.linear(synapses, self.input_update.to(dtype), leak),
            functional.linear(
                inputs, self.input_elastance.to(dtype), self.elastance_bias.to(dtype)
            ),
        )

    def _weights(self, dtype: torch.dtype) -> LrcWeights:
        own = (self.synapse_slope, self.synapse_offset, self.conductance, self.update)
        return LrcWeights(*(weight.to(dtype) for weight in (*own, self.elastance, self.potential)))

    def _make_parameters(self, inputs: int, units: int, outputs: int | None) -> None:
        make = empty_parameter
        self.synapse_slope, self.synapse_offset = make(units), make(units)
        self.conductance, self.update = make(units), make(units)
        self.elastance, self.potential = make(units), make(units)
        self.input_slope, self.input_offset = make(inputs), make(inputs)
        self.input_conductance, self.input_update = make(units, inputs), make(units, inputs)
        self.leak = make(units)
        self.input_elastance, self.elastance_bias = make(units, inputs), make(units)
        self.output_weight = None if outputs is None else make(outputs, units)
        self.output_bias = None if outputs is None else make(outputs)
