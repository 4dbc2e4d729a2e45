"""Each replaced MLP learns from the one it replaced, on the inputs that one has in its own model.

The second stage of MOHAWK (Bick et al. 2024, arXiv 2408.10189) for blocks of a layer: no error of
one block reaches the next, so that all learn at once and each its own part.

b batch, t time, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.corpus.batches import Batch
from cauce.errors import TrainingRefused
from cauce.models.liquid.transplant.model import replaced_blocks
from cauce.models.liquid.transplant.sites import find_sites
from cauce.models.loading import LoadedModel
from cauce.models.prediction import predict
from cauce.models.recurrence import announce_document_starts
from cauce.training.distribution import Processes
from cauce.training.objectives import Distil, Objective

if TYPE_CHECKING:
    from jaxtyping import Float


class BlockTeaching:
    """The replaced blocks of a student, each beside the teacher's MLP of the same layer."""

    def __init__(self, student: LoadedModel, teacher: LoadedModel) -> None:
        """Raises TrainingRefused where the student has none, or the teacher lacks its layer."""
        self._student, self._teacher = student, teacher
        self._blocks = replaced_blocks(student.bare)
        sites = {site.number: site for site in find_sites(teacher.bare)}
        unmatched = sorted(set(self._blocks) - set(sites))
        if not self._blocks or unmatched:
            has = f"in layer {unmatched[0]}, unlike the teacher" if unmatched else "in no layer"
            raise TrainingRefused(
                f"{student.name!r} has replaced MLPs {has}; training.objective.block_share is for "
                "models with model.liquid and the original as teacher.\nSet block_share to 0."
            )
        self._sites = [sites[number] for number in sorted(self._blocks)]

    def distance(self, batch: Batch) -> Float[Tensor, ""]:
        """Squared distance over that of the teacher from 0: a mean over blocks, summed over tokens.

        For L blocks, sum over real tokens of 1/L sum_l |s_l - t_l|^2 / mean |t_l|^2.
        """
        seen = self._watch_teacher(batch)
        announce_document_starts(self._student.model, batch)
        distances = []
        for number, passed in seen.items():
            inputs, outputs = (_by_row(tensor, batch) for tensor in passed)
            distances.append(_relative_distance(self._blocks[number](inputs), outputs, batch))
        return torch.stack(distances).mean()

    def _watch_teacher(self, batch: Batch) -> dict[int, tuple[Tensor, Tensor]]:
        """What goes into and comes out of each of the teacher's MLPs, by layer."""
        seen: dict[int, tuple[Tensor, Tensor]] = {}

        def remember(number: int, inputs: Tensor, outputs: Tensor) -> None:
            seen[number] = inputs, outputs

        hooks = [hook for site in self._sites for hook in site.watch(remember)]
        try:
            with torch.no_grad():
                predict(self._teacher.model, batch)
        finally:
            for hook in hooks:
                hook.remove()
        return seen


def refuse_shared_layers(objective: Objective, processes: Processes) -> None:
    """Raises TrainingRefused where blocks would be taught alone while processes share each layer.

    A layer is whole only while its model calls it.
    """
    share = objective.block_share if isinstance(objective, Distil) else 0
    if share and processes.count > 1 and processes.parallel == "fsdp":
        raise TrainingRefused(
            f"training.objective.block_share is {share} and training.parallel is fsdp: a "
            "layer is in pieces when it is taught by itself.\n"
            "Set training.parallel to ddp, or block_share to 0."
        )


def _by_row(tensor: Tensor, batch: Batch) -> Float[Tensor, "b t d"]:
    """`tensor` with a row for each of the batch: some MLPs are given all rows in one."""
    return tensor if tensor.dim() == 3 else tensor.view(*batch.input_ids.shape, -1)


def _relative_distance(
    mine: Float[Tensor, "b t d"], its: Float[Tensor, "b t d"], batch: Batch
) -> Float[Tensor, ""]:
    mine, its = mine[batch.is_real].float(), its[batch.is_real].float()
    size = its.square().sum(-1).mean().clamp(min=torch.finfo(its.dtype).tiny)
    return (mine - its).square().sum() / size
