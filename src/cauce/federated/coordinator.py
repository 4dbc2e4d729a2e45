"""The rounds of a job: ask every site, put what they learned together, and ask again.

What is known is written before anything is done with it: replies as they come, the shared model as
each round closes. Killed at any moment and started again, the coordinator asks only those whose
reply of the round it lacks, and ends with the same bits: replies are put together in the order of
the sites' names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import torch

from cauce.errors import DataRefused, Interrupted, UserError
from cauce.federated.aggregation import AdamState, adam_step, average
from cauce.federated.compression import pack, unpack
from cauce.federated.messages import (
    Head,
    Message,
    decode,
    digest,
    encode,
    read,
    write,
)
from cauce.federated.model import combined_changes, without_lora
from cauce.federated.settings import FederatedSettings
from cauce.federated.weights import by_size, capped, loss_aware, uniform
from cauce.records import Record
from cauce.runs import atomic_write, write_json

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[str], None]


class Sites(Protocol):
    """The sites of a job, however they are reached."""

    @property
    def names(self) -> Sequence[str]:
        """Of all that take part, in order."""

    def ask(self, tasks: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """Each site's reply to its task as it comes; those that are lost are left out."""


class Round(Record):
    """What became of one round."""

    round: int
    replied: tuple[str, ...]
    lost: tuple[str, ...] = ()
    weights: dict[str, float]
    """How much each site counted."""
    loss_before: dict[str, float | None]
    """Validation loss at each site of the model that it was sent."""
    bytes_down: int
    bytes_up: int
    cpu_s: dict[str, float]


class Outcome(NamedTuple):
    """A finished job."""

    tensors: dict[str, Tensor]
    """The shared model."""
    rounds: list[Round]
    ends: dict[str, Head]
    """By site: what it said at the end, of each model's worth there and of the one it keeps."""


class Coordinator:
    """One job, between its start or its last kill, and its end."""

    def __init__(
        self,
        sites: Sites,
        settings: FederatedSettings,
        folder: Path,
        *,
        job: str,
        seed: int,
        progress: Progress,
    ) -> None:
        self._sites, self._settings, self._folder = sites, settings, folder
        self._job, self._seed, self._progress = job, seed, progress

    def run(self) -> Outcome:
        """All rounds that are not closed yet, then what the sites make of the result.

        Raises Interrupted where fewer sites than the quorum replied, and UserError where the folder
        holds another job.
        """
        self._refuse_other_job()
        alone = self._ask("alone", 0, {})
        references = {site: it.head.losses["alone"].validation for site, it in alone.items()}
        rounds = self._closed()
        tensors = read(self._state(rounds[-1].round)).tensors if rounds else {}
        for number in range(len(rounds) + 1, self._settings.rounds + 1):
            replies = self._ask("train", number, tensors)
            weights = self._weights(replies, references)
            tensors = self._combined(tensors, replies, weights, number)
            rounds.append(self._close(number, tensors, replies, weights))
        replies = self._ask("finish", self._settings.rounds + 1, tensors)
        return Outcome(tensors, rounds, {site: reply.head for site, reply in replies.items()})

    def _ask(
        self, kind: Literal["alone", "train", "finish"], number: int, tensors: Mapping[str, Tensor]
    ) -> dict[str, Message]:
        """The replies of a round by site: those that are written, and those still to come."""
        place = self._place(kind, number)
        task = encode(Message(Head(kind=kind, job=self._job, round=number), dict(tensors)))
        with atomic_write(place / "task.bin", private=True) as stream:
            stream.write(task)
        known = {path.stem: path.read_bytes() for path in place.glob("replies/*.bin")}
        missing = [site for site in self._sites.names if site not in known]
        for site, content in self._sites.ask(dict.fromkeys(missing, task)) if missing else ():
            self._refuse_stray(site, decode(content).head, task)
            with atomic_write(place / "replies" / f"{site}.bin", private=True) as stream:
                stream.write(content)
            known[site] = content
            self._progress(
                f"{kind} {number}: {site} replied, {len(known)} of {len(self._sites.names)}"
            )
        self._refuse_few(kind, number, known)
        return {site: decode(known[site]) for site in sorted(known)}

    def _combined(
        self,
        tensors: Mapping[str, Tensor],
        replies: Mapping[str, Message],
        weights: Mapping[str, float],
        number: int,
    ) -> dict[str, Tensor]:
        """The shared model after a round."""
        moved = {site: reply.tensors for site, reply in replies.items()}
        changes: dict[str, Tensor] = {}
        if self._settings.aggregation == "exact":
            sent = read(self._place("train", number) / "task.bin").tensors
            scales = {site: reply.head.scaling for site, reply in replies.items()}
            changes = combined_changes(sent, moved, scales, weights, seed=self._seed)
            moved = {site: without_lora(it) for site, it in moved.items()}
        if not any(moved.values()):
            return changes
        mean = average(moved, weights)
        if self._settings.server_lr is None:
            return {**changes, **{name: tensors.get(name, 0) + mean[name] for name in mean}}
        current = {name: tensors.get(name, torch.zeros_like(it)) for name, it in mean.items()}
        memory = self._state(number - 1).with_name("moments.bin")
        step = adam_step(
            current,
            {name: current[name] + mean[name] for name in mean},
            AdamState.of(unpack(memory.read_bytes())) if memory.is_file() else None,
            rate=self._settings.server_lr,
        )
        with atomic_write(self._state(number).with_name("moments.bin")) as stream:
            stream.write(pack(step.state.tensors(), "fp32"))
        return {**changes, **step.tensors}

    def _weights(
        self, replies: Mapping[str, Message], references: Mapping[str, float]
    ) -> dict[str, float]:
        examples = {site: reply.head.examples for site, reply in replies.items()}
        if self._settings.weights == "examples":
            return by_size(examples)
        if self._settings.weights == "capped":
            return capped(examples, largest=self._settings.largest_share)
        if self._settings.weights == "uniform":
            return uniform(list(replies))
        shared = {site: _loss_before(site, it) for site, it in replies.items()}
        # A site that was lost before the first round counts as one that neither gains nor loses.
        alone = {site: references.get(site, shared[site]) for site in shared}
        return loss_aware(capped(examples, largest=self._settings.largest_share), shared, alone)

    def _close(
        self,
        number: int,
        tensors: dict[str, Tensor],
        replies: Mapping[str, Message],
        weights: dict[str, float],
    ) -> Round:
        place = self._place("train", number)
        sizes = {path.stem: path.stat().st_size for path in place.glob("replies/*.bin")}
        lost = tuple(site for site in self._sites.names if site not in replies)
        closed = Round(
            round=number,
            replied=tuple(replies),
            lost=lost,
            weights=weights,
            loss_before={site: it.head.loss_before for site, it in replies.items()},
            bytes_down=(place / "task.bin").stat().st_size * len(self._sites.names),
            bytes_up=sum(sizes.values()),
            cpu_s={site: it.head.cpu_s for site, it in replies.items()},
        )
        head = Head(kind="train", job=self._job, round=number)
        write(self._state(number), Message(head, tensors))
        write_json(place / "round.json", closed.model_dump(mode="json"))
        self._progress(f"round {number} of {self._settings.rounds}: {_told(closed)}")
        return closed

    def _closed(self) -> list[Round]:
        """The rounds that are closed, from the first on."""
        found: list[Round] = []
        while (path := self._place("train", len(found) + 1) / "round.json").is_file():
            found.append(Round.model_validate_json(path.read_bytes()))
        return found

    def _state(self, number: int) -> Path:
        return self._place("train", number) / "shared.bin"

    def _place(self, kind: str, number: int) -> Path:
        return self._folder / f"{number:04}-{kind}"

    def _refuse_other_job(self) -> None:
        path = self._folder / "job"
        held = path.read_text() if path.is_file() else self._job
        if held != self._job:
            raise UserError(
                f"{self._folder} holds job {held}, and the recipe is now job {self._job}.\n"
                "Set run to another name to start it, or the recipe back to go on."
            )
        with atomic_write(path) as stream:
            stream.write(self._job.encode())

    def _refuse_stray(self, site: str, head: Head, task: bytes) -> None:
        if (head.job, head.task) != (self._job, digest(task)):
            raise DataRefused(
                f"{site} replied to task {head.task} of job {head.job}; asked was task "
                f"{digest(task)} of job {self._job}.\nAll sites must run the same recipe."
            )

    def _refuse_few(self, kind: str, number: int, known: Mapping[str, bytes]) -> None:
        all_sites = self._sites.names
        if len(known) < self._settings.quorum * len(all_sites):
            lost = ", ".join(site for site in all_sites if site not in known)
            raise Interrupted(
                f"{kind} {number}: {len(known)} of {len(all_sites)} sites replied, and "
                f"{self._settings.quorum:.0%} are needed; not heard of: {lost}.\n"
                "What came is kept. Start the job again when they are back."
            )


def _loss_before(site: str, reply: Message) -> float:
    if reply.head.loss_before is None:
        raise DataRefused(
            f"the reply of {site} tells no loss of the model that it was sent.\n"
            "All sites must run the same version of cauce."
        )
    return reply.head.loss_before


def _told(closed: Round) -> str:
    losses = ", ".join(f"{site} {loss:.3f}" for site, loss in closed.loss_before.items() if loss)
    lost = f"; lost: {', '.join(closed.lost)}" if closed.lost else ""
    return f"validation losses before it {losses}{lost}"
