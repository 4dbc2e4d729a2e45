"""Two processes of torchrun end as one process does: real ones, over loopback, on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import processes
from cauce.errors import UserError
from cauce.training.distribution import Processes
from training import distributed

pytestmark = pytest.mark.slow

SCRIPT = Path(distributed.__file__)


def train_in_two(folder: Path) -> None:
    """The script in two processes; what they say, a warning for example, is a failure."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = processes.run(
        str(SCRIPT), str(folder), folder=folder, environment=environment, timeout_s=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def alone() -> dict[str, distributed.Result]:
    """Every training in one process."""
    return {kind: distributed.train(kind, Processes.start("ddp")) for kind in distributed.KINDS}


@pytest.fixture(scope="module")
def folder(alone, tmp_path_factory) -> Path:
    """What two processes wrote; they found the checkpoints of one."""
    folder = tmp_path_factory.mktemp("together")
    for kind, result in alone.items():
        torch.save(result.halfway, folder / f"{kind}-halfway.pt")
    train_in_two(folder)
    return folder


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
@pytest.mark.parametrize("kind", distributed.KINDS)
def test_two_processes_end_as_one(kind, parallel, alone, folder):
    straight, _ = torch.load(folder / f"{kind}-{parallel}.pt")
    one = alone[kind]
    assert one.losses[-1] < one.losses[0]
    assert straight["losses"] == pytest.approx(one.losses, abs=1e-5)
    assert straight["norms"] == pytest.approx(one.norms, rel=1e-5)
    assert_same(straight["weights"], one.weights)
    assert_same(straight["optimizer"], one.optimizer)


@pytest.mark.parametrize("kind", distributed.KINDS)
def test_two_go_on_from_a_checkpoint_of_one_or_of_the_other_kind(kind, alone, folder):
    one = alone[kind]
    for parallel in ("ddp", "fsdp"):
        _, resumed = torch.load(folder / f"{kind}-{parallel}.pt")
        assert resumed["losses"] == pytest.approx(one.losses[distributed.HALF :], abs=1e-5)
        assert_same(resumed["weights"], one.weights)


@pytest.mark.parametrize("kind", distributed.KINDS)
def test_one_goes_on_from_a_checkpoint_of_two(kind, alone, folder):
    straight, _ = torch.load(folder / f"{kind}-fsdp.pt")
    resumed = distributed.train(kind, Processes.start("fsdp"), straight["halfway"])
    assert resumed.losses == pytest.approx(alone[kind].losses[distributed.HALF :], abs=1e-5)
    assert_same(resumed.weights, alone[kind].weights)


def test_one_resumes_itself_bit_for_bit(alone):
    resumed = distributed.train("gpt2", Processes.start("ddp"), alone["gpt2"].halfway)
    assert resumed.losses == alone["gpt2"].losses[distributed.HALF :]
    assert all(map(torch.equal, resumed.weights.values(), alone["gpt2"].weights.values()))


@pytest.fixture
def two_gpus(monkeypatch):
    """The variables of the third of four processes on a machine with two GPUs."""
    found = {"RANK": 2, "WORLD_SIZE": 8, "LOCAL_RANK": 2, "LOCAL_WORLD_SIZE": 4}
    for name, value in {**found, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": 1}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_more_processes_than_gpus_are_refused(two_gpus):
    with pytest.raises(UserError, match=r"4 processes here, .* 2 GPUs.\n.*--nproc-per-node 2"):
        Processes.start("ddp")


def test_one_process_loads_nothing_of_torch():
    code = (
        "import sys; from cauce.training.distribution import Processes; "
        "print(Processes.start('fsdp').count, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
