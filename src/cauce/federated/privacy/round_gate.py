"""The gate of one round at one site: which examples the attacks are tried on, and what they find.

The attacks cost a tenth of the round's training, a third where it reads fewer than fifty examples,
and are tried on some of it: as many members and others as a sixteenth of the examples that the
round reads, eight at least, one canary, and of the tokens a few hundred. Only what the round reads
counts as learned from: an example that waits for a later round is in no update yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cauce.evaluation.privacy.attacks import canary
from cauce.federated.examples import SiteData
from cauce.federated.privacy.dpsgd import DpSgd
from cauce.federated.privacy.gate import FEWEST, Evidence, Finding, examine, losses
from cauce.models.loading import LoadedModel
from cauce.training.order import Plan
from cauce.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
Progress = Callable[[str], None]

SHARE = 16
"""One in so many of the examples that a round reads is tried as a member."""
CANDIDATES = 127
"""Numbers that were not planted, beside a canary: at most 7 bits of exposure."""


class RoundGate:
    """Opened before the training of a round, asked after it."""

    def __init__(
        self, loaded: LoadedModel, evidence: Evidence, *, batch_size: int, progress: Progress
    ) -> None:
        """Measures what the model, as it was sent, says of the evidence."""
        self._loaded, self._evidence, self._batch_size = loaded, evidence, batch_size
        self._before = losses(loaded, evidence, batch_size=batch_size)
        self._progress = progress

    def findings(self, update: Mapping[str, Tensor], report: Path) -> tuple[Finding, ...]:
        """What the attacks find in the trained model and in how its tensors have moved.

        The reasons are told and written to `report`, and are in none of what is returned.
        """
        verdict = examine(
            self._loaded, update, self._evidence, self._before, batch_size=self._batch_size
        )
        verdict.write(report)
        for line in (*(it.reason for it in verdict.findings), *verdict.not_measured):
            self._progress(f"attacked before it leaves: {line}")
        return tuple(it.model_copy(update={"reason": ""}) for it in verdict.findings)


def open_gate(
    loaded: LoadedModel,
    data: SiteData,
    settings: TrainingSettings,
    *,
    seed: int,
    private: DpSgd | None,
    progress: Progress,
) -> RoundGate | None:
    """The gate of a training with these settings and that seed; None where it reads nothing."""
    reading = Plan.of(data.train, settings, seed=seed, is_encoder_decoder=loaded.is_encoder_decoder)
    places = _read(reading, private)
    if not places:
        return None
    evidence = evidence_of(loaded, data, places)
    return RoundGate(loaded, evidence, batch_size=settings.batch_size, progress=progress)


def evidence_of(loaded: LoadedModel, data: SiteData, read: Sequence[int]) -> Evidence:
    """What an update that reads the training examples at these places is attacked with.

    Others are examples for validation and tests.
    """
    count = max(FEWEST, len(read) // SHARE)
    places = sorted({*read})
    planted = [place for place in places if place in data.canaries][:1]
    return Evidence(
        members=_spread([data.train[it] for it in places if it not in data.canaries], count),
        others=_spread([*data.validation, *data.test], count),
        canaries=[canary(loaded, data.canaries[it], candidates=CANDIDATES) for it in planted],
        read=[data.train[place] for place in places],
    )


def _read(plan: Plan, private: DpSgd | None) -> list[int]:
    """Places of the examples that a training reads, as often as it reads them."""
    batches_of = private.rows if private else plan.window
    return [
        index
        for step in range(plan.first, plan.total_steps)
        for batch in batches_of(step)
        for row in batch
        for index in row
    ]


def _spread(items: Sequence[T], count: int) -> list[T]:
    """So many of the items, evenly from the first to the last; all where there are no more."""
    count = min(count, len(items))
    return [items[place * len(items) // count] for place in range(count)]
