"""Training of which nobody can tell whether an example was in it: DP-SGD.

Each update draws every example by itself with the same chance (Poisson sampling, which the account
in `accounting` rests on: the shuffled batches of ordinary training are no substitute, Chua et al.
2024, arXiv 2403.17673). The gradient of each example's own mean loss is cut to a length, noise is
added to their sum, and the sum is divided by the number of examples expected, never by that drawn
(Abadi et al. 2016, arXiv 1607.00133).

The gradient of one example is what the engine computes of a batch that holds it alone: exact for
any model, adapter, precision and objective, where hooks would have to know every layer. On CPUs it
costs what a batch does, padding less. `training.clip_norm` and the optimizer come after the noise,
and cost nothing more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from cauce.corpus.batches import Row
from cauce.errors import TrainingRefused
from cauce.federated.privacy.accounting import Updates
from cauce.federated.privacy.keystream import gaussian, new_key, uniform
from cauce.training.engine import Engine, Rows
from cauce.training.objective import MeanLoss
from cauce.training.objectives import Grpo, Kto
from cauce.training.order import PlannedBatch


@dataclass(frozen=True)
class DpSgd:
    """Private updates of one training over `examples` examples: `train(..., private=this)`."""

    examples: int
    batch: int
    """Examples that an update has in the mean; all of them where there are no more."""
    clip: float
    """Longest gradient of one example, by Euclidean norm over all that is trained."""
    noise: float
    """Standard deviation of the noise on the sum, in multiples of `clip`."""
    place: str
    """Names this training among all with the same key, such as by the digest of what it starts
    from: noise that came twice would cancel out in the difference."""
    key: bytes = field(default_factory=new_key, repr=False)
    """Decides samples and noise: whoever knows it sees through both. A training that goes on from
    a checkpoint needs the one it had."""

    @property
    def rate(self) -> float:
        """Chance of each example to be in an update."""
        return min(1.0, self.batch / self.examples)

    def cost(self, updates: int) -> Updates:
        """What that many updates are to be accounted as."""
        return Updates(noise=self.noise, rate=self.rate, count=updates)

    def identity(self) -> str:
        """Settings and a digest of the key, for the checkpoints."""
        return f"{self!r} key {hashlib.sha256(self.key).hexdigest()[:16]}"

    def rows(self, step: int) -> list[PlannedBatch]:
        """Each example with the same chance, whatever becomes of the others."""
        drawn = uniform(self.key, f"{self.place} sample {step}", self.examples) <= self.rate
        return [tuple((int(index),) for index in drawn.nonzero()[0])]

    def accumulate(self, engine: Engine, batches: Sequence[Rows], step: int) -> MeanLoss:
        """The noisy mean gradient; the loss is the true one, and stays at the site."""
        _refuse_mixed(engine)
        rows = [row for batch in batches for row in batch]
        total = {name: torch.zeros_like(weight) for name, weight in engine.parameters.items()}
        loss, tokens = 0.0, 0
        for row in rows:
            mean, gradient = example_gradient(engine, row)
            scale = self.clip / max(self.clip, float(get_total_norm(list(gradient.values()))))
            for name, part in gradient.items():
                total[name].add_(part, alpha=scale)
            loss, tokens = loss + mean.loss * mean.tokens, tokens + mean.tokens
        self._publish(engine.parameters, total, step)
        return MeanLoss(loss / max(1, tokens), tokens)

    def _publish(
        self, parameters: Mapping[str, Tensor], total: Mapping[str, Tensor], step: int
    ) -> None:
        """The weights' gradients are `total` with noise, by the number of examples expected."""
        for name, weight in parameters.items():
            drawn = torch.from_numpy(
                gaussian(self.key, f"{self.place} noise {step} {name}", weight.numel())
            )
            noise = (self.noise * self.clip * drawn).reshape(weight.shape).to(weight)
            weight.grad = (total[name] + noise) / (self.rate * self.examples)


def example_gradient(engine: Engine, row: Row) -> tuple[MeanLoss, dict[str, Tensor]]:
    """The loss of one example and its gradient by all that is trained; none is left behind."""
    engine.optimizer.zero_grad(set_to_none=True)
    mean = engine.accumulate_gradients([[row]])
    found = {
        name: weight.grad for name, weight in engine.parameters.items() if weight.grad is not None
    }
    engine.optimizer.zero_grad(set_to_none=True)
    return mean, found


def _refuse_mixed(engine: Engine) -> None:
    if engine.settings.pack_tokens is not None:
        raise TrainingRefused(
            f"training.pack_tokens is {engine.settings.pack_tokens}, and private training needs "
            "the gradient of each example: packed, several share a row.\n"
            "Unset training.pack_tokens."
        )
    if isinstance(engine.settings.objective, Kto | Grpo):
        raise TrainingRefused(
            f"private training needs a gradient of each example that no other one enters, and "
            f"{engine.settings.objective.kind} compares examples.\n"
            "Set training.objective.kind to dpo, or federated.epsilon to null."
        )
    if engine.processes.count > 1:
        raise TrainingRefused(
            f"private training runs in one process, and {engine.processes.count} share this one: "
            "each would add noise of its own.\nStart the site without torchrun."
        )
    if engine.precision == "fp16":
        raise TrainingRefused(
            "private training cuts each gradient to a length, and fp16 scales them.\n"
            "Set training.precision to bf16 or fp32."
        )
