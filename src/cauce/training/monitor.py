"""How large activations and gradients are in each layer, and where the first bad number came from.

Figures are named after layers: `activation_rms/transformer.h.0`, `gradient_norm/transformer.h.0`.
Nothing is ever changed: a value that is no number stays one, and is reported.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cauce.models.protocol import LanguageModel, Observed
from cauce.training.optimizer import is_balance

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

ADAPTER_PREFIX = "base_model.model."
"""What `peft` puts before the name of every layer."""


class Monitor:
    """The sizes of a model's activations and gradients, taken at every `every`-th step (0: never).

        with monitor.watch():
            loss = ...
        loss.backward()
        log.write(monitor.figures())

    `figures` comes before clipping and, in fp16, after the gradients are unscaled.
    """

    def __init__(self, model: LanguageModel, *, every: int) -> None:
        self.every = every
        self._blocks = find_blocks(model)
        self._parameters = _parameters_by_layer(model, self._blocks)
        self._observed = {
            _plain(name): part for name, part in model.named_modules() if isinstance(part, Observed)
        }
        self._norms: dict[str, list[Tensor]] = {}
        self._counts: dict[str, int] = {}

    def is_due(self, step: int) -> bool:
        """Whether the step of this number is one to be watched."""
        return self.every > 0 and step % self.every == 0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """While entered, the output of every block is measured, over all forward passes."""
        self._norms, self._counts = {}, {}
        hooks = [
            block.register_forward_hook(self._measure(name)) for name, block in self._blocks.items()
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def figures(self) -> dict[str, float]:
        """Each block's root mean square output in the last `watch`, and gradient norms as they are.

        Outputs include those at padding. A layer's norm is over its trainable parameters, as in
        clipping. What experts and compression did stands under the names of these parts.
        Layers without gradients are left out. With sharded weights every process must call it.
        """
        figures = {}
        for name, norms in self._norms.items():
            size = math.sqrt(sum(norm.item() ** 2 for norm in norms) / self._counts[name])
            figures[f"activation_rms/{name}"] = size
        for name, parameters in self._parameters.items():
            gradients = [weight.grad for weight in parameters if weight.grad is not None]
            if gradients:
                figures[f"gradient_norm/{name}"] = _joint_norm(gradients)
        for name, part in self._observed.items():
            figures |= {f"{name}/{key}": value for key, value in part.figures().items()}
        return figures

    def _measure(self, name: str) -> Callable[[Module, Any, Any], None]:
        import torch

        def hook(_module: Module, _inputs: Any, output: Any) -> None:
            state = next(_float_tensors(output), None)
            if state is None:
                return
            with torch.no_grad():
                norm = torch.linalg.vector_norm(state.detach(), dtype=torch.float32)
            self._norms.setdefault(name, []).append(norm)
            self._counts[name] = self._counts.get(name, 0) + state.numel()

        return hook


def find_blocks(model: LanguageModel) -> dict[str, Module]:
    """The model's blocks by name, without the prefix of an adapter.

    A block is a member of an outermost `ModuleList` that has parts of its own: an expert inside a
    block is none, nor is a lone matrix in a list.
    """
    from torch.nn import ModuleList

    blocks: dict[str, Module] = {}
    lists: list[str] = []
    for name, part in model.named_modules():
        if not isinstance(part, ModuleList) or any(name.startswith(f"{it}.") for it in lists):
            continue
        lists.append(name)
        for key, member in part.named_children():
            if any(True for _ in member.children()):
                blocks[_plain(f"{name}.{key}")] = member
    return blocks


def find_non_finite(model: LanguageModel, forward: Callable[[], object]) -> str:
    """A sentence on where numbers stop being finite: a weight, else a layer, else the gradients.

    Runs `forward` once more, eagerly and without gradients; gradients are judged as they stand.
    Random states are as before afterwards. With sharded weights each process judges its own share.
    """
    bad = [_plain(name) for name, weight in model.named_parameters() if _bad_values(weight)]
    if bad:
        return f"before any computation, not finite: {_range(bad)}"
    culprit = _first_bad_layer(model, forward)
    if culprit:
        return culprit
    bad = [
        _plain(name)
        for name, weight in model.named_parameters()
        if weight.grad is not None and _bad_values(weight.grad)
    ]
    if bad:
        return f"the forward pass is finite, but not the gradient of {_range(bad)}"
    return (
        "parameters, forward pass and each gradient are finite: the gradient's norm overflowed, "
        "or what dropout drew then is drawn differently now"
    )


def _first_bad_layer(model: LanguageModel, forward: Callable[[], object]) -> str:
    """Which layer first gives what is not finite out of what is; empty where none does."""
    import torch

    found: list[str] = []

    def watch(name: str) -> Callable[[Module, Any, Any, Any], None]:
        def hook(module: Module, inputs: Any, named: Any, output: Any) -> None:
            state = next(_float_tensors(output), None)
            if found or state is None:
                return
            bad = _bad_values(state)
            if bad and not any(_is_poisoned(tensor) for tensor in _float_tensors((inputs, named))):
                found.append(
                    f"the output of {_plain(name) or 'the model'} ({type(module).__name__}) has "
                    f"{bad} non-finite values of {state.numel()}; its inputs have none"
                )

        return hook

    hooks = [
        part.register_forward_hook(watch(name), with_kwargs=True)
        for name, part in model.named_modules()
    ]
    devices = {weight.device for weight in model.parameters() if weight.device.type == "cuda"}
    try:
        with torch.random.fork_rng(list(devices)), torch.no_grad():
            result = forward()
    finally:
        for hook in hooks:
            hook.remove()
    if not found and any(_bad_values(tensor) for tensor in _float_tensors(result)):
        return "every layer is finite; what is computed from the model's output, the loss, is not"
    return "".join(found)


def _parameters_by_layer(
    model: LanguageModel, blocks: Mapping[str, Module]
) -> dict[str, list[Tensor]]:
    """The trainable parameters of each layer: of a block, or of the largest part without blocks."""
    holders = {name.rsplit(".", depth)[0] for name in blocks for depth in range(1, _depth(name))}
    layers: dict[str, list[Tensor]] = defaultdict(list)
    for name, weight in model.named_parameters():
        if weight.requires_grad and not is_balance(name):
            layers[_layer_of(_plain(name), blocks, holders)].append(weight)
    return dict(layers)


def _layer_of(name: str, blocks: Mapping[str, Module], holders: set[str]) -> str:
    parts = name.split(".")
    for end in range(1, len(parts)):
        path = ".".join(parts[:end])
        if path in blocks or path not in holders:
            return path
    return name


def _joint_norm(gradients: Sequence[Tensor]) -> float:
    from torch.distributed.tensor import DTensor
    from torch.nn.utils import get_total_norm

    norm = get_total_norm(gradients)
    return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)


def _float_tensors(value: Any) -> Iterator[Tensor]:
    """The tensors of real numbers in nested tuples, lists and mappings, in order."""
    from torch import Tensor

    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _float_tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _float_tensors(item)


def _bad_values(tensor: Tensor) -> int:
    from torch.distributed.tensor import DTensor

    local = tensor.detach()
    if isinstance(local, DTensor):
        local = local.to_local()
    return int(local.numel() - local.isfinite().sum())


def _is_poisoned(tensor: Tensor) -> bool:
    """True for what cannot be a mask: in those, minus infinity is meant."""
    detached = tensor.detach()
    return bool((detached.isnan() | detached.isposinf()).any())


def _range(names: Sequence[str]) -> str:
    """One name, or how many there are and the first and last of them."""
    if len(names) == 1:
        return f"the parameter {names[0]}"
    return f"{len(names)} parameters, from {names[0]} to {names[-1]}"


def _plain(name: str) -> str:
    return name.removeprefix(ADAPTER_PREFIX)


def _depth(name: str) -> int:
    return name.count(".") + 1
