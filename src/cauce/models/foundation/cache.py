"""What a Liquid Foundation model keeps while it writes: a memory for each layer, of fixed size.

That of attention without a window grows with the text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from torch import Tensor
from transformers.cache_utils import Cache

from cauce.models.foundation.places import Memory
from cauce.models.states import StatesLayer


class _Memories(StatesLayer):  # type: ignore[no-untyped-call]
    """The memories of a model's layers by name, and how many tokens they have seen."""

    def __init__(self) -> None:
        super().__init__()
        self.by_layer: defaultdict[str, Memory] = defaultdict(dict)
        self.seen = 0

    def reset(self) -> None:
        """Forgets everything."""
        self.by_layer.clear()
        self.seen = 0

    def map(self, change: Callable[[Tensor], Tensor]) -> None:
        """Puts what `change` makes of each tensor in its place."""
        for memory in self.by_layer.values():
            memory.update({name: change(tensor) for name, tensor in memory.items()})

    def get_seq_length(self) -> int:
        """Tokens read so far, padding included."""
        return self.seen


class FoundationCache(Cache):
    """The cache of a Liquid Foundation model.

    It holds one layer whatever the depth of the model: each part of the model finds its memory by
    the name of the part.
    """

    def __init__(self) -> None:
        self._memories = _Memories()
        super().__init__(layers=[self._memories])

    def memory(self, name: str) -> Memory:
        """What the part of that name keeps; empty before the first token."""
        return self._memories.by_layer[name]

    def by_part(self) -> dict[str, Memory]:
        """What every part keeps, by the name of the part."""
        return self._memories.by_layer

    def advance(self, tokens: int) -> None:
        """So many tokens more have been read by every part."""
        self._memories.seen += tokens
