"""Whole jobs in one process: what is put together, what a kill costs, who is named."""

import shutil

import pytest
import torch

from cauce.errors import DataRefused, Interrupted, UserError
from cauce.federated.coordinator import Coordinator
from cauce.federated.in_process import InProcess
from cauce.federated.messages import Head, Message, decode, encode, read
from federated.fixtures import make_site, settings


def sites_in(folder, chosen, *, ranks=(4, 4, 4), **options):
    names = ("este", "norte", "sur")
    return InProcess(
        {
            name: (
                lambda name=name, rank=rank: make_site(name, folder, chosen, rank=rank, **options)
            )
            for name, rank in zip(names, ranks, strict=True)
        }
    )


def run(folder, chosen, sites=None, **options):
    coordinator = Coordinator(
        sites or sites_in(folder / "sites", chosen, **options),
        chosen,
        folder / "coordinator",
        job="job",
        seed=1,
        progress=lambda line: None,
    )
    return coordinator.run()


def effective(site):
    """The weight that each LoRA layer computes with."""
    found = {}
    for name, layer in site.part._lora.items():
        weight = layer.get_base_layer().weight.detach().double()
        product = layer.lora_B["default"].weight.double() @ layer.lora_A["default"].weight.double()
        product = layer.scaling["default"] * product.detach()
        found[name] = weight + (product.T if layer.fan_in_fan_out else product)
    return found


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_sites_of_any_rank_start_the_next_round_from_the_mean_of_what_they_compute(tmp_path, kind):
    chosen = settings(rounds=1)
    sites = sites_in(tmp_path / "sites", chosen, ranks=(2, 4, 8), kind=kind)
    outcome = run(tmp_path, chosen, sites)
    expected, base = {}, None
    for name in sites.names:
        site = sites._open[name]
        base = base or {key: it.double() for key, it in site.part._before.items()}
        site.part.put({})
        reply = decode((tmp_path / f"sites/{name}/job/0001-train/reply.bin").read_bytes())
        site.part.put(reply.tensors)
        for layer, weight in effective(site).items():
            expected[layer] = expected.get(layer, 0) + (weight - base[layer]) / 3
    for name in sites.names:
        site = sites._open[name]
        site.part.put(outcome.tensors)
        for layer, weight in effective(site).items():
            change = weight - base[layer]
            error = (change - expected[layer]).norm() / expected[layer].norm()
            assert error < 1e-5, (name, layer)


def test_all_weights_are_averaged(tmp_path):
    chosen = settings(rounds=1, aggregation="average")
    outcome = run(tmp_path, chosen, adapter="none")
    replies = [
        decode((tmp_path / f"sites/{name}/job/0001-train/reply.bin").read_bytes()).tensors
        for name in ("este", "norte", "sur")
    ]
    for name, tensor in outcome.tensors.items():
        mean = sum(reply[name].double() for reply in replies) / 3
        assert torch.allclose(tensor.double(), mean, atol=1e-9)


def test_a_shared_factor_makes_messages_small_and_averages_exact(tmp_path):
    exact = run(tmp_path / "both", settings(aggregation="average"))
    shared = run(tmp_path / "one", settings(aggregation="shared_factor"))
    assert shared.rounds[-1].bytes_up < 0.55 * exact.rounds[-1].bytes_up
    site = make_site("sur", tmp_path / "again", settings(aggregation="shared_factor"))
    site.part.put(shared.tensors)
    for name, layer in site.part._lora.items():
        assert (f"{name}.lora_a" in shared.tensors) != (f"{name}.lora_b" in shared.tensors)
        assert layer.lora_A["default"].weight.requires_grad != (
            layer.lora_B["default"].weight.requires_grad
        )


def losses_of(outcome):
    return {site: head.losses for site, head in outcome.ends.items()}


def test_the_same_job_gives_the_same_bits(tmp_path):
    one, other = (run(tmp_path / name, settings(messages="int8")) for name in ("a", "b"))
    assert one.tensors.keys() == other.tensors.keys()
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)
    assert losses_of(one) == losses_of(other)


def test_every_site_keeps_what_is_best_on_its_own_validation(tmp_path):
    outcome = run(tmp_path, settings())
    for site, losses in losses_of(outcome).items():
        assert set(losses) == {"base", "alone", "global", "personal"}
        best = min(losses, key=lambda name: losses[name].validation)
        assert outcome.ends[site].kept == best
        assert losses[best].validation <= losses["alone"].validation
        kept = read(tmp_path / f"sites/{site}/job/kept.bin")
        again = make_site(site, tmp_path / "again", settings())
        again.part.put(kept.tensors)
        measured = again._measured()
        assert measured.losses.validation == pytest.approx(losses[best].validation, rel=1e-5)


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


class Fragile(InProcess):
    """Sites of which the coordinator is killed when it has `after` more replies."""

    after = 10**6

    def ask(self, tasks):
        for site, content in super().ask(tasks):
            if self.after == 0:
                raise Killed
            self.after -= 1
            yield site, content


@pytest.mark.parametrize("after", (1, 5, 9))
def test_a_killed_coordinator_goes_on_in_the_same_round_with_the_same_bits(tmp_path, after):
    chosen = settings()
    straight = run(tmp_path / "straight", chosen)
    fragile = Fragile(sites_in(tmp_path / "killed/sites", chosen)._openers)
    fragile.after = after
    with pytest.raises(Killed):
        run(tmp_path / "killed", chosen, fragile)
    asked = []

    class Watched(InProcess):
        def ask(self, tasks):
            asked.extend((decode(task).head.round, site) for site, task in tasks.items())
            return super().ask(tasks)

    watched = Watched(sites_in(tmp_path / "killed/sites", chosen)._openers)
    resumed = run(tmp_path / "killed", chosen, watched)
    assert len(asked) == 12 - after
    for name, tensor in straight.tensors.items():
        assert torch.equal(tensor, resumed.tensors[name])
    assert losses_of(resumed) == losses_of(straight)
    # Replies tell their CPU time, to the digit.
    varying = {"cpu_s", "bytes_up"}
    told = [[it.model_dump(exclude=varying) for it in job.rounds] for job in (straight, resumed)]
    assert told[0] == told[1]


def test_a_site_that_is_asked_twice_answers_with_the_same_bytes(tmp_path):
    chosen = settings()
    run(tmp_path, chosen)
    shared = read(tmp_path / "coordinator/0001-train/shared.bin").tensors
    task = encode(Message(Head(kind="train", job="job", round=2), shared))
    reply = (tmp_path / "sites/sur/job/0002-train/reply.bin").read_bytes()
    again = make_site("sur", tmp_path / "sites", chosen)
    assert again.answer(task) == reply
    shutil.rmtree(tmp_path / "sites/sur/job/0002-train")
    anew = decode(make_site("sur", tmp_path / "sites", chosen).answer(task))
    before = decode(reply)
    assert all(torch.equal(anew.tensors[name], before.tensors[name]) for name in before.tensors)


class Lossy(InProcess):
    """Sites of which some are never heard of."""

    lost = ()

    def ask(self, tasks):
        yield from super().ask({site: it for site, it in tasks.items() if site not in self.lost})


def test_a_lost_site_is_named_and_the_round_closes_without_it(tmp_path):
    chosen = settings(rounds=1)
    lossy = Lossy(sites_in(tmp_path / "sites", chosen)._openers)
    lossy.lost = ("sur",)
    outcome = run(tmp_path, chosen, lossy)
    assert outcome.rounds[0].lost == ("sur",)
    assert outcome.rounds[0].weights == {"este": 0.5, "norte": 0.5}
    lossy.lost = ("sur", "este")
    with pytest.raises(Interrupted, match=r"1 of 3 sites replied.*not heard of: este, sur"):
        run(tmp_path / "few", chosen, lossy)


def test_a_reply_to_another_task_is_refused(tmp_path):
    chosen = settings(rounds=1)
    run(tmp_path, chosen)
    stray = (tmp_path / "sites/sur/job/0001-train/reply.bin").read_bytes()

    class Wrong(InProcess):
        def ask(self, tasks):
            yield "sur", stray

    with pytest.raises(DataRefused, match="All sites must run the same recipe"):
        run(tmp_path / "wrong", chosen, Wrong({"sur": lambda: None}))


def test_a_budget_of_privacy_is_kept_over_rounds_and_kills(tmp_path):
    pytest.importorskip("dp_accounting", reason="the extra federated is not installed")
    from cauce.federated.privacy.accounting import Accountant

    chosen = settings(epsilon=8.0)
    straight = run(tmp_path / "straight", chosen)
    plain = run(tmp_path / "plain", settings())
    names = sorted(plain.tensors)
    assert not all(torch.equal(straight.tensors[it], plain.tensors[it]) for it in names)
    account = tmp_path / "straight/sites/sur/job/account-0002.json"
    spent = Accountant.model_validate_json(account.read_bytes()).spent(0.1 / 6)
    assert 7.5 < spent <= 8.0
    fragile = Fragile(sites_in(tmp_path / "killed/sites", chosen)._openers)
    fragile.after = 6
    with pytest.raises(Killed):
        run(tmp_path / "killed", chosen, fragile)
    for site in ("este", "norte", "sur"):
        key = (tmp_path / f"straight/sites/{site}/job/noise.key").read_bytes()
        assert key != (tmp_path / f"killed/sites/{site}/job/noise.key").read_bytes()
    run(tmp_path / "killed", chosen)
    again = tmp_path / "killed/sites/sur/job/account-0002.json"
    assert again.read_bytes() == account.read_bytes()


class LateSite(InProcess):
    """A site that is not heard of before the first round."""

    def ask(self, tasks):
        heard = {
            site: it
            for site, it in tasks.items()
            if site != "sur" or decode(it).head.kind != "alone"
        }
        yield from super().ask(heard)


def test_a_site_that_comes_late_takes_part_and_is_compared_all_the_same(tmp_path):
    chosen = settings(weights="loss")
    late = run(tmp_path / "late", chosen, LateSite(sites_in(tmp_path / "s", chosen)._openers))
    straight = run(tmp_path / "straight", chosen)
    assert "sur" in late.rounds[0].weights
    assert sum(late.rounds[0].weights.values()) == pytest.approx(1)
    assert losses_of(late)["sur"]["alone"] == losses_of(straight)["sur"]["alone"]


def test_the_gap_of_a_site_is_that_of_its_losses_and_has_an_interval(tmp_path):
    for head in run(tmp_path, settings()).ends.values():
        losses = head.losses
        expected = losses[head.kept].test - losses["alone"].test
        assert head.gap.value == pytest.approx(expected, abs=1e-5)
        assert head.gap.low <= head.gap.value <= head.gap.high
        assert head.gap.n == 3
        assert "without differential privacy" in head.privacy


def test_a_site_without_privacy_is_told_so(tmp_path):
    pytest.importorskip("dp_accounting", reason="the extra federated is not installed")
    told = []
    make_site("sur", tmp_path, settings(), tell=told.append)
    assert "sur: updates leave this site without differential privacy" in told[0]
    assert "would have an epsilon of" in told[0]
    told.clear()
    make_site("sur", tmp_path, settings(epsilon=4.0), tell=told.append)
    assert told == []


def test_another_job_is_not_mixed_with_what_the_folder_holds(tmp_path):
    chosen = settings(rounds=1)
    run(tmp_path, chosen)
    sites = sites_in(tmp_path / "sites", chosen)

    def other(folder):
        return Coordinator(sites, chosen, folder, job="other", seed=1, progress=lambda line: None)

    with pytest.raises(UserError, match="holds job job, and the recipe is now job other"):
        other(tmp_path / "coordinator").run()
    other(tmp_path / "new").run()
    homes = {path.name for path in (tmp_path / "sites/sur").iterdir()}
    assert homes == {"job", "other"}
