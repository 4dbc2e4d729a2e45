"""Whole jobs in which the coordinator learns sums alone; and what a site refuses to add to."""

import pytest
import torch

pytest.importorskip("cryptography", reason="secure aggregation needs cauce[federated]")

from cauce.errors import DataRefused, Interrupted
from cauce.federated.keys import new_keys
from cauce.federated.messages import decode
from cauce.federated.secure import (
    Identity,
    SecureSite,
    SumPlan,
    envelopes_for,
    mean_of,
    peers,
    survivors,
    written,
)
from federated.fixtures import settings
from federated.test_job import Fragile, Killed, Lossy, losses_of, run, sites_in

SITES = ("este", "norte", "sur")
SUMMED = {
    "aggregation": "shared_factor", "weights": "examples", "rounds": 1, "steps": 1,
    "personal_steps": 0,
}  # fmt: skip


def close(one, other):
    return one.keys() == other.keys() and all(
        torch.allclose(one[name], other[name], rtol=0, atol=2e-7) for name in one
    )


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A job with sums that nothing went wrong in, and its folder."""
    folder = tmp_path_factory.mktemp("summed")
    return folder, run(folder, settings(secure=True, **SUMMED))


def test_a_sum_gives_the_model_that_single_updates_give(tmp_path, straight):
    folder, summed = straight
    known = run(tmp_path, settings(**SUMMED))
    assert close(summed.tensors, known.tensors)
    assert any(it.abs().max() > 1e-4 for it in summed.tensors.values())
    replies = sorted((folder / "coordinator").glob("*/replies/*.bin"))
    assert len(replies) == 3 * (2 + 5)
    assert not any(decode(path.read_bytes()).tensors for path in replies)
    with_updates = (tmp_path / "coordinator").glob("0001-train/replies/*.bin")
    assert all(decode(path.read_bytes()).tensors for path in with_updates)
    private = [*folder.rglob("*-sum.json"), *folder.rglob("*-moved.bin")]
    assert len(private) == 6 and all(it.stat().st_mode & 0o077 == 0 for it in private)


class LostAt(Lossy):
    """A site that is never heard of in one stage, and not after it."""

    stage = "mask"

    def ask(self, tasks):
        if any(decode(task).head.kind == self.stage for task in tasks.values()):
            self.lost = ("sur",)
        yield from super().ask(tasks)


def test_a_site_lost_within_a_sum_is_left_out_of_it(tmp_path):
    chosen = settings(secure=True, **SUMMED)
    lossy = LostAt(sites_in(tmp_path / "sites", chosen)._openers)
    summed = run(tmp_path, chosen, lossy)
    known = settings(**SUMMED)
    both = Lossy(sites_in(tmp_path / "both/sites", known)._openers)
    both.lost = ("sur",)
    assert close(summed.tensors, run(tmp_path / "both", known, both).tensors)
    assert summed.rounds[0].lost == ("sur",)


def test_a_sum_waits_for_its_sites_and_goes_on_when_they_are_back(tmp_path):
    chosen = settings(secure=True, **SUMMED)
    few = LostAt(sites_in(tmp_path / "sites", chosen)._openers)
    few.stage = "advertise"
    with pytest.raises(Interrupted, match=r"2 of 3 sites replied, and a sum takes 3"):
        run(tmp_path, chosen, few)
    few.stage, few.lost = "unmask", ()
    assert run(tmp_path, chosen, few).rounds[0].lost == ()


@pytest.mark.parametrize("after", (8, 13))
def test_a_coordinator_killed_within_a_sum_ends_with_the_same_bits(tmp_path, straight, after):
    chosen = settings(secure=True, **SUMMED)
    fragile = Fragile(sites_in(tmp_path / "killed/sites", chosen)._openers)
    fragile.after = after
    with pytest.raises(Killed):
        run(tmp_path / "killed", chosen, fragile)
    resumed = run(tmp_path / "killed", chosen)
    for name, tensor in straight[1].tensors.items():
        assert torch.equal(tensor, resumed.tensors[name])
    assert losses_of(resumed) == losses_of(straight[1])


def plan(**weights):
    return SumPlan(job="job", round=1, weights=weights or dict.fromkeys(SITES, 1 / 3))


def begun(folder, chosen, identities=None):
    """The sites of a sum that have advertised."""
    sites = {
        name: SecureSite(folder / f"{name}.json", name, (identities or {}).get(name))
        for name in SITES
    }
    return sites, {name: it.advertise(written(chosen)) for name, it in sites.items()}


def test_a_second_sum_of_one_update_is_refused(tmp_path):
    sites, advertised = begun(tmp_path, plan())
    shared = {name: it.share(peers(advertised)) for name, it in sites.items()}
    update = {"layer": torch.full((2, 3), 0.5)}
    masked = {
        name: sites[name].mask(content, update) for name, content in envelopes_for(shared).items()
    }
    unmasked = {name: it.unmask(survivors(masked)) for name, it in sites.items()}
    assert close(mean_of(plan(), advertised, masked, unmasked), update)
    with pytest.raises(DataRefused, match="two sums of one update"):
        sites["sur"].advertise(written(plan(este=0.3, norte=0.3, sur=0.4)))
    with pytest.raises(DataRefused, match="is asked for that of este, norte"):
        sites["sur"].unmask(survivors({"este": b"", "norte": b""}))


def test_a_sum_that_is_nearly_one_site_is_refused(tmp_path):
    with pytest.raises(
        DataRefused, match=r"one site counts 90%.*\nNo site may count more than 75%"
    ):
        begun(tmp_path, plan(este=0.9, norte=0.05, sur=0.05))


def test_two_plans_for_two_sites_give_no_sum(tmp_path):
    sites, advertised = begun(tmp_path, plan())
    other = plan(este=0.2, norte=0.2, sur=0.6)
    advertised["este"] = sites["este"].advertise(written(other))
    for name in ("este", "norte"):
        with pytest.raises(DataRefused, match="are not those of this sum"):
            sites[name].share(peers(advertised))


def test_keys_that_their_site_did_not_sign_are_refused(tmp_path):
    keys = {name: new_keys(name, tmp_path / name) for name in (*SITES, "thief")}
    private = {
        name: next(it for it in paths if it.name.endswith("signing.pem"))
        for name, paths in keys.items()
    }
    lines = {
        name: (path.parent / f"{name}.signing.pub").read_text() for name, path in private.items()
    }
    identities = {name: Identity(private[name], lines) for name in SITES}
    sites, advertised = begun(tmp_path, plan(), identities)
    assert sites["este"].share(peers(advertised))
    thief = SecureSite(tmp_path / "thief.json", "sur", Identity(private["thief"], lines))
    advertised["sur"] = thief.advertise(written(plan()))
    with pytest.raises(DataRefused, match="the key of sur for a sum was not signed by the key"):
        sites["este"].share(peers(advertised))
