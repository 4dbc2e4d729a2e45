"""Gradient boosting, kept as plain arrays: nothing of the library that grew the trees is stored.

Axes: p people, f features, n nodes, r trees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cauce.errors import MissingExtra

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from sklearn.ensemble import HistGradientBoostingClassifier

Floats = NDArray[np.float64]


class Trees(NamedTuple):
    """The logit is `start` plus, of each tree, the value of the leaf that a person falls into."""

    feature: Int[np.ndarray, " n"]
    """What a node asks; -1 at a leaf."""
    threshold: Float[np.ndarray, " n"]
    """To the left goes what is not above it."""
    missing_left: Bool[np.ndarray, " n"]
    """Whether to the left goes what is not known."""
    left: Int[np.ndarray, " n"]
    right: Int[np.ndarray, " n"]
    value: Float[np.ndarray, " n"]
    roots: Int[np.ndarray, " r"]
    start: Float[np.ndarray, " 1"]

    def logits(self, features: Float[np.ndarray, "p f"]) -> Floats:
        """Log odds (p)."""
        node = np.broadcast_to(self.roots, (len(features), len(self.roots)))
        people = np.arange(len(features))[:, None]
        while (asks := self.feature[node]).max(initial=-1) >= 0:
            told = features[people, asks]
            is_left = np.where(
                np.isnan(told), self.missing_left[node], told <= self.threshold[node]
            )
            node = np.where(asks < 0, node, np.where(is_left, self.left[node], self.right[node]))
        return np.asarray(self.start + self.value[node].sum(1))


def grow_trees(
    features: Float[np.ndarray, "p f"], outcomes: Float[np.ndarray, " p"], *, seed: int
) -> Trees:
    """Small trees in many slow steps, as few people ask for; MissingExtra without scikit-learn."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ModuleNotFoundError as error:
        raise MissingExtra("gradient boosting", "twin") from error
    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=8,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    # scikit-learn cannot bin a feature that nobody has; a constant is never split by.
    known = np.where(np.isnan(features).all(0), 0.0, features)
    return trees_of(model.fit(known, outcomes))


def trees_of(model: HistGradientBoostingClassifier) -> Trees:
    """The arrays of a fitted model of two classes, over features that are all numbers."""
    grown = [predictors[0].nodes for predictors in model._predictors]
    sizes = [len(nodes) for nodes in grown]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    nodes, offset = np.concatenate(grown), np.repeat(roots, sizes)
    is_leaf = nodes["is_leaf"].astype(bool)
    return Trees(
        feature=np.where(is_leaf, -1, nodes["feature_idx"]).astype(np.int64),
        threshold=nodes["num_threshold"].astype(float),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=nodes["left"].astype(np.int64) + offset,
        right=nodes["right"].astype(np.int64) + offset,
        value=nodes["value"].astype(float),
        roots=roots,
        start=np.ravel(model._baseline_prediction).astype(float),
    )
