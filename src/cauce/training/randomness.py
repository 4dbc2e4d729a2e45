"""The random states that a training depends on, set from a seed and carried over a crash."""

from __future__ import annotations

import random
from typing import Any


def seed_all(seed: int) -> None:
    """Python, numpy and torch draw the same numbers after every call with the same seed."""
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_states() -> dict[str, Any]:
    """The states of all generators, as JSON-able values."""
    import numpy
    import torch

    state: Any = numpy.random.get_state(legacy=True)
    name, keys, *rest = state
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "python": random.getstate(),
        "numpy": [name, keys.tolist(), *rest],
        "torch": bytes(torch.get_rng_state().tolist()).hex(),
        "cuda": [bytes(state.tolist()).hex() for state in devices],
    }


def restore_random_states(states: dict[str, Any]) -> None:
    """Puts every generator back to where `random_states` found it."""
    import numpy
    import torch

    version, internal, gauss_next = states["python"]
    random.setstate((version, tuple(internal), gauss_next))
    numpy.random.set_state(tuple(states["numpy"]))
    torch.set_rng_state(_byte_tensor(states["torch"]))
    if states["cuda"]:
        torch.cuda.set_rng_state_all([_byte_tensor(state) for state in states["cuda"]])


def _byte_tensor(text: str) -> Any:
    import torch

    return torch.tensor(list(bytes.fromhex(text)), dtype=torch.uint8)
