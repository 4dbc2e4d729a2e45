"""How much the agreement of each field speaks for a work: log odds, fitted to references.

The weights of Fellegi and Sunter (1969, 10.1080/01621459.1969.10501049), fitted by logistic
regression so that fields which agree together do not count twice; scripts/make_match_weights.py.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Mapping

from cauce.knowledge.works.comparing import Comparison

Weights = Mapping[str, float]
"""Log odds by `field level`, and of no evidence under the empty name."""


def evidence(comparison: Comparison) -> list[str]:
    """The names of the weights that a comparison adds up."""
    return ["", *(f"{field} {level}" for field, level in comparison._asdict().items() if level)]


def log_odds(comparison: Comparison, weights: Weights) -> float:
    """Natural logarithm of the odds that the work is the one that is cited."""
    return sum(weights.get(name, 0.0) for name in evidence(comparison))


@functools.cache
def weights_of_fields() -> Weights:
    """Those for a reference of which the fields are known."""
    return _read()["fields"]


@functools.cache
def weights_of_strings() -> Weights:
    """Those for a reference that is a printed string."""
    return _read()["strings"]


def _read() -> dict[str, dict[str, float]]:
    path = importlib.resources.files("cauce") / "data/match-weights.json"
    read: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8"))
    return read
