"""People dealt into folds, each with the same share of the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int


def stratified_folds(
    outcomes: Float[np.ndarray, " p"], folds: int, *, seed: int
) -> Int[np.ndarray, " p"]:
    """The fold, from 0, of each person; sizes differ by at most two, and so do outcomes."""
    generator = np.random.default_rng(seed)
    found = np.empty(len(outcomes), int)
    for outcome in np.unique(outcomes):
        people = generator.permutation(np.flatnonzero(outcomes == outcome))
        found[people] = np.arange(len(people)) % folds
    return found
