"""Secure aggregation: the coordinator learns the exact sum of the sites' updates, and nothing else.

Bonawitz et al. 2017 (Practical secure aggregation, CCS). An update is a vector of integers modulo
2^32. Every pair of sites agrees on a mask that one adds and the other subtracts, and every site
adds one of its own. In the sum the pairs' masks cancel; those of sites that were lost, and the own
masks of those that were not, are removed with shares of their secrets (Shamir 1979) that all sites
hold, and that only a majority of them can put together.

Four stages, each a pure function of what a site keeps and what it was sent:

    advertise   two fresh public keys            -> all sites
    share       shares of its secrets, encrypted -> each of the other sites
    mask        the masked update                -> the coordinator
    unmask      shares that the sum still needs  -> the coordinator

A majority, so that a coordinator that names a site lost to some and alive to others gets too few
shares of either secret. Whoever carries the messages must sign them: a coordinator that could
exchange public keys would read everything. The sum of two sites tells each of them the other's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from pydantic import ConfigDict, Field

from cauce.errors import DataRefused, UserError
from cauce.federated.privacy.agreement import agreed, opened, public, seal
from cauce.federated.privacy.integers import Vector
from cauce.federated.privacy.keystream import keystream, new_key
from cauce.federated.privacy.shamir import joined, split
from cauce.records import Record

FEWEST_SITES = 3
"""Of two, each could subtract its own update from the sum."""


class TooFewSites(UserError):
    """So few sites are left that the sum cannot be told, or would tell of one of them."""


class _Message(Record):
    """A record whose bytes are written as base64."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class Advertisement(_Message):
    """The two public keys that a site has made for one sum."""

    session: str
    """Names the sum, the same at all sites."""
    site: str
    for_shares: bytes
    for_masks: bytes
    own_mask_sha256: str
    """Of the secret of its own mask, so that a wrong share is found out."""


class Envelope(_Message):
    """One site's shares for another, which alone can read them."""

    sender: str
    receiver: str
    sealed: bytes


class Masked(_Message):
    """An update under its masks: to the coordinator, bytes of chance."""

    site: str
    vector: bytes
    """Numbers of 4 bytes, the lowest first."""


class Unmasking(_Message):
    """One site's shares of what the sum still needs."""

    site: str
    own: dict[str, bytes]
    """Shares of the own mask of each site whose update arrived."""
    pairs: dict[str, bytes]
    """Shares of the private key for masks of each site that was lost."""


class SiteState(_Message):
    """What a site keeps of one sum, on its own disk: secret but for its name."""

    session: str
    site: str
    share_key: bytes
    mask_key: bytes
    own_mask: bytes
    peers: tuple[Advertisement, ...] = ()
    """Every site that takes part, this one too, by name."""
    shares: dict[str, tuple[bytes, bytes]] = Field(default_factory=dict)
    """From each site that shared its secrets: of its own mask, and of its key for masks."""
    masked_sha256: str = ""
    """Of the masked update: another one under the same masks would tell the difference."""
    answered: tuple[str, ...] | None = None
    """The survivors that this site has unmasked for; there is no second answer."""


def advertise(session: str, site: str) -> tuple[SiteState, Advertisement]:
    """Fresh secrets for one sum, and the public keys that belong to them."""
    state = SiteState(
        session=session, site=site, share_key=new_key(), mask_key=new_key(), own_mask=new_key()
    )
    return state, Advertisement(
        session=session,
        site=site,
        for_shares=public(state.share_key),
        for_masks=public(state.mask_key),
        own_mask_sha256=_sha256(state.own_mask),
    )


def share(
    state: SiteState, advertised: Sequence[Advertisement]
) -> tuple[SiteState, list[Envelope]]:
    """Shares of this site's two secrets for every site; its own it keeps.

    Raises TooFewSites, or DataRefused where a name comes twice, a key belongs to another sum, or
    this site's keys are not its own.
    """
    peers = tuple(sorted(advertised, key=lambda one: one.site))
    _refuse_wrong_peers(state, peers)
    majority = len(peers) // 2 + 1
    parts = [split(secret, len(peers), majority) for secret in (state.own_mask, state.mask_key)]
    pairs = {peer.site: pair for peer, pair in zip(peers, zip(*parts, strict=True), strict=True)}
    envelopes = [
        Envelope(sender=state.site, receiver=peer.site, sealed=_seal(state, peer, pairs[peer.site]))
        for peer in peers
        if peer.site != state.site
    ]
    kept = {state.site: pairs[state.site]}
    return state.model_copy(update={"peers": peers, "shares": kept}), envelopes


def mask(
    state: SiteState, envelopes: Sequence[Envelope], vector: Vector
) -> tuple[SiteState, Masked]:
    """The update under the masks of all sites that `envelopes` came from.

    Raises TooFewSites, or DataRefused for shares that this site cannot open, or for a second
    update under the same masks.
    """
    shares = dict(state.shares)
    for envelope in envelopes:
        shares[envelope.sender] = _open(state, envelope)
    _refuse_too_few(shares, len(state.peers), "shared their secrets")
    masked = vector + _own_mask(state.own_mask, len(vector))
    for peer in state.peers:
        if peer.site != state.site and peer.site in shares:
            masked += _pair_mask(state.mask_key, state.site, peer, len(vector))
    content = masked.astype("<u4").tobytes()
    digest = _sha256(content)
    if state.masked_sha256 not in ("", digest):
        raise DataRefused(
            f"{state.site} has masked another update for {state.session}: both together would "
            "tell their difference.\nSend the first again, or ask the coordinator for a new sum."
        )
    state = state.model_copy(update={"shares": shares, "masked_sha256": digest})
    return state, Masked(site=state.site, vector=content)


def unmask(state: SiteState, survivors: Sequence[str]) -> tuple[SiteState, Unmasking]:
    """Shares of the own masks of `survivors`, and of the keys of the sites that were lost.

    Never both of one site. Raises TooFewSites, or DataRefused for other survivors than before or
    for one that never shared.
    """
    alive = tuple(sorted(survivors))
    if state.answered is not None and state.answered != alive:
        raise DataRefused(
            f"{state.site} has unmasked the sum of {', '.join(state.answered)} and is asked for "
            f"that of {', '.join(alive)}: both together would tell single updates.\n"
            "Do not answer; ask the coordinator for a new sum."
        )
    if strange := sorted({*alive} - {*state.shares}):
        raise DataRefused(
            f"{state.site} has no shares of {', '.join(strange)}, named as survivors.\n"
            "Do not answer; ask the coordinator for a new sum."
        )
    _refuse_too_few(alive, len(state.peers), "are left")
    unmasking = Unmasking(
        site=state.site,
        own={name: state.shares[name][0] for name in alive},
        pairs={name: kept[1] for name, kept in state.shares.items() if name not in alive},
    )
    return state.model_copy(update={"answered": alive}), unmasking


def total(
    advertised: Sequence[Advertisement],
    masked: Sequence[Masked],
    unmaskings: Sequence[Unmasking],
) -> Vector:
    """The sum of the survivors' updates, exact modulo 2^32; all the coordinator ever computes.

    `advertised` are the keys that every site was sent. Raises TooFewSites, or DataRefused where the
    messages do not belong together or shares do not give what a site advertised.
    """
    sites = {one.site: one for one in advertised}
    vectors = {one.site: np.frombuffer(one.vector, "<u4").astype(np.uint32) for one in masked}
    _refuse_too_few([one.site for one in unmaskings], len(sites), "unmasked")
    _refuse_unlike(vectors, unmaskings)
    length = len(next(iter(vectors.values())))
    found = np.zeros(length, np.uint32)
    for name in sorted(vectors):
        secret = joined([it.own[name] for it in unmaskings])
        _refuse_wrong(name, _sha256(secret) == sites[name].own_mask_sha256)
        found += vectors[name] - _own_mask(secret, length)
    for name in sorted(unmaskings[0].pairs):
        key = joined([it.pairs[name] for it in unmaskings])
        _refuse_wrong(name, public(key) == sites[name].for_masks)
        for other in sorted(vectors):
            # What the lost site would have added is what the others' masks lack.
            found += _pair_mask(key, name, sites[other], length)
    return found


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _own_mask(secret: bytes, length: int) -> Vector:
    return np.frombuffer(keystream(secret, "own mask", 4 * length), "<u4").astype(np.uint32)


def _pair_mask(key: bytes, site: str, peer: Advertisement, length: int) -> Vector:
    """What `site` adds for `peer`, which adds the opposite."""
    secret = agreed(key, peer.for_masks, f"mask {peer.session}")
    found = np.frombuffer(keystream(secret, "pair mask", 4 * length), "<u4").astype(np.uint32)
    return found if site < peer.site else np.uint32(0) - found


def _seal(state: SiteState, peer: Advertisement, pair: tuple[bytes, bytes]) -> bytes:
    key = agreed(state.share_key, peer.for_shares, f"shares {state.session}")
    return seal(key, b"".join(pair), json.dumps([state.site, peer.site]).encode())


def _open(state: SiteState, envelope: Envelope) -> tuple[bytes, bytes]:
    both = None
    for peer in state.peers:
        if peer.site == envelope.sender:
            key = agreed(state.share_key, peer.for_shares, f"shares {state.session}")
            label = json.dumps([peer.site, state.site]).encode()
            both = opened(key, envelope.sealed, label)
    if both is None:
        raise DataRefused(
            f"{state.site} cannot open the shares that came as those of {envelope.sender}: they "
            "are of another sum, for another site, or changed on the way.\n"
            "Go on without that site, or ask the coordinator for a new sum."
        )
    return both[: len(both) // 2], both[len(both) // 2 :]


def _refuse_too_few(left: Collection[str], sites: int, what: str) -> None:
    if len(left) < (needed := sites // 2 + 1):
        raise TooFewSites(
            f"{len(left)} of {sites} sites {what}, and a sum takes {needed}: with fewer their "
            "secrets cannot be put together.\nStart a new sum when more sites are there."
        )


def _refuse_wrong_peers(state: SiteState, peers: Sequence[Advertisement]) -> None:
    names = [peer.site for peer in peers]
    if len(names) < FEWEST_SITES:
        raise TooFewSites(
            f"{len(names)} sites would take part in a sum, and {FEWEST_SITES} are needed: of two, "
            "each could tell the other's update.\nWait for more sites, or train without masks."
        )
    own = [peer.for_masks for peer in peers if peer.site == state.site]
    is_own = own == [public(state.mask_key)]
    if (
        len({*names}) < len(names)
        or {peer.session for peer in peers} != {state.session}
        or not is_own
    ):
        raise DataRefused(
            f"the keys that {state.site} was sent for {state.session} are not those of this sum: "
            "a name comes twice, a key is of another sum, or its own is not the one it made.\n"
            "Do not answer; ask the coordinator for a new sum."
        )


def _refuse_unlike(vectors: Mapping[str, Vector], unmaskings: Sequence[Unmasking]) -> None:
    lost = unmaskings[0].pairs.keys()
    is_alike = all(it.own.keys() == vectors.keys() and it.pairs.keys() == lost for it in unmaskings)
    if not is_alike or len({len(one) for one in vectors.values()}) > 1:
        raise DataRefused(
            f"masked updates came from {', '.join(sorted(vectors))}, and not all are of one length "
            "or not all sites unmasked the same.\nStart a new sum; name the same survivors to all."
        )


def _refuse_wrong(site: str, is_right: bool) -> None:
    if not is_right:
        raise DataRefused(
            f"the shares of {site} give another secret than it advertised: some site sent wrong "
            "ones.\nStart a new sum; this one would be noise."
        )
