"""What a wiring must be: masks that fit each other, layers that hold all, neurons within reach."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def whole(name: str, value: int, least: int = 1, most: int | None = None, of: str = "") -> int:
    """The argument `name` as an int; ValueError unless it is one, between `least` and `most`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}; needed is a whole number") from None
    if number < least:
        raise ValueError(f"{name} is {number}; needed is at least {least}")
    if most is not None and number > most:
        raise ValueError(f"{name} is {number}, but there are only {most} {of}")
    return number


def refuse_sparsity(sparsity: float) -> None:
    """Raises ValueError for a share of synapses left out that is none, or that is all of them."""
    if not 0.0 <= sparsity < 1.0:
        raise ValueError(f"sparsity is {sparsity}; needed is at least 0 (dense) and less than 1")


def refuse_unfit_masks(sensory: NDArray[Any], synapses: NDArray[Any]) -> None:
    """Raises ValueError unless masks of -1, 0 and 1 are (inputs, units) and (units, units)."""
    if synapses.ndim != 2 or synapses.shape[0] != synapses.shape[1] or not synapses.size:
        raise ValueError(f"synapses have the shape {synapses.shape}; needed is (units, units)")
    units = len(synapses)
    if sensory.ndim != 2 or sensory.shape[1] != units or not sensory.size:
        raise ValueError(
            f"sensory_synapses have the shape {sensory.shape}; needed is (input_size, {units}), "
            f"because synapses are between {units} units"
        )
    for name, values in (("sensory_synapses", sensory), ("synapses", synapses)):
        strange = values[(values != 0) & (values != 1) & (values != -1)]
        if strange.size:
            raise ValueError(f"{name} hold {strange[0]}; needed are -1, 0 and 1")


def refuse_unfit_layers(layers: tuple[NDArray[Any], ...], units: int, outputs: int) -> None:
    """Raises ValueError unless each neuron is in one layer, and the motor ones in the last."""
    if outputs > units:
        raise ValueError(f"output_size is {outputs}, but there are only {units} units")
    listed = np.concatenate([*layers, np.empty(0, dtype=np.int64)])
    if listed.shape != (units,) or (np.sort(listed) != np.arange(units)).any():
        raise ValueError(
            f"layers hold {len(listed)} neurons; needed is each from 0 to {units - 1} once"
        )
    missing = np.setdiff1d(np.arange(outputs), layers[-1])
    if len(missing):
        raise ValueError(
            f"the motor neuron {missing[0]} is not in the last layer; needed there are all from 0 "
            f"to {outputs - 1}, whose state is the output"
        )


def refuse_unreached(sensory: NDArray[np.int8], synapses: NDArray[np.int8]) -> None:
    """Raises ValueError for a neuron to which no path of synapses leads from any input."""
    reached = sensory.any(axis=0)
    fresh = reached
    while fresh.any():
        fresh = synapses[fresh].any(axis=0) & ~reached
        reached = reached | fresh
    if not reached.all():
        lost = np.flatnonzero(~reached)
        raise ValueError(
            f"no input reaches neuron {lost[0]} ({len(lost)} of {len(synapses)} in all): give it a "
            "synapse, or draw with less sparsity or another seed"
        )
