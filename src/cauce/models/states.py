"""A layer of transformers' cache for what is no keys and values: recurrent states of any kind.

In the cache they are reordered, repeated and forgotten with the beams.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor
from transformers.cache_utils import CacheLayerMixin

if TYPE_CHECKING:
    from jaxtyping import Int


class StatesLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """Tensors whose rows are those of the batch."""

    is_compileable = False
    is_croppable = False
    """What was read cannot be unread: a state holds no earlier one."""
    supports_early_init = False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @abstractmethod
    def map(self, change: Callable[[Tensor], Tensor]) -> None:
        """Puts what `change` makes of each tensor in its place."""

    @abstractmethod
    def reset(self) -> None:
        """Forgets everything."""

    def reorder_cache(self, beam_idx: Int[Tensor, " b"]) -> None:
        """Each row goes on from the states of the row that `beam_idx` names."""
        self.map(lambda state: state.index_select(0, beam_idx.to(state.device)))

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keeps those rows."""
        self.map(lambda state: state[indices])

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Each row becomes `repeats` rows."""
        self.map(lambda state: state.repeat_interleave(repeats, 0))

    def crop(self, tokens_to_remove: int) -> None:
        """Raises ValueError unless nothing is to be removed."""
        if tokens_to_remove:
            raise ValueError(
                f"{tokens_to_remove} tokens cannot be taken back from a recurrent state; generate "
                "without assisted or speculative decoding"
            )

    def offload(self) -> None:
        """States are small and stay where they are."""

    def prefetch(self) -> None:
        """States are where they were."""

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """There are no keys and values."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Raises ValueError: attention has layers of its own."""
        raise ValueError("a layer of recurrent states holds no keys and values")

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Nothing attends to states."""
        return query_length, 0

    def get_seq_length(self) -> int:
        """States have no length."""
        return 0

    def get_max_length(self) -> int:
        """States have no greatest length."""
        return -1
