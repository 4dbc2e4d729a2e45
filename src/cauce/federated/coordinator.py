"""The rounds of a job: ask every site, put what they learned together, and ask again.

What is known is written before anything is done with it: replies as they come, the shared model as
each round closes. Killed at any moment and started again, the coordinator asks only those whose
reply of the round it lacks, and ends with the same bits: replies are put together in the order of
the sites' names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from cauce.errors import DataRefused, Interrupted, UserError
from cauce.federated.aggregation import AdamState, adam_step, average
from cauce.federated.compression import pack, unpack
from cauce.federated.messages import (
    Head,
    Kind,
    Message,
    Stage,
    decode,
    digest,
    encode,
    read,
    write,
)
from cauce.federated.model import combined_changes, without_lora
from cauce.federated.privacy.masking import FEWEST_SITES
from cauce.federated.rounds import Round, round_text, withheld_by, withheld_text
from cauce.federated.secure import (
    SumPlan,
    envelopes_for,
    mean_of,
    peers,
    survivors,
    written,
)
from cauce.federated.settings import FederatedSettings
from cauce.federated.weights import by_size, capped, loss_aware, uniform
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


class Outcome(NamedTuple):
    """A finished job."""

    tensors: dict[str, Tensor]
    """The shared model."""
    rounds: list[Round]
    ends: dict[str, Head]
    """By site: what it said at the end, of each model's worth there and of the one it keeps."""
    bytes_down: int
    bytes_up: int
    """Of all steps, the first and the last too."""


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
        everyone = self._sites.names
        alone = self._told("alone", 0, {}, everyone)
        references = {site: it.head.losses["alone"].validation for site, it in alone.items()}
        rounds = self._closed()
        tensors = read(self._state(rounds[-1].round)).tensors if rounds else {}
        for number in range(len(rounds) + 1, self._settings.rounds + 1):
            heard = self._told("train", number, tensors, everyone)
            replies = {site: it for site, it in heard.items() if not it.head.withheld}
            weights = self._weights(replies, references)
            if self._settings.secure:
                tensors, added = self._summed(tensors, weights, number)
                weights = {site: weights[site] for site in added}
            else:
                tensors = self._combined(tensors, replies, weights, number)
            heads = {site: it.head for site, it in heard.items()}
            rounds.append(self._close(number, tensors, heads, weights))
        replies = self._told("finish", self._settings.rounds + 1, tensors, everyone)
        return Outcome(
            tensors, rounds, {site: reply.head for site, reply in replies.items()}, *self._traffic()
        )

    def _told(
        self, kind: Kind, number: int, tensors: Mapping[str, Tensor], sites: Sequence[str]
    ) -> dict[str, Message]:
        """The replies of the sites to one task for all of them."""
        message = Message(self._head(kind, number), dict(tensors))
        task = encode(message)
        replies = self._ask(kind, number, dict.fromkeys(sites, task))
        found = {site: decode(replies[site]) for site in sorted(replies)}
        self._refuse_few(kind, number, found)
        if kind != "finish":
            self._settle(kind, number, replies)
        return found

    def _summed(
        self, tensors: Mapping[str, Tensor], weights: dict[str, float], number: int
    ) -> tuple[dict[str, Tensor], list[str]]:
        """The shared model after a round of which only the sum of updates is known, and of whose.

        A site that is lost between two stages is left out of the sum.
        """
        plan = SumPlan(job=self._job, round=number, weights=weights)
        advertised = self._stage("advertise", number, dict.fromkeys(weights, written(plan)))
        shared = self._stage("share", number, dict.fromkeys(advertised, peers(advertised)))
        masked = self._stage("mask", number, envelopes_for(shared))
        unmasked = self._stage("unmask", number, dict.fromkeys(masked, survivors(masked)))
        mean = mean_of(plan, advertised, masked, unmasked)
        return self._stepped(tensors, mean, number), sorted(masked)

    def _stage(self, stage: Stage, number: int, contents: Mapping[str, bytes]) -> dict[str, bytes]:
        """What the sites answer in one stage of a sum, whoever is asked again after a kill."""
        tasks = {
            site: encode(Message(self._head(stage, number), {}, content))
            for site, content in contents.items()
        }
        replies = self._ask(stage, number, tasks)
        self._refuse_no_majority(stage, number, replies)
        self._settle(stage, number, replies)
        return {site: decode(content).sealed for site, content in replies.items()}

    def _ask(self, kind: Kind, number: int, tasks: Mapping[str, bytes]) -> dict[str, bytes]:
        """The replies by site: those that are written, and those still to come."""
        place = self._place(kind, number)
        write_json(place / "asked.json", {site: len(task) for site, task in tasks.items()})
        known = {path.stem: path.read_bytes() for path in place.glob("replies/*.bin")}
        is_settled = (place / "settled").is_file()
        missing = {site: tasks[site] for site in tasks if site not in known and not is_settled}
        for site, content in self._sites.ask(missing) if missing else ():
            self._refuse_stray(site, decode(content).head, tasks[site])
            with atomic_write(place / "replies" / f"{site}.bin", private=True) as stream:
                stream.write(content)
            known[site] = content
            self._progress(f"{kind} {number}: {site} replied, {len(known)} of {len(tasks)}")
        return {site: known[site] for site in sorted(known)}

    def _settle(self, kind: Kind, number: int, replies: Mapping[str, bytes]) -> None:
        """Nobody else is asked for this task: what follows is made from these replies."""
        with atomic_write(self._place(kind, number) / "settled") as stream:
            stream.write(" ".join(replies).encode())

    def _head(self, kind: Kind, number: int) -> Head:
        return Head(kind=kind, job=self._job, round=number)

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
            scales = {site: reply.head.scaling for site, reply in replies.items()}
            changes = combined_changes(tensors, moved, scales, weights, seed=self._seed)
            moved = {site: without_lora(it) for site, it in moved.items()}
        if not any(moved.values()):
            return changes
        return {**changes, **self._stepped(tensors, average(moved, weights), number)}

    def _stepped(
        self, tensors: Mapping[str, Tensor], mean: Mapping[str, Tensor], number: int
    ) -> dict[str, Tensor]:
        """The trained tensors after a round that moves them by `mean`."""
        if self._settings.server_lr is None:
            return {name: tensors.get(name, 0) + mean[name] for name in mean}
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
        return step.tensors

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
        heard: Mapping[str, Head],
        weights: dict[str, float],
    ) -> Round:
        """`weights` are those of the sites whose update is in the shared model."""
        place = self._place("train", number)
        withheld = withheld_by(heard)
        present = {site: head for site, head in heard.items() if site in {*weights, *withheld}}
        down, up = self._traffic(f"{number:04}-*")
        closed = Round(
            round=number,
            replied=tuple(present),
            lost=tuple(site for site in self._sites.names if site not in present),
            weights=weights,
            loss_before={site: it.loss_before for site, it in present.items()},
            findings={site: it.findings for site, it in present.items() if it.findings},
            withheld=withheld,
            bytes_down=down,
            bytes_up=up,
            cpu_s={site: it.cpu_s for site, it in present.items()},
        )
        head = Head(kind="train", job=self._job, round=number)
        write(self._state(number), Message(head, tensors))
        write_json(place / "round.json", closed.model_dump(mode="json"))
        self._progress(f"round {number} of {self._settings.rounds}: {round_text(closed)}")
        return closed

    def _traffic(self, places: str = "*") -> tuple[int, int]:
        """Bytes sent to the sites and come from them, in the steps of that name."""
        asked = [
            json.loads(path.read_bytes()) for path in self._folder.glob(f"{places}/asked.json")
        ]
        down = sum(sum(sizes.values()) for sizes in asked)
        replies = self._folder.glob(f"{places}/replies/*.bin")
        return down, sum(path.stat().st_size for path in replies)

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

    def _refuse_few(self, kind: Kind, number: int, found: Mapping[str, Message]) -> None:
        """With sums, a round that fewer than three can close stays open for the others."""
        given = [site for site, it in found.items() if not it.head.withheld]
        if len(given) < self._settings.quorum * len(self._sites.names):
            needed = f"{self._settings.quorum:.0%} are"
        elif kind == "train" and self._settings.secure and len(given) < FEWEST_SITES:
            needed = f"{FEWEST_SITES} are"
        else:
            return
        kept = withheld_by({site: it.head for site, it in found.items()})
        raise self._waiting(kind, number, found, needed, kept)

    def _refuse_no_majority(self, stage: Stage, number: int, known: Mapping[str, bytes]) -> None:
        """Three must begin a sum, and a majority of those that did reach its end."""
        begun = len(json.loads((self._place("advertise", number) / "asked.json").read_bytes()))
        needed = FEWEST_SITES if stage == "advertise" else 0
        needed = max(needed, begun // 2 + 1)
        if len(known) < needed:
            raise self._waiting(stage, number, known, f"a sum takes {needed}, which are")

    def _waiting(
        self,
        kind: Kind,
        number: int,
        known: Collection[str],
        needed: str,
        withheld: Mapping[str, str] = MappingProxyType({}),
    ) -> Interrupted:
        lost = ", ".join(site for site in self._sites.names if site not in known)
        advice = "Start the job again when they are back."
        if withheld:
            advice = "Start another, with federated.epsilon or more examples in each update."
        return Interrupted(
            f"{kind} {number}: {len(known) - len(withheld)} of {len(self._sites.names)} sites "
            f"replied, and {needed} needed; not heard of: {lost or 'none'}"
            f"{withheld_text(withheld)}.\nWhat came is kept. {advice}"
        )


def _loss_before(site: str, reply: Message) -> float:
    if reply.head.loss_before is None:
        raise DataRefused(
            f"the reply of {site} tells no loss of the model that it was sent.\n"
            "All sites must run the same version of cauce."
        )
    return reply.head.loss_before
