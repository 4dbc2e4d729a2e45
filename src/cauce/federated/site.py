"""One site's part of a job: its own examples, its own model, kept in memory from round to round.

Only changes of trained tensors and a few figures leave it. What it did is in its folder: a task
that comes a second time is answered from there, and one that a kill cut short goes on from its
checkpoint.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cauce.errors import DataRefused
from cauce.federated.compression import pack, pack_update, unpack
from cauce.federated.examples import Measured, SiteData, gap, measured
from cauce.federated.messages import (
    Head,
    Message,
    Model,
    Stage,
    decode,
    digest,
    encode,
    framed,
    read,
    write,
)
from cauce.federated.model import TrainedPart, added, seed_of
from cauce.federated.privacy.budget import Plan, SitePrivacy, with_privacy, without_privacy
from cauce.federated.privacy.dpsgd import DpSgd
from cauce.federated.privacy.gate import beyond
from cauce.federated.privacy.round_gate import RoundGate, open_gate
from cauce.federated.secure import Identity, SecureSite
from cauce.federated.settings import FederatedSettings
from cauce.models.loading import LoadedModel
from cauce.runs import atomic_write
from cauce.training.loop import train
from cauce.training.reference import referred
from cauce.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[str], None]


class Answered(NamedTuple):
    """What a reply says in figures, and in tensors."""

    figures: dict[str, Any]
    moved: dict[str, Tensor]
    sealed: bytes = b""
    """In a stage of a sum, instead of both."""


class Site:
    """A site that answers the tasks of one job."""

    def __init__(
        self,
        name: str,
        loaded: LoadedModel,
        data: SiteData,
        settings: tuple[TrainingSettings, FederatedSettings],
        folder: Path,
        *,
        seed: int,
        progress: Progress,
        save: Callable[[TrainedPart, Mapping[str, Tensor]], None] | None = None,
        identity: Identity | None = None,
    ) -> None:
        """`save` is called at the end with the model that the site keeps."""
        self.name, self.folder = name, folder
        self._save, self._identity = save, identity
        self._training, self._federated = settings
        self._data = _referred(loaded, data, self._training, folder)
        self._loaded, self._seed, self._progress = loaded, seed, progress
        self.part = TrainedPart(
            loaded, seed=seed, shares_factor=self._federated.aggregation == "shared_factor"
        )
        if not data.train or not data.validation:
            raise DataRefused(
                f"the site {name} has {len(data.train)} training and {len(data.validation)} "
                "validation examples; at least one of each is needed.\n"
                "Give it more documents, or raise corpus.validation_share."
            )
        self._plan = Plan(
            len(data.train),
            self._training.batch_size * self._training.accumulation,
            self._federated.steps * self._federated.rounds,
        )
        if self._federated.epsilon is None:
            progress(f"{name}: {without_privacy(self._plan)}")

    def answer(self, content: bytes) -> bytes:
        """The reply to a task; the same bytes where it was given before."""
        task, name = decode(content), digest(content)
        place = self.folder / task.head.job / f"{task.head.round:04}-{task.head.kind}"
        replied = place / "reply.bin"
        if replied.is_file() and decode(kept := replied.read_bytes()).head.task == name:
            return kept
        start = time.process_time()
        figures, moved, sealed = self._answered(task, place)
        head = Head(
            kind=task.head.kind,
            job=task.head.job,
            round=task.head.round,
            site=self.name,
            task=name,
            examples=len(self._data.train),
            scaling=self.part.scaling,
            cpu_s=round(time.process_time() - start, 3),
            **figures,
        )
        answer = framed(head, sealed or self._packed(moved, place))
        with atomic_write(replied, private=True) as stream:
            stream.write(answer)
        shutil.rmtree(place / "training", ignore_errors=True)
        return answer

    def _answered(self, task: Message, place: Path) -> Answered:
        match task.head.kind:
            case "alone":
                return self._alone(task, place)
            case "train":
                return self._train(task, place)
            case "finish":
                return self._finish(task, place)
            case stage:
                return Answered({}, {}, self._summed(stage, task, place.parent))

    def _summed(self, stage: Stage, task: Message, home: Path) -> bytes:
        """The site's part in the sum of a round, in which nobody sees its update."""
        number = task.head.round
        moved = home / f"{number:04}-moved.bin"
        if not moved.is_file():
            raise DataRefused(
                f"{self.name} is asked for its part in the sum of round {number}, and gives no "
                "update of it.\nDo not answer; ask the coordinator why it is in the plan."
            )
        own = SecureSite(home / f"{number:04}-sum.json", self.name, self._identity)
        if stage != "mask":
            return {"advertise": own.advertise, "share": own.share, "unmask": own.unmask}[stage](
                task.sealed
            )
        return own.mask(task.sealed, read(moved).tensors)

    def _alone(self, task: Message, place: Path) -> Answered:
        """Before the rounds: what the base is worth here, and what the site reaches by itself."""
        self.part.put({})
        base = self._measured().losses
        self.part.put(self._alone_tensors(task, place))
        return Answered({"losses": {"base": base, "alone": self._measured().losses}}, {})

    def _alone_tensors(self, task: Message, place: Path) -> dict[str, Tensor]:
        """What the site reaches by itself in as many updates as the job has; trained once."""
        path = place.parent / "alone.bin"
        if not path.is_file():
            self.part.put({})
            updates = self._federated.steps * self._federated.rounds
            self._learn(place / "training" / "alone", updates, "alone")
            write(path, Message(task.head, self.part.moved()))
        return read(path).tensors

    def _train(self, task: Message, place: Path) -> Answered:
        """A round: from the shared model, some updates on the site's own examples."""
        number, steps = task.head.round, self._federated.steps
        private = self._private(place.parent, number, digest(encode(task)))
        self.part.put(task.tensors)
        gate = self._gate(number, private)
        summary = self._learn(place / "training", steps, number, private)
        moved = self.part.moved()
        findings = gate.findings(moved, place / "gate.json") if gate else ()
        withheld = self._federated.gate == "refuse" and bool(beyond(findings))
        figures = {
            "loss_before": summary["first_validation_loss"],
            "loss_after": summary["best_validation_loss"],
            "findings": findings,
            "withheld": withheld,
        }
        if withheld:
            self._progress(f"{self.name}, {number}: the update stays here: {beyond(findings)}")
            return Answered(figures, {})
        if not self._federated.secure:
            return Answered(figures, moved)
        write(place.parent / f"{number:04}-moved.bin", Message(task.head, moved))
        return Answered(figures, {})

    def _gate(self, number: int, private: DpSgd | None) -> RoundGate | None:
        """What this round's update will be attacked with; None where it will not be."""
        rounds = self._federated.rounds
        attacked: dict[str, Collection[int]] = {
            "off": (),
            "report": (1, rounds),
            "refuse": range(1, rounds + 1),
        }
        if number not in attacked[self._federated.gate]:
            return None
        return open_gate(
            self._loaded,
            self._data,
            self._settings(self._federated.steps),
            seed=seed_of(self._seed, self.name, number),
            private=private,
            progress=lambda line: self._progress(f"{self.name}, {number}: {line}"),
        )

    def _private(self, home: Path, number: int, task: str) -> DpSgd | None:
        """The noise of a round, paid for; None where the job has no budget."""
        if self._federated.epsilon is None:
            return None
        budget = self._budget(home, self._federated.epsilon)
        return budget.of_round(number, self._federated.steps, task)

    def _budget(self, home: Path, epsilon: float) -> SitePrivacy:
        return SitePrivacy(home, self._plan, epsilon=epsilon, clip=self._federated.clip)

    def _finish(self, task: Message, place: Path) -> Answered:
        """The end: what each model is worth here; the best by validation stays, and no other."""
        models: dict[Model, dict[str, Tensor]] = {
            "base": {},
            "alone": self._alone_tensors(task, place),
            "global": task.tensors,
            "personal": self._personal(task, place),
        }
        found: dict[Model, Measured] = {}
        for name, tensors in models.items():
            self.part.put(tensors)
            found[name] = self._measured()
        kept = min(models, key=lambda name: found[name].losses.validation)
        self.part.put(models[kept])
        write(place.parent / "kept.bin", Message(task.head, models[kept]))
        if self._save is not None:
            self._save(self.part, models[kept])
        figures = {
            "losses": {name: it.losses for name, it in found.items()},
            "kept": kept,
            "gap": gap(found[kept], found["alone"], self._data.test_groups),
            "privacy": self._told_of_privacy(place.parent),
        }
        return Answered(figures, {})

    def _personal(self, task: Message, place: Path) -> dict[str, Tensor]:
        """The site's own copy of the shared model, trained a little further."""
        self.part.put(task.tensors)
        if not self._federated.personal_steps:
            return task.tensors
        self._learn(place / "training" / "personal", self._federated.personal_steps, "personal")
        return added(task.tensors, self.part.moved())

    def _packed(self, moved: Mapping[str, Tensor], place: Path) -> bytes:
        """The differences as bytes; what rounding leaves over waits for the next round."""
        before = place.parent / f"{int(place.name[:4]) - 1:04}-train" / "left.bin"
        is_kept = self._federated.aggregation != "exact" and before.is_file()
        left = unpack(before.read_bytes()) if is_kept else {}
        packed = pack_update(moved, self._federated.messages, left)
        with atomic_write(place / "left.bin", private=True) as stream:
            stream.write(pack(packed.residual, "fp32"))
        return packed.content

    def _learn(
        self, folder: Path, steps: int, place: object, private: DpSgd | None = None
    ) -> dict[str, Any]:
        return train(
            self._loaded,
            self._data.train,
            self._data.validation,
            self._settings(steps),
            folder,
            seed=seed_of(self._seed, self.name, place),
            progress=lambda line: self._progress(f"{self.name}, {place}: {line}"),
            private=private,
            proximal=self._federated.proximal if isinstance(place, int) else 0.0,
        )

    def _settings(self, steps: int) -> TrainingSettings:
        return self._training.model_copy(
            update={"steps": steps, "evaluate_every": steps, "schedule": "constant", "warmup": 0.0}
        )

    def _told_of_privacy(self, home: Path) -> str:
        """What was promised to each training example of this site, and what was not."""
        if self._federated.epsilon is None:
            return without_privacy(self._plan)
        budget = self._budget(home, self._federated.epsilon)
        return with_privacy(self._plan, budget.spent(self._federated.rounds))

    def _measured(self) -> Measured:
        return measured(self._loaded, self._data, self._training.batch_size)


def _referred(
    loaded: LoadedModel, data: SiteData, settings: TrainingSettings, folder: Path
) -> SiteData:
    """The data with what the base says of judged answers: the reference of every round."""
    train, validation = (
        referred(loaded, items, settings, folder / name)
        for name, items in (("reference", data.train), ("reference-validation", data.validation))
    )
    return data._replace(train=train, validation=validation)
