"""Jobs whose updates are attacked before they leave: what is told, what stays, what is closed."""

import json
from functools import partial

import pytest
import torch

from cauce.errors import DataRefused, Interrupted
from cauce.evaluation.statistics import Estimate
from cauce.federated.in_process import InProcess
from cauce.federated.messages import Head, Message, decode, encode
from cauce.federated.privacy import round_gate
from cauce.federated.privacy.gate import Finding
from federated.fixtures import make_site, settings
from federated.test_job import Fragile, Killed, run

NAMES = ("este", "norte", "sur")
SHORT = {"rounds": 1, "steps": 1, "personal_steps": 0}
BEYOND = Finding(
    attack="membership", value=Estimate(value=0.9, low=0.8, high=1.0, n=32), limit=0.55
)


def gated(folder, chosen, names=NAMES, **options):
    return InProcess(
        {name: partial(make_site, name, folder / "sites", chosen, **options) for name in names}
    )


@pytest.fixture
def leaky(monkeypatch):
    """Makes the gates of these sites find too much."""

    def choose(*names):
        found = round_gate.RoundGate.findings

        def findings(self, update, report):
            own = found(self, update, report)
            return (*own, BEYOND) if any(name in report.parts for name in names) else own

        monkeypatch.setattr(round_gate.RoundGate, "findings", findings)

    return choose


def train_task():
    return encode(Message(Head(kind="train", job="job", round=1), {}))


def test_what_was_found_is_told_in_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(round_gate, "CANDIDATES", 31)
    told = []
    chosen = settings(gate="report", rounds=1, steps=5)
    site = make_site(
        "sur",
        tmp_path,
        chosen,
        held_out=4,
        examples=8,
        planted=("canary/1/0",),
        tell=told.append,
    )
    head = decode(site.answer(train_task())).head
    assert [it.attack for it in head.findings] == ["token recovery", "membership", "exposure"]
    assert all(it.value.low <= it.value.value and not it.reason for it in head.findings)
    # Ten reads of nine examples: all of them.
    assert [it.value.n for it in head.findings[1:]] == [16, 31]
    bare = head.model_copy(update={"findings": ()})
    more = [len(it.model_dump_json(exclude_defaults=True)) for it in (head, bare)]
    assert more[0] - more[1] < 400
    verdict = json.loads((tmp_path / "sur/job/0001-train/gate.json").read_text())
    assert verdict["findings"][0]["reason"].startswith("token recovery")
    lines = [line for line in told if line.startswith("sur, 1: attacked before it leaves: ")]
    assert len(lines) == 3 and "distinct tokens that it was made from the update tells" in lines[0]


def test_reports_are_of_the_first_and_the_last_round(tmp_path):
    for gate, attacked in (("off", []), ("report", [1, 3]), ("refuse", [1, 2, 3])):
        site = make_site("sur", tmp_path, settings(gate=gate, rounds=3, steps=1))
        assert [number for number in (1, 2, 3) if site._gate(number, None)] == attacked


def test_what_is_found_too_much_of_stays_and_the_round_closes_without_it(tmp_path, leaky):
    leaky("sur")
    told = []
    chosen = settings(gate="refuse", **SHORT)
    outcome = run(tmp_path, chosen, gated(tmp_path, chosen, tell=told.append))
    [closed] = outcome.rounds
    assert closed.withheld == {"sur": "membership 0.9 (0.8 to 1), limit 0.55"}
    assert closed.lost == () and closed.weights == {"este": 0.5, "norte": 0.5}
    assert "sur, 1: the update stays here: membership 0.9 (0.8 to 1), limit 0.55" in told
    reply = (tmp_path / "sites/sur/job/0001-train/reply.bin").read_bytes()
    assert decode(reply).head.withheld and decode(reply).tensors == {}
    assert set(outcome.ends) == set(NAMES)
    off = settings(gate="off", **SHORT)
    without = run(tmp_path / "two", off, gated(tmp_path / "two", off, NAMES[:2]))
    assert without.rounds[0].findings == {}
    assert all(torch.equal(it, without.tensors[name]) for name, it in outcome.tensors.items())


def test_a_round_that_too_many_keep_out_of_is_not_closed(tmp_path, leaky):
    leaky("sur", "este")
    chosen = settings(gate="refuse", **SHORT)
    with pytest.raises(
        Interrupted, match=r"(?s)1 of 3 .*not heard of: none; este keeps its update"
    ):
        run(tmp_path, chosen, gated(tmp_path, chosen))
    assert not (tmp_path / "coordinator/0001-train/settled").exists()
    reported = make_site("sur", tmp_path / "told", settings(gate="report", **SHORT))
    reply = decode(reported.answer(train_task()))
    assert BEYOND in reply.head.findings and not reply.head.withheld and reply.tensors


def test_a_sum_is_made_without_what_stays(tmp_path, leaky):
    pytest.importorskip("cryptography", reason="secure aggregation needs cauce[federated]")
    leaky("sur")
    chosen = settings(gate="refuse", secure=True, aggregation="shared_factor", **SHORT)
    with pytest.raises(Interrupted, match="2 of 3 sites replied, and 3 are needed"):
        run(tmp_path, chosen, gated(tmp_path, chosen))
    site = make_site("sur", tmp_path / "sites", chosen)
    task = encode(Message(Head(kind="advertise", job="job", round=1), {}, b"{}"))
    with pytest.raises(DataRefused, match="part in the sum of round 1, and gives no update of it"):
        site.answer(task)


def test_a_gated_job_that_was_killed_ends_with_the_same_findings(tmp_path, leaky):
    leaky("norte")
    chosen = settings(gate="refuse", messages="int8", rounds=2, steps=1, personal_steps=0)
    two = NAMES[1:]
    straight = run(tmp_path / "straight", chosen, gated(tmp_path / "straight", chosen, two))
    fragile = Fragile(gated(tmp_path / "killed", chosen, two)._openers)
    fragile.after = 3
    with pytest.raises(Killed):
        run(tmp_path / "killed", chosen, fragile)
    resumed = run(tmp_path / "killed", chosen, gated(tmp_path / "killed", chosen, two))
    assert all(torch.equal(it, resumed.tensors[name]) for name, it in straight.tensors.items())
    for one, other in zip(straight.rounds, resumed.rounds, strict=True):
        assert (one.findings, one.withheld) == (other.findings, other.withheld)
