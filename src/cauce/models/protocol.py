"""What cauce asks of a model: the part of `transformers` and `peft` models that it uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module, Parameter


class LanguageModel(Protocol):
    """A decoder or an encoder-decoder that gives logits, writes, and can be saved."""

    config: Any
    generation_config: Any

    @property
    def prepare_decoder_input_ids_from_labels(self) -> Callable[[Tensor], Tensor]:
        """Shifts labels to the right (encoder-decoders only)."""

    def __call__(self, **inputs: Any) -> Any:
        """An output with `.logits` of shape (items, places, vocabulary)."""

    def generate(self, **inputs: Any) -> Tensor:
        """Token ids of shape (items, places), the prompt of a decoder included."""

    def get_encoder(self) -> Callable[..., Any]:
        """The encoder of an encoder-decoder."""

    def train(self, mode: bool = True) -> LanguageModel:
        """Turns dropout on."""

    def eval(self) -> LanguageModel:
        """Turns dropout off."""

    def parameters(self) -> Iterator[Parameter]:
        """Every weight once."""

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every weight once, with its name."""

    def modules(self) -> Iterator[Module]:
        """Every layer."""

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Every layer with its name."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients."""

    def save_pretrained(self, folder: Path, **options: Any) -> None:
        """Writes the weights, or the adapter alone, as safetensors."""


@runtime_checkable
class Observed(Protocol):
    """A part of a model that can say what it did in its last forward pass."""

    def figures(self) -> dict[str, float]:
        """Figures by name; none before the first pass."""
