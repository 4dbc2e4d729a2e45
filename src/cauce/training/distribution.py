"""One training in several processes: each computes its part of the rows, all end with one update.

`torchrun --nproc-per-node 2` starts the processes; without it there is one, and nothing of
`torch.distributed` is loaded. The rows of an update are the same however many processes share them,
and so are its loss and its gradient, up to the order of additions.

`ddp` keeps the whole model in every process; `fsdp` (FSDP2) keeps a share of every weight, gradient
and moment in each, and gathers one block at a time to compute. This is torch's own interface and
not accelerate's, which in 1.15 ignores FSDP2 without an accelerator and trains as DDP instead.
"""

from __future__ import annotations

import atexit
import math
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from cauce.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer

T = TypeVar("T")

Parallel = Literal["ddp", "fsdp"]

VARIABLES = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
"""What torchrun tells each process that it starts."""

CLIP_MARGIN = 1e-6
"""What torch adds to a norm before it divides by it."""

FSDP_MARKS = {"_is_fsdp_managed_module", "_fsdp_use_orig_params"}
"""What FSDP2 sets on every module, besides its states and hooks."""


class Processes:
    """This process among those that train together, and what they do in common.

    What is marked *together* must be called by all of them, in the same order.
    """

    def __init__(self, parallel: Parallel, rank: int = 0, count: int = 1) -> None:
        self.parallel, self.rank, self.count = parallel, rank, count
        self.is_main = rank == 0
        """Whether this is the process that writes files and talks."""

    @classmethod
    def start(cls, parallel: Parallel) -> Processes:
        """Joins the processes that torchrun started, once; alone where there is nobody to join.

        Comes before the model is loaded: it says which GPU is this process's. Raises UserError
        when there is none for it.
        """
        count = int(os.environ["WORLD_SIZE"]) if os.environ.keys() >= VARIABLES else 1
        if count == 1:
            return cls(parallel)
        import torch.distributed

        if not torch.distributed.is_initialized():
            _stay_on_this_machine()
            torch.distributed.init_process_group(_backend())
            atexit.register(_leave)
        return cls(parallel, torch.distributed.get_rank(), count)

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        import torch

        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("cpu")

    def wrap(self, module: Module, blocks: Sequence[Module], *, uses_all: bool = True) -> Module:
        """*Together*: the module to call instead, with the weights of the first process in all.

        `blocks` are those of its parts that FSDP2 gathers one at a time. `uses_all` is False where
        a loss leaves out trainable parameters: DDP then looks for them. Make the optimizer
        afterwards, since a sharded parameter is a new tensor; it holds this process's share only.
        """
        if self.count == 1:
            return module
        module.to(self.device)
        if self.parallel == "fsdp":
            return self._sharded(module, blocks)
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(
            module, gradient_as_bucket_view=True, find_unused_parameters=not uses_all
        )

    def unwrap(self, module: Module) -> None:
        """*Together*: what `wrap` was given is an ordinary module again, with all its weights.

        Every process then holds the whole model, as it did before `wrap`. Not for a training that
        failed: the others may not come.
        """
        if self.count == 1 or self.parallel == "ddp":
            return
        whole: dict[Tensor, Tensor] = {}
        for part in module.modules():
            _make_ordinary(part, whole)

    def share(self, rows: Sequence[T]) -> list[T]:
        """The part of a batch's rows that this process computes; the last batch may leave it none.

        It must compute something even then, a row with weight 0, since the others wait for its
        part in gathering weights and adding up gradients.
        """
        return list(rows[self.rank :: self.count])

    def accumulating(self, module: Module, *, is_last: bool) -> AbstractContextManager[None]:
        """Within it, forward and backward of one batch; gradients are exchanged after the last.

        They are then the mean over processes: multiply the loss by `count` to have the sum.
        """
        if self.count == 1:
            return nullcontext()
        if self.parallel == "fsdp":
            cast(Any, module).set_requires_gradient_sync(is_last)
            return nullcontext()
        return nullcontext() if is_last else cast(Any, module).no_sync()

    def clip(self, parameters: Sequence[Tensor], max_norm: float) -> float:
        """*Together*: the norm of all gradients, which afterwards are no longer than `max_norm`.

        They stay as they are where it is no number, so that the one at fault can be found.
        """
        from torch.nn.utils import clip_grads_with_norm_, get_total_norm

        gradients = [weight.grad for weight in parameters if weight.grad is not None]
        norm: Any = get_total_norm(gradients)
        length = float(self._whole(norm))
        if math.isfinite(length) and length + CLIP_MARGIN > max_norm:
            clip_grads_with_norm_(parameters, max_norm, norm)
        return length

    def sum(self, value: float) -> float:
        """*Together*: the sum of every process's value, in double precision."""
        if self.count == 1:
            return value
        import torch

        total = torch.tensor(value, dtype=torch.float64)
        torch.distributed.all_reduce(total)
        return total.item()

    def gather(self, value: T) -> list[T]:
        """*Together*: every process's value, in the order of the processes; any picklable one."""
        if self.count == 1:
            return [value]
        import torch.distributed

        values: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(values, value)
        return values

    def agree(self, flag: str) -> str:
        """*Together*: the flag of the first process that raises one, the same in all; or none."""
        if self.count == 1 or not self.sum(bool(flag)):
            return flag
        return next(filter(None, self.gather(flag)))

    def wait(self) -> None:
        """*Together*: returns when every process has come here."""
        self.sum(0.0)

    def weights(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """*Together*: copies of the whole parameters on the CPU, in the main process.

        Nothing in the others, so that they need no memory for them.
        """
        kept = {}
        for name, parameter in parameters.items():
            whole = self._whole(parameter.detach())
            if self.is_main:
                kept[name] = whole.to("cpu", copy=True)
        return kept

    def put_weights(self, parameters: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
        """*Together*: the main process's `weights` become the values of everyone's parameters."""
        for name, parameter in parameters.items():
            parameter.detach().copy_(
                self._spread(weights[name] if self.is_main else None, parameter)
            )

    def optimizer_state(
        self, optimizer: Optimizer, parameters: Mapping[str, Tensor]
    ) -> dict[str, dict[str, Tensor]]:
        """*Together*: what the optimizer remembers of each parameter, by name, as in `weights`.

        Readable by any number of processes of either kind. Learning rates are not in it.
        """
        return {
            name: kept
            for name, parameter in parameters.items()
            if (kept := self.weights(optimizer.state.get(parameter, {})))
        }

    def put_optimizer_state(
        self,
        optimizer: Optimizer,
        parameters: Mapping[str, Tensor],
        state: Mapping[str, Mapping[str, Tensor]],
    ) -> None:
        """*Together*: everyone's optimizer goes on from the main process's `state`."""
        numbers = {
            name: {key: None if value.ndim else value for key, value in kept.items()}
            for name, kept in state.items()
        }
        known = self.gather(numbers)[0]
        own = optimizer.state_dict()
        name_of = {parameter: name for name, parameter in parameters.items()}
        order = [name_of[weight] for group in optimizer.param_groups for weight in group["params"]]
        own["state"] = {
            place: self._spread_moments(known[name], state.get(name, {}), parameters[name])
            for place, name in enumerate(order)
            if name in known
        }
        optimizer.load_state_dict(own)

    def _spread_moments(
        self, known: Mapping[str, Tensor | None], kept: Mapping[str, Tensor], like: Tensor
    ) -> dict[str, Tensor]:
        """What is `known` to all as it is, and the rest, which is as large as the parameter."""
        return {
            key: value if value is not None else self._spread(kept.get(key), like)
            for key, value in known.items()
        }

    def _sharded(self, module: Module, blocks: Sequence[Module]) -> Module:
        import torch.distributed
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        _refuse_quantised(module)
        for tensor in (*module.parameters(), *module.buffers()):
            torch.distributed.broadcast(tensor.detach(), src=0)
        mesh = init_device_mesh(self.device.type, (self.count,))
        for block in blocks:
            fully_shard(block, mesh=mesh)
        # By default the outermost module would keep its weights gathered after a forward pass, and
        # go on with them after `put_weights`.
        fully_shard(module, mesh=mesh, reshard_after_forward=True)
        # T5's position biases are views, and nothing adds to them in place (2026-11, torch 2.13).
        warnings.filterwarnings("ignore", r"FSDP2-wrapped module \(FSDPT5Block\) returned a view")
        return module

    def _whole(self, tensor: Tensor) -> Tensor:
        """All of a tensor of which this process may hold a share."""
        if self.count == 1 or self.parallel == "ddp":
            return tensor
        from torch.distributed.tensor import DTensor

        return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor

    def _spread(self, value: Tensor | None, like: Tensor) -> Tensor:
        """The main process's whole `value`: all of it, or the share that is held of `like`."""
        if self.count == 1:
            return cast("Tensor", value)
        import torch.distributed
        from torch.distributed.tensor import DTensor, distribute_tensor

        whole = torch.empty(like.shape, dtype=like.dtype, device=like.device)
        if self.is_main:
            whole.copy_(cast("Tensor", value))
        torch.distributed.broadcast(whole, src=0)
        if not isinstance(like, DTensor):
            return whole
        return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)


def _make_ordinary(part: Module, whole: dict[Tensor, Tensor]) -> None:
    """Takes from a module what FSDP2 gave it; `whole` keeps tied parameters tied.

    FSDP2 has no way back of its own, and transformers generates in step with other processes
    wherever it finds its marks.
    """
    from torch.distributed.fsdp import FSDPModule
    from torch.nn import Parameter

    if isinstance(part, FSDPModule):
        part.__class__ = type(part).__bases__[1]
    for name, value in list(vars(part).items()):
        if name in FSDP_MARKS or name.startswith("__composable_api"):
            delattr(part, name)
        elif name.endswith("_hooks") and isinstance(value, dict):
            for key, hook in list(value.items()):
                if hook.__module__.startswith("torch.distributed.fsdp"):
                    del value[key]
    for name, share in list(part.named_parameters(recurse=False)):
        if share not in whole:
            values = cast(Any, share.detach()).full_tensor()
            whole[share] = Parameter(values, requires_grad=share.requires_grad)
        setattr(part, name, whole[share])


def _backend() -> str:
    """Gloo, and NCCL for tensors on this process's GPU."""
    import torch

    if not torch.cuda.is_available():
        return "gloo"
    number, found = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if number >= found:
        raise UserError(
            f"torchrun started {os.environ['LOCAL_WORLD_SIZE']} processes here, and there are "
            f"{found} GPUs.\nStart at most one for each: torchrun --nproc-per-node {found}"
        )
    torch.cuda.set_device(number)
    return "cpu:gloo,cuda:nccl"


def _stay_on_this_machine() -> None:
    """Gloo listens on loopback where all processes are here, and needs no network then."""
    if os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]:
        loopback = "lo" if sys.platform == "linux" else "lo0"
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)


def _leave() -> None:
    import torch.distributed

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _refuse_quantised(module: Module) -> None:
    for name, parameter in module.named_parameters():
        if not parameter.is_floating_point():
            raise UserError(
                f"training.parallel is fsdp, and {name} has quantised weights ({parameter.dtype}), "
                "which cannot be cut into shares.\nSet training.parallel to ddp."
            )
