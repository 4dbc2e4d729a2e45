"""What stands where an MLP stood: a liquid layer with what it takes to fit the model's width.

Axes: b rows, t time, d model width, o output width of the liquid layer, s state width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import Module, Parameter
from torch.nn.functional import dropout

from cauce.models.liquid.cfc import CfC
from cauce.models.liquid.flow import make_flow
from cauce.models.liquid.layer import LiquidLayer
from cauce.models.liquid.lrc import LrcSSM
from cauce.models.liquid.ltc import LTC
from cauce.models.liquid.memory import MixedMemory
from cauce.models.liquid.transplant.cache import States
from cauce.models.liquid.wired import WiredCfC
from cauce.models.liquid.wiring import AutoNCP, FullyConnected
from cauce.models.settings import LiquidSettings

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from cauce.models.liquid.kernels.activations import Activation

MOTOR_SHARE = 4
"""Of the neurons of an NCP, one in four is a motor neuron."""


class Form(NamedTuple):
    """How the CfC that preserves an MLP is shaped: after that MLP."""

    activation: Activation
    backbone_units: int
    is_gated: bool
    reach: float


class Scale(Module):
    """x * weight + bias, one of each for a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = Parameter(torch.ones(width)), Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        """Every channel scaled and shifted."""
        return torch.addcmul(self.bias, x, self.weight)


class Beside(Module):
    """A block whose output is scaled by a gate that starts at 0."""

    def __init__(self, block: Module) -> None:
        super().__init__()
        self.block, self.gate = block, Parameter(torch.zeros(()))

    def forward(self, hidden: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """gate block(x)."""
        output: Tensor = self.gate * self.block(hidden)
        return output


class Gated(Module):
    """An MLP and, beside it, a block that adds to its output once it has learned what."""

    def __init__(self, mlp: Module, block: Module) -> None:
        super().__init__()
        self.mlp, self.beside = mlp, Beside(block)

    def forward(self, hidden: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """mlp(x) + gate block(x)."""
        output: Tensor = self.mlp(hidden) + self.beside(hidden)
        return output


class SmallMlp(Module):
    """Two linear layers with a GELU between them: the control of a liquid block."""

    def __init__(self, number: int, width: int, hidden: int, *, drop: float) -> None:
        super().__init__()
        self.number = number
        self.into, self.out = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.drop = drop

    def forward(self, hidden: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """out(gelu(into(x)))."""
        output: Tensor = self.out(nn.functional.gelu(self.into(hidden)))
        return dropout(output, self.drop, self.training)


class LiquidBlock(Module):
    """A liquid layer over the tokens of a row, its output brought to the model's width.

    Before each forward pass of the model, `states` is set to what the cache holds for all layers
    (None without a cache), `padding` to the places where no token is and `rows` to how many there
    are: they are attributes, because a decoder hands its MLP nothing but hidden values, and some
    (OPT) those of all rows in one.
    """

    def __init__(
        self, number: int, width: int, liquid: LiquidLayer, *, reduced: int | None, drop: float
    ) -> None:
        """`reduced` is the width that inputs are brought to first, if any."""
        super().__init__()
        self.number, self.drop = number, drop
        self.reduce = None if reduced is None else nn.Linear(width, reduced)
        self.liquid = liquid
        is_fitting = liquid.output_size == width
        self.expand = Scale(width) if is_fitting else nn.Linear(liquid.output_size, width)
        self.states: States | None = None
        self.padding: Bool[Tensor, "b t"] | None = None
        self.rows: int | None = None

    def forward(self, hidden: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """What the model adds to `hidden` for each token, knowing those before it."""
        if hidden.dim() == 2 and self.rows:
            whole: Tensor = self(hidden.view(self.rows, -1, hidden.shape[1]))
            return whole.flatten(0, 1)
        reduced = hidden if self.reduce is None else self.reduce(hidden)
        flow = make_flow(reduced, None, self.liquid.document_starts, self.padding)
        layer = str(self.number)
        before = None if self.states is None else self.states.get(layer)
        outputs, after = self.liquid.run(reduced, before, flow)
        if self.states is not None:
            self.states[layer] = after
        output: Tensor = self.expand(outputs)
        return dropout(output, self.drop, self.training)


def make_block(
    number: int,
    width: int,
    settings: LiquidSettings,
    *,
    drop: float = 0.0,
    form: Form | None = None,
) -> Module:
    """The block that `settings` describes for layer `number`; `form` is needed to preserve."""
    units = settings.units or width
    if settings.cell == "mlp":
        return SmallMlp(number, width, units, drop=drop)
    reduced = units if settings.cell == "ltc" and units < width else None
    liquid = _layer(reduced or width, units, settings, form)
    if settings.mixed_memory:
        liquid = MixedMemory(liquid)
    return LiquidBlock(number, width, liquid, reduced=reduced, drop=drop)


def _layer(inputs: int, units: int, settings: LiquidSettings, form: Form | None) -> LiquidLayer:
    if settings.cell == "lrc":
        return LrcSSM(inputs, units)
    if settings.wiring == "ncp":
        wiring = AutoNCP(inputs, units, units // MOTOR_SHARE)
    elif settings.cell == "ltc":
        wiring = FullyConnected(inputs, units)
    elif form is not None:
        return CfC(inputs, units, **form._asdict())
    else:
        return CfC(inputs, units, backbone_units=settings.backbone_units)
    if settings.cell == "cfc":
        return WiredCfC(wiring)
    return LTC(wiring)
