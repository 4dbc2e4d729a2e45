"""One round's sum that shows nobody's update: what a site answers, and what the coordinator asks.

    advertise   the plan: which sites, and how much each counts    -> public keys, signed
    share       the keys of all                                    -> sealed shares of secrets
    mask        the shares that are for the site                   -> its update under masks
    unmask      whose masked updates came                          -> what the sum still needs

The sums are those of `privacy.masking`. A site takes part in one sum of a round and in no second,
and in none in which somebody counts for so much that the sum is nearly his. The plan is part of
what the keys are made for, so that a coordinator that tells two sites two plans gets no sum.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from pydantic import ValidationError

from cauce.errors import DataRefused
from cauce.federated.privacy.integers import Scale, Shapes
from cauce.federated.privacy.masking import (
    Advertisement,
    Envelope,
    Masked,
    SiteState,
    Unmasking,
    advertise,
    mask,
    share,
    total,
    unmask,
)
from cauce.records import Record
from cauce.runs import atomic_write
from cauce.signatures import Signed, check_signature, content_hash, sign

if TYPE_CHECKING:
    from torch import Tensor

R = TypeVar("R", bound=Record)

LARGEST_NUMBER = 16.0
"""Of an update, times what its site counts: far beyond what a round of training moves a weight."""
LARGEST_SHARE = 0.75
"""Most that one site may count in a sum: with more it would nearly be that site's update."""


class Identity(NamedTuple):
    """By what a site's keys are known to be its own."""

    signing_key: Path
    """This site's, private."""
    public_lines: Mapping[str, str]
    """Of every site, as the manifest that was approved has them."""


class SumPlan(Record):
    """Whose updates are added, and how much each counts."""

    job: str
    round: int
    weights: dict[str, float]

    @property
    def session(self) -> str:
        """What the keys of this sum are made for."""
        return f"{self.job}/{self.round}/{content_hash(self)[:16]}"

    @property
    def scale(self) -> Scale:
        """How numbers become integers."""
        return Scale(bound=LARGEST_NUMBER, sites=len(self.weights))


class Peers(Record):
    """The keys of every site of a sum."""

    advertised: tuple[Signed[Advertisement], ...]


class Envelopes(Record):
    """Sealed shares."""

    envelopes: tuple[Envelope, ...]


class Survivors(Record):
    """The sites whose masked updates came."""

    sites: tuple[str, ...]


class SiteSum(Record):
    """What a site keeps of a round's sum."""

    plan: SumPlan
    state: SiteState


class SecureSite:
    """A site's half of the sum of one round."""

    def __init__(self, path: Path, site: str, identity: Identity | None) -> None:
        """`path` holds what the site keeps, secrets among it.

        Without `identity`, as in a simulation, nothing is signed.
        """
        self._path, self._site, self._identity = path, site, identity

    def advertise(self, content: bytes) -> bytes:
        """Fresh public keys for the plan; DataRefused for one that this site takes no part in."""
        plan = read(SumPlan, content)
        self._refuse_plan(plan)
        state, advertisement = advertise(plan.session, self._site)
        self._keep(SiteSum(plan=plan, state=state))
        return written(self._signed(advertisement))

    def share(self, content: bytes) -> bytes:
        """Shares for the others; DataRefused where a key is not signed by its owner."""
        kept = self._kept()
        told = read(Peers, content).advertised
        if strange := sorted({one.content.site for one in told} - set(kept.plan.weights)):
            raise DataRefused(
                f"the keys of {', '.join(strange)} came, which the plan of the sum does not name.\n"
                "Do not answer; ask the coordinator for a new sum."
            )
        state, envelopes = share(kept.state, [self._checked(one) for one in told])
        self._keep(kept.model_copy(update={"state": state}))
        return written(Envelopes(envelopes=tuple(envelopes)))

    def mask(self, content: bytes, update: Mapping[str, Tensor]) -> bytes:
        """The update, times what the site counts, under its masks; its shapes in front."""
        kept = self._kept()
        weight = kept.plan.weights[self._site]
        weighted = {name: weight * tensor.double() for name, tensor in update.items()}
        vector = kept.plan.scale.integers(weighted)
        state, masked = mask(kept.state, read(Envelopes, content).envelopes, vector)
        self._keep(kept.model_copy(update={"state": state}))
        shapes = {name: list(update[name].shape) for name in sorted(update)}
        return json.dumps(shapes).encode() + b"\n" + masked.vector

    def unmask(self, content: bytes) -> bytes:
        """What the sum of the survivors still needs."""
        kept = self._kept()
        state, unmasking = unmask(kept.state, read(Survivors, content).sites)
        self._keep(kept.model_copy(update={"state": state}))
        return written(unmasking)

    def _refuse_plan(self, plan: SumPlan) -> None:
        if self._path.is_file() and (kept := self._kept()).state.masked_sha256:
            raise DataRefused(
                f"{self._site} has given its update of round {plan.round} to the sum "
                f"{kept.plan.session} and is asked for {plan.session}: two sums of one update tell "
                "it.\nDo not answer; ask the coordinator why it starts the round again."
            )
        largest = max(plan.weights.values(), default=1.0)
        if plan.weights.get(self._site, 0) <= 0 or largest > LARGEST_SHARE:
            raise DataRefused(
                f"in the sum of round {plan.round} one site counts {largest:.0%} and "
                f"{self._site} {plan.weights.get(self._site, 0):.0%}; it would tell of single "
                f"sites.\nNo site may count more than {LARGEST_SHARE:.0%}: set federated.weights "
                "to uniform or capped."
            )

    def _signed(self, advertisement: Advertisement) -> Signed[Advertisement]:
        if self._identity is None:
            return Signed(content=advertisement, signature="")
        return sign(advertisement, self._identity.signing_key)

    def _checked(self, signed: Signed[Advertisement]) -> Advertisement:
        if self._identity is None:
            return signed.content
        site = signed.content.site
        return check_signature(
            signed, self._identity.public_lines[site], f"the key of {site} for a sum"
        )

    def _kept(self) -> SiteSum:
        return read(SiteSum, self._path.read_bytes())

    def _keep(self, state: SiteSum) -> None:
        with atomic_write(self._path, private=True) as stream:
            stream.write(written(state))


def peers(replies: Mapping[str, bytes]) -> bytes:
    """What every site is sent after all have advertised."""
    found = [read(Signed[Advertisement], replies[site]) for site in sorted(replies)]
    return written(Peers(advertised=tuple(found)))


def envelopes_for(replies: Mapping[str, bytes]) -> dict[str, bytes]:
    """What each site that shared is sent: the shares that others sealed for it."""
    sent = [one for site in sorted(replies) for one in read(Envelopes, replies[site]).envelopes]
    return {
        site: written(Envelopes(envelopes=tuple(one for one in sent if one.receiver == site)))
        for site in sorted(replies)
    }


def survivors(masked: Mapping[str, bytes]) -> bytes:
    """What every site that masked is asked at the end."""
    return written(Survivors(sites=tuple(sorted(masked))))


def mean_of(
    plan: SumPlan,
    advertised: Mapping[str, bytes],
    masked: Mapping[str, bytes],
    unmasked: Mapping[str, bytes],
) -> dict[str, Tensor]:
    """The weighted mean of the updates of those that masked theirs.

    Exact but for the rounding of each number to a step of the plan's scale. Raises as
    `masking.total` does.
    """
    keys = [read(Signed[Advertisement], content).content for content in advertised.values()]
    shapes, vectors = _masked(masked)
    unmaskings = [read(Unmasking, unmasked[site]) for site in sorted(unmasked)]
    whole = plan.scale.tensors(total(keys, vectors, unmaskings), shapes)
    counted = sum(plan.weights[site] for site in sorted(masked))
    return {name: tensor / counted for name, tensor in whole.items()}


def _masked(replies: Mapping[str, bytes]) -> tuple[Shapes, Sequence[Masked]]:
    vectors: list[Masked] = []
    shapes: dict[str, tuple[int, ...]] = {}
    for site in sorted(replies):
        head, _, vector = replies[site].partition(b"\n")
        own = {name: tuple(shape) for name, shape in json.loads(head).items()}
        shapes = shapes or own
        if own != shapes or len(vector) != 4 * sum(int(np.prod(it)) for it in own.values()):
            raise DataRefused(
                f"the masked update of {site} has other shapes than those of the others.\n"
                "All sites must run the same recipe."
            )
        vectors.append(Masked(site=site, vector=vector))
    return shapes, vectors


def written(record: Record) -> bytes:
    """The record as JSON."""
    return record.model_dump_json().encode()


def read(kind: type[R], content: bytes) -> R:
    """The record that the bytes hold; DataRefused where they hold none."""
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise DataRefused(
            f"a message of a sum cannot be read: {str(error).splitlines()[0]}\n"
            "Coordinator and sites must run the same version of cauce."
        ) from error
