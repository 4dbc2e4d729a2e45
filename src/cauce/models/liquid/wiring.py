"""Which neurons feed which: masks of -1, 0 and 1 that are whole once made and never change.

Four ways to draw one (`FullyConnected`, `Random`, `NCP`, `AutoNCP`) and `Wiring.from_masks` for one
that exists. A seed draws the synapses that ncps 1.0.1 draws with it in a fresh wiring, in vectors:
768 neurons behind 768 inputs take hundredths of a second. Neural Circuit Policies are those of
Lechner et al. 2020 (doi 10.1038/s42256-020-00237-3): few neurons in layers, as in a worm.

Neurons are numbered motor first, then command, then inter.

Axes: d inputs, n neurons.
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cauce.models.liquid.wiring_checks import (
    refuse_sparsity,
    refuse_unfit_layers,
    refuse_unfit_masks,
    refuse_unreached,
    whole,
)

if TYPE_CHECKING:
    from jaxtyping import Int, Int8
    from numpy import ndarray
    from numpy.typing import NDArray

Kind = Literal["motor", "command", "inter"]


@dataclass(frozen=True, eq=False)
class Wiring:
    """The synapses of a layer of neurons, read only: 1 excites, -1 inhibits, 0 is no synapse."""

    sensory_synapses: Int8[ndarray, "d n"]
    """From each input (row) to each neuron (column)."""
    synapses: Int8[ndarray, "n n"]
    """From each neuron (row) to each neuron (column)."""
    output_size: int
    """Motor neurons, which have the numbers below it: their state is the output."""
    layers: tuple[Int[ndarray, " neurons"], ...]
    """Neurons in the order in which they are computed; the last layer has the motor neurons."""
    origin: Mapping[str, Any] | None = None
    """The kind and arguments that draw it again; None where only the masks are known."""

    def __post_init__(self) -> None:
        refuse_unfit_masks(np.asarray(self.sensory_synapses), np.asarray(self.synapses))
        for name in ("sensory_synapses", "synapses"):
            object.__setattr__(self, name, _frozen(getattr(self, name), np.int8))
        object.__setattr__(self, "output_size", whole("output_size", self.output_size))
        object.__setattr__(self, "layers", tuple(_frozen(part, np.int64) for part in self.layers))
        if self.origin is not None:
            object.__setattr__(self, "origin", MappingProxyType(dict(self.origin)))
        refuse_unfit_layers(self.layers, self.units, self.output_size)
        refuse_unreached(self.sensory_synapses, self.synapses)

    @classmethod
    def from_masks(
        cls,
        sensory_synapses: Int[ndarray, "d n"],
        synapses: Int[ndarray, "n n"],
        output_size: int | None = None,
        layers: Sequence[Sequence[int]] | None = None,
    ) -> Wiring:
        """A wiring of these synapses; all neurons are motor neurons in one layer by default.

        Raises ValueError for masks and layers that do not fit, and for a neuron that nothing from
        the inputs reaches.

        >>> Wiring.from_masks(np.ones((3, 2)), np.array([[0, -1], [1, 0]])).synapse_count
        2
        """
        units = len(synapses)
        parts = [range(units)] if layers is None else layers
        return cls(
            sensory_synapses,
            synapses,
            units if output_size is None else output_size,
            tuple(np.array(part, dtype=np.int64) for part in parts),
        )

    @property
    def input_size(self) -> int:
        """How many inputs it is made for."""
        return len(self.sensory_synapses)

    @property
    def units(self) -> int:
        """How many neurons it has."""
        return len(self.synapses)

    @property
    def synapse_count(self) -> int:
        """Synapses from neuron to neuron."""
        return int(np.count_nonzero(self.synapses))

    @property
    def sensory_synapse_count(self) -> int:
        """Synapses from inputs to neurons."""
        return int(np.count_nonzero(self.sensory_synapses))

    @property
    def density(self) -> float:
        """The share of all possible synapses, sensory ones too, that exist."""
        possible = self.sensory_synapses.size + self.synapses.size
        return (self.synapse_count + self.sensory_synapse_count) / possible

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that differ wherever two wirings do."""
        parts = (np.array([self.input_size, self.units, self.output_size]), *self.layers)
        data = b"|".join(part.tobytes() for part in parts)
        masks = self.sensory_synapses.tobytes() + self.synapses.tobytes()
        return hashlib.sha256(data + b"|" + masks).hexdigest()[:16]

    def kind(self, neuron: int) -> Kind:
        """What a neuron does: "motor" ones are the output, "command" ones lie right before them."""
        if not 0 <= neuron < self.units:
            raise ValueError(f"there is no neuron {neuron}: they are 0 to {self.units - 1}")
        if neuron < self.output_size:
            return "motor"
        return "command" if any(neuron in part for part in self.layers[1:-1]) else "inter"

    def to_config(self) -> dict[str, Any]:
        """What `wiring_from_config` makes the same wiring of, as JSON can hold it.

        A drawn wiring is its few arguments and a digest; explicit masks are packed, at 768 neurons
        and inputs into some 400 kB at most.
        """
        return {**(_packed(self) if self.origin is None else self.origin), "digest": self.digest}

    def __reduce__(self) -> tuple[Callable[..., Wiring], tuple[dict[str, Any]]]:
        """Copies and pickles by config, because numpy makes copies writable."""
        return wiring_from_config, (self.to_config(),)


def FullyConnected(
    input_size: int,
    units: int,
    output_size: int | None = None,
    *,
    seed: int = 1111,
    self_connections: bool = True,
) -> Wiring:
    """Every input to every neuron and every neuron to every neuron; two of three excite.

    >>> FullyConnected(3, 4, 2).synapse_count
    16
    """
    d, n = whole("input_size", input_size), whole("units", units)
    seed = whole("seed", seed, 0)
    rng = np.random.default_rng(seed)
    is_wired = np.ones((n, n), dtype=bool) if self_connections else ~np.eye(n, dtype=bool)
    synapses = np.zeros((n, n), dtype=np.int8)
    synapses[is_wired] = _mostly_excitatory(rng, int(is_wired.sum()))
    sensory = _mostly_excitatory(rng, d * n).reshape(d, n)
    outputs = n if output_size is None else output_size
    arguments = {"seed": seed, "self_connections": self_connections}
    return _one_layer("fully-connected", sensory, synapses, outputs, arguments)


def Random(
    input_size: int,
    units: int,
    output_size: int | None = None,
    sparsity: float = 0.5,
    *,
    seed: int = 1111,
) -> Wiring:
    """A share of 1 - `sparsity` of all synapses, drawn at random; two of three excite.

    Raises ValueError where that leaves a neuron out of reach of the inputs.

    >>> Random(10, 10, 5, sparsity=0.75).sensory_synapse_count
    25
    """
    d, n = whole("input_size", input_size), whole("units", units)
    refuse_sparsity(sparsity)
    seed = whole("seed", seed, 0)
    rng = np.random.default_rng(seed)
    synapses, sensory = np.zeros(n * n, dtype=np.int8), np.zeros(d * n, dtype=np.int8)
    used = rng.choice(n * n, size=round(n * n * (1 - sparsity)), replace=False)
    synapses[used] = _mostly_excitatory(rng, len(used))
    used = rng.choice(d * n, size=round(d * n * (1 - sparsity)), replace=False)
    # ncps draws the polarity of these twice and keeps the second.
    sensory[used] = _mostly_excitatory(rng, 2 * len(used))[1::2]
    outputs = n if output_size is None else output_size
    arguments = {"sparsity": float(sparsity), "seed": seed}
    return _one_layer("random", sensory.reshape(d, n), synapses.reshape(n, n), outputs, arguments)


def NCP(
    input_size: int,
    *,
    inter: int,
    command: int,
    motor: int,
    sensory_fanout: int,
    inter_fanout: int,
    recurrent_command_synapses: int,
    motor_fanin: int,
    seed: int = 22222,
) -> Wiring:
    """A Neural Circuit Policy: inputs to inter, to command, to motor neurons; half excite.

    Each input feeds `sensory_fanout` inter neurons, each of these `inter_fanout` command neurons,
    and each motor neuron listens to `motor_fanin` of those; whom that leaves out gets the mean.
    Only command neurons feed their own layer, by `recurrent_command_synapses` draws in all: one
    that comes twice counts once. Raises ValueError for more synapses than there are neurons.
    """
    sizes = {"input_size": input_size, "inter": inter, "command": command, "motor": motor}
    d, i, c, m = (whole(name, size) for name, size in sizes.items())
    sensory_fanout = whole("sensory_fanout", sensory_fanout, 1, i, "inter neurons")
    inter_fanout = whole("inter_fanout", inter_fanout, 1, c, "command neurons")
    motor_fanin = whole("motor_fanin", motor_fanin, 1, c, "command neurons")
    recurrent = whole("recurrent_command_synapses", recurrent_command_synapses, 0)
    seed = whole("seed", seed, 0)
    rng = np.random.RandomState(seed)
    sensory = np.zeros((d, m + c + i), dtype=np.int8)
    synapses = np.zeros((m + c + i, m + c + i), dtype=np.int8)
    _spread(rng, sensory[:, m + c :], sensory_fanout, most=d)
    _spread(rng, synapses[m + c :, m : m + c], inter_fanout, most=c)
    for _ in range(recurrent):
        source, target = m + rng.randint(0, c), m + rng.randint(0, c)
        synapses[source, target] = 2 * rng.randint(0, 2) - 1
    _spread(rng, synapses[m : m + c, :m].T, motor_fanin, most=m)
    layers = np.arange(m + c, m + c + i), np.arange(m, m + c), np.arange(m)
    fans = {"sensory_fanout": sensory_fanout, "inter_fanout": inter_fanout}
    fans |= {"recurrent_command_synapses": recurrent, "motor_fanin": motor_fanin}
    origin = {"kind": "ncp", "input_size": d, "inter": i, "command": c, "motor": m, **fans}
    return Wiring(sensory, synapses, m, layers, {**origin, "seed": seed})


def AutoNCP(
    input_size: int, units: int, output_size: int, sparsity: float = 0.5, *, seed: int = 22222
) -> Wiring:
    """An `NCP` of `units` neurons: 40 % of those that are no outputs are command neurons.

    Each neuron feeds a share of 1 - `sparsity` of the next layer, and at least one. Raises
    ValueError unless there are three units more than outputs.

    >>> [len(layer) for layer in AutoNCP(8, 24, 4).layers]
    [12, 8, 4]
    """
    outputs, n = whole("output_size", output_size), whole("units", units)
    if n < outputs + 3:
        raise ValueError(
            f"AutoNCP got units={n} for output_size={outputs}; needed are at least {outputs + 3}, "
            f"and {max(round(1.4 * outputs), outputs + 3)} leave room for command and inter neurons"
        )
    refuse_sparsity(sparsity)
    command = max(int(0.4 * (n - outputs)), 1)
    inter = n - outputs - command
    density = 1.0 - sparsity
    drawn = NCP(
        input_size,
        inter=inter,
        command=command,
        motor=outputs,
        sensory_fanout=max(int(inter * density), 1),
        inter_fanout=max(int(command * density), 1),
        recurrent_command_synapses=max(int(command * density * 2), 1),
        motor_fanin=max(int(command * density), 1),
        seed=seed,
    )
    sizes = {"input_size": drawn.input_size, "units": n, "output_size": outputs}
    arguments = {"sparsity": float(sparsity), "seed": whole("seed", seed, 0)}
    origin = {"kind": "auto-ncp", **sizes, **arguments}
    return Wiring(drawn.sensory_synapses, drawn.synapses, outputs, drawn.layers, origin)


def wiring_from_config(config: Mapping[str, Any]) -> Wiring:
    """The wiring of a config: a `kind` and its arguments, as `Wiring.to_config` gives them.

    Raises ValueError for an unknown kind or argument, and where the synapses are not those of the
    `digest` in it, because weights that were trained with others would mean nothing.
    """
    arguments = dict(config)
    kind, digest = arguments.pop("kind", None), arguments.pop("digest", None)
    if kind not in _MAKERS:
        raise ValueError(f"no wiring is of the kind {kind!r}; there are {', '.join(_MAKERS)}")
    try:
        inspect.signature(_MAKERS[kind]).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"the config of a wiring of the kind {kind!r} is {error}") from None
    wiring = _MAKERS[kind](**arguments)
    if digest not in (None, wiring.digest):
        raise ValueError(
            f"numpy {np.__version__} draws other synapses for the wiring {kind!r} (digest "
            f"{wiring.digest}) than the config was written for ({digest}); use the numpy it was "
            "written with, or keep the synapses themselves with Wiring.from_masks"
        )
    return wiring


def _mostly_excitatory(rng: np.random.Generator, count: int) -> NDArray[np.int8]:
    """One draw gives the stream of `count` single ones, as ncps makes them."""
    return np.array([-1, 1, 1], dtype=np.int8)[rng.integers(0, 3, count)]


def _spread(rng: np.random.RandomState, block: NDArray[np.int8], fan: int, *, most: int) -> None:
    """Gives each row of `block` `fan` synapses, and each column left out the mean of them.

    In the order of ncps' draws, in which a choice without replacement is a permutation.
    """
    rows, columns = block.shape
    for row in block:
        chosen = rng.permutation(columns)[:fan]
        row[chosen] = 2 * rng.randint(0, 2, fan) - 1
    mean = min(max(int(rows * fan / columns), 1), most)
    for column in np.flatnonzero(~block.any(axis=0)):
        chosen = rng.permutation(rows)[:mean]
        block[chosen, column] = 2 * rng.randint(0, 2, mean) - 1


def _one_layer(
    kind: str,
    sensory: NDArray[np.int8],
    synapses: NDArray[np.int8],
    output_size: int,
    arguments: dict[str, Any],
) -> Wiring:
    units = len(synapses)
    outputs = whole("output_size", output_size, 1, units, "units")
    sizes = {"input_size": len(sensory), "units": units, "output_size": outputs}
    origin = {"kind": kind, **sizes, **arguments}
    return Wiring(sensory, synapses, outputs, (np.arange(units),), origin)


def _packed(wiring: Wiring) -> dict[str, Any]:
    masks = wiring.sensory_synapses.tobytes() + wiring.synapses.tobytes()
    return {
        "kind": "masks",
        "input_size": wiring.input_size,
        "units": wiring.units,
        "output_size": wiring.output_size,
        "layers": [layer.tolist() for layer in wiring.layers],
        "masks": base64.b64encode(zlib.compress(masks)).decode(),
    }


def _unpacked(
    input_size: int, units: int, output_size: int, layers: Sequence[Sequence[int]], masks: str
) -> Wiring:
    size = (input_size + units) * units
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(masks), size + 1)
    except (ValueError, zlib.error):
        data = b""
    if len(data) != size:
        raise ValueError(
            f"the masks do not hold the {size} values of {input_size} inputs and {units} units"
        )
    values = np.frombuffer(data, dtype=np.int8).reshape(input_size + units, units)
    return Wiring.from_masks(values[:input_size], values[input_size:], output_size, layers)


_MAKERS: dict[str, Callable[..., Wiring]] = {
    "fully-connected": FullyConnected,
    "random": Random,
    "ncp": NCP,
    "auto-ncp": AutoNCP,
    "masks": _unpacked,
}


def _frozen(values: Any, dtype: type[np.integer[Any]]) -> NDArray[Any]:
    array = np.array(values, dtype=dtype, order="C")
    array.setflags(write=False)
    return array
