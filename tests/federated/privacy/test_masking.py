from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
import torch

pytest.importorskip("cryptography", reason="secure aggregation needs cauce[federated]")

from cauce.errors import DataRefused, UserError
from cauce.federated.privacy.integers import Scale, Vector
from cauce.federated.privacy.keystream import gaussian, keystream, uniform
from cauce.federated.privacy.masking import (
    Advertisement,
    Envelope,
    Masked,
    SiteState,
    TooFewSites,
    Unmasking,
    advertise,
    mask,
    share,
    total,
    unmask,
)
from cauce.federated.privacy.shamir import joined, split

CHANCE = np.random.default_rng(0)
LIKELY_UNIFORM = (160.0, 372.0)
"""Of chi-square with 255 degrees of freedom: outside it once in a million times."""


class Shared(NamedTuple):
    states: dict[str, SiteState]
    advertised: list[Advertisement]
    envelopes: list[Envelope]

    def sent_to(self, site: str) -> list[Envelope]:
        return [one for one in self.envelopes if one.receiver == site]


def vector(length: int = 50) -> Vector:
    return CHANCE.integers(0, 2**32, length, dtype=np.uint32)


def shared(sites: int, lost: int = 0, session: str = "job/1") -> Shared:
    """After the second stage, which the first `lost` sites did not reach the end of."""
    begun = [advertise(session, f"site-{number}") for number in range(sites)]
    advertised = [message for _, message in begun]
    states, envelopes = {}, []
    for state, _ in begun[lost:]:
        states[state.site], sent = share(state, advertised)
        envelopes += [one for one in sent if int(one.receiver.removeprefix("site-")) >= lost]
    return Shared(states, advertised, envelopes)


def masked_sum(
    sites: int, lost_sharing: int, lost_masking: int, lost_unmasking: int
) -> tuple[Vector, Vector]:
    """The sum found with losses at each stage, and the plain one; messages go through JSON."""
    begun = shared(sites, lost_sharing)
    vectors = {name: vector() for name in begun.states}
    states, sent = {}, []
    for name, state in begun.states.items():
        states[name], message = mask(state, begun.sent_to(name), vectors[name])
        sent.append(Masked.model_validate_json(message.model_dump_json()))
    arrived = sent[lost_masking:]
    alive = [one.site for one in arrived]
    kept = [SiteState.model_validate_json(states[name].model_dump_json()) for name in alive]
    answers = [unmask(state, alive)[1] for state in kept[lost_unmasking:]]
    answers = [Unmasking.model_validate_json(one.model_dump_json()) for one in answers]
    plain = np.zeros(50, np.uint32)
    for name in alive:
        plain += vectors[name]
    return total(begun.advertised, arrived, answers), plain


def chi_square(content: bytes) -> float:
    counts = np.bincount(np.frombuffer(content, np.uint8), minlength=256)
    expected = len(content) / 256
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("losses", list(itertools.product(range(3), repeat=3)))
def test_the_sum_is_exact_whoever_is_lost_at_any_stage(losses: tuple[int, int, int]) -> None:
    if sum(losses) <= 2:  # of 5, a majority is 3
        found, plain = masked_sum(5, *losses)
        assert np.array_equal(found, plain)
    else:
        with pytest.raises(TooFewSites, match="new sum"):
            masked_sum(5, *losses)


def test_three_sites_bear_one_loss_and_two_are_too_few() -> None:
    found, plain = masked_sum(3, 0, 1, 0)
    assert np.array_equal(found, plain)
    with pytest.raises(TooFewSites, match="1 of 3 sites are left"):
        masked_sum(3, 0, 2, 0)
    with pytest.raises(TooFewSites, match="train without masks"):
        shared(2)


def test_a_site_never_gives_both_secrets_of_another() -> None:
    begun = shared(4)
    state, _ = mask(begun.states["site-0"], begun.sent_to("site-0"), vector())
    state, first = unmask(state, ["site-0", "site-1", "site-2"])
    assert not first.own.keys() & first.pairs.keys()
    assert first.pairs.keys() == {"site-3"}
    assert unmask(state, ["site-2", "site-1", "site-0"])[1] == first
    with pytest.raises(DataRefused, match="would tell single updates"):
        unmask(state, ["site-0", "site-1", "site-3"])


def test_a_second_update_under_the_same_masks_is_refused() -> None:
    begun = shared(3)
    update = vector()
    state, first = mask(begun.states["site-0"], begun.sent_to("site-0"), update)
    assert mask(state, begun.sent_to("site-0"), update)[1] == first
    with pytest.raises(DataRefused, match="would tell their difference"):
        mask(state, begun.sent_to("site-0"), update + np.uint32(1))


def test_strange_survivors_keys_and_envelopes_are_refused() -> None:
    begun = shared(3)
    state = begun.states["site-0"]
    with pytest.raises(DataRefused, match="no shares of site-1"):
        unmask(state, ["site-0", "site-1"])
    for_another = [one for one in begun.envelopes if one.receiver == "site-1"]
    with pytest.raises(DataRefused, match="site-0 cannot open"):
        mask(state, for_another, vector())
    stranger = for_another[0].model_copy(update={"sender": "stranger"})
    with pytest.raises(DataRefused, match="those of stranger"):
        mask(state, [stranger], vector())
    fresh, own = advertise("job/2", "site-0")
    with pytest.raises(DataRefused, match="ask the coordinator"):
        share(fresh, [own, *begun.advertised[1:]])
    with pytest.raises(DataRefused, match="a name comes twice"):
        share(fresh, [own, own, own])


def test_wrong_shares_are_found_out() -> None:
    begun = shared(3)
    sent, answers = [], []
    for name, state in begun.states.items():
        state, message = mask(state, begun.sent_to(name), vector())
        sent.append(message)
        answers.append(unmask(state, list(begun.states))[1])
    wrong = answers[0].model_copy(update={"own": {**answers[0].own, "site-1": bytes(68)}})
    with pytest.raises(DataRefused, match="shares of site-1"):
        total(begun.advertised, sent, [wrong, *answers[1:]])
    with pytest.raises(DataRefused, match="the same survivors"):
        total(begun.advertised, sent[1:], answers)
    assert len(total(begun.advertised, sent, answers)) == 50


def test_masked_updates_are_noise_and_cannot_be_linked() -> None:
    """One update under masks with other peers: each is noise, and so is their difference."""
    update = np.full(16_384, 7, np.uint32)
    seen = []
    for sites in (3, 5):
        begun = shared(sites, session=f"job/{sites}")
        _, message = mask(begun.states["site-1"], begun.sent_to("site-1"), update)
        seen.append(message.vector)
    first, second = (np.frombuffer(one, "<u4") for one in seen)
    low, high = LIKELY_UNIFORM
    for content in (*seen, (first - second).tobytes(), (first + second).tobytes()):
        assert low < chi_square(content) < high
    assert chi_square(update.tobytes()) > high


@pytest.mark.parametrize(("count", "threshold"), [(3, 2), (5, 3), (8, 8)])
def test_any_so_many_shares_give_the_secret_and_one_less_does_not(
    count: int, threshold: int
) -> None:
    secret = b"\xff" * 32
    shares = split(secret, count, threshold)
    chosen: Sequence[bytes]
    for chosen in itertools.combinations(shares, threshold):
        assert joined(chosen) == secret
    assert joined(shares) == secret
    assert joined(shares[: threshold - 1]) != secret


def test_updates_come_back_from_integers_within_a_step() -> None:
    scale = Scale(bound=2.0, sites=3)
    updates = [
        {"b": torch.randn(2, 3).clamp(-2, 2), "a": torch.full((4,), sign)} for sign in (2, -2, 2)
    ]
    total = np.zeros(10, np.uint32)
    for update in updates:
        total += scale.integers(update)
    found = scale.tensors(total, {"b": (2, 3), "a": (4,)})
    for name in ("a", "b"):
        expected = sum(update[name].double() for update in updates)
        assert float((found[name] - expected).abs().max()) <= 3 * scale.step / 2 + 1e-6
    assert found["a"].tolist() == pytest.approx([2.0] * 4, abs=1e-6)


@pytest.mark.parametrize("value", [2.1, -3.0, float("nan"), float("inf")])
def test_a_number_beyond_the_bound_is_refused(value: float) -> None:
    with pytest.raises(UserError, match="agree on a higher bound"):
        Scale(bound=2.0, sites=3).integers({"a": torch.tensor([0.0, value])})


def test_a_stream_is_the_same_for_one_key_and_purpose_alone() -> None:
    key = bytes(range(32))
    assert keystream(key, "a", 64) == keystream(key, "a", 128)[:64]
    assert keystream(key, "a", 64) != keystream(key, "b", 64)
    assert keystream(key, "a", 64) != keystream(bytes(32), "a", 64)
    assert LIKELY_UNIFORM[0] < chi_square(keystream(key, "a", 2**16)) < LIKELY_UNIFORM[1]


def test_drawn_numbers_have_the_moments_of_their_distributions() -> None:
    normal, even = gaussian(bytes(32), "n", 100_001), uniform(bytes(32), "u", 100_000)
    assert len(normal) == 100_001
    assert [float((normal**power).mean()) for power in (1, 2, 4)] == pytest.approx(
        [0, 1, 3], abs=0.06
    )
    assert float(np.mean(np.abs(normal) > 3)) == pytest.approx(0.0027, abs=7e-4)
    assert 0 < even.min() < even.max() <= 1
    assert float(even.mean()) == pytest.approx(0.5, abs=0.005)
