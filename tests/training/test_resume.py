"""Killed trainings end as those that were not: the real loop, real processes, real SIGKILLs."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

import processes
from cauce.errors import CheckpointCorrupt, Interrupted
from cauce.training.stopping import StopRequest
from training import killed

SCRIPT = Path(__file__).with_name("killed.py")


def start(kind: str, folder: Path, moment: str) -> BaseProcess:
    arguments = (str(SCRIPT), kind, str(folder), moment)
    return processes.start(*arguments, folder=folder, said=folder, environment=dict(os.environ))


def kill_at(kind: str, folder: Path, moment: str) -> None:
    process = start(kind, folder, moment)
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL


def weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def log_without_cpu(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "cpu_s"} for line in lines]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The folder of an unbroken training, by kind."""
    folders: dict[str, Path] = {}

    def folder_of(kind: str) -> Path:
        if kind not in folders:
            folders[kind] = tmp_path_factory.mktemp(kind)
            killed.run(kind, folders[kind])
        return folders[kind]

    return folder_of


@pytest.mark.parametrize(
    ("kind", "moments"),
    [
        ("gpt2", ["step:7", "write:12"]),
        ("t5", ["seal:12"]),
        ("gpt2-packed-muon", ["step:11"]),
    ],
)
def test_sigkills_then_resume_end_with_the_same_bits(kind, moments, straight, tmp_path):
    for moment in moments:
        kill_at(kind, tmp_path, moment)
    said: list[str] = []
    summary = killed.run(kind, tmp_path, said.append)
    assert weights(tmp_path) == weights(straight(kind))
    assert log_without_cpu(tmp_path) == log_without_cpu(straight(kind))
    assert summary["resumed_from"] == 8
    assert "going on after step 8 of 14" in said
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_a_kill_from_outside_at_any_moment_is_survived(straight, tmp_path):
    process = start("gpt2", tmp_path, "none")
    while not list(tmp_path.glob("checkpoints/step-*")) and process.exitcode is None:
        time.sleep(0.002)
    process.kill()
    process.join(timeout=60)
    killed.run("gpt2", tmp_path)
    assert weights(tmp_path) == weights(straight("gpt2"))


def stop_at_step_12(folder: Path) -> None:
    """A training whose newest checkpoint is step 12 of 14, made without another process."""
    raise_at = {"step": 13}

    class Killed(Exception):
        pass

    write = killed.TrainingLog.write

    def write_or_raise(self, line):
        write(self, line)
        if line["step"] == raise_at["step"]:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(killed.TrainingLog, "write", write_or_raise)
        with pytest.raises(Killed):
            killed.run("gpt2", folder)


def truncate_weights(directory: Path) -> None:
    path = directory / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def flip_a_byte(directory: Path) -> None:
    path = directory / "optimizer.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate_weights, r"weights.safetensors has 1000 of \d+ bytes"),
        (lambda directory: (directory / "optimizer.pt").unlink(), "optimizer.pt is missing"),
        (flip_a_byte, "optimizer.pt is not as it was written"),
        (lambda directory: (directory / "manifest.json").unlink(), "manifest.json cannot be read"),
        (lambda directory: (directory / "manifest.json").write_text("{}"), "manifest.json cannot"),
    ],
)
def test_a_damaged_newest_checkpoint_falls_back_and_says_so(damage, reason, straight, tmp_path):
    stop_at_step_12(tmp_path)
    damage(tmp_path / "checkpoints" / "step-000012")
    said: list[str] = []
    summary = killed.run("gpt2", tmp_path, said.append)
    assert summary["resumed_from"] == 8
    [complaint] = [line for line in said if "damaged" in line]
    assert re.search(reason, complaint)
    assert "step-000012" in complaint and "going on from step-000008" in complaint
    assert weights(tmp_path) == weights(straight("gpt2"))
    assert log_without_cpu(tmp_path) == log_without_cpu(straight("gpt2"))


def test_a_log_shorter_than_its_checkpoint_falls_back(straight, tmp_path):
    stop_at_step_12(tmp_path)
    log = tmp_path / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:13]))
    said: list[str] = []
    assert killed.run("gpt2", tmp_path, said.append)["resumed_from"] == 8
    assert any("log.jsonl has" in line for line in said)
    assert log_without_cpu(tmp_path) == log_without_cpu(straight("gpt2"))


def test_when_every_checkpoint_is_damaged_nothing_is_resumed(tmp_path):
    stop_at_step_12(tmp_path)
    for directory in (tmp_path / "checkpoints").iterdir():
        truncate_weights(directory)
    with pytest.raises(
        CheckpointCorrupt, match=r"none of the 2 .*step-000012.*step-000008.*\n.*delete"
    ):
        killed.run("gpt2", tmp_path)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_checkpoints_of_another_training_are_not_continued(tmp_path):
    stop_at_step_12(tmp_path)
    other = killed.SETTINGS.model_copy(update={"lr": 1e-3, "objective": killed.REPEATING})
    loaded = killed.tiny_model("gpt2", dropout=0.1)
    items = killed.chats(loaded, 20)
    said: list[str] = []
    summary = killed.train(
        loaded, items[:16], items[16:], other, tmp_path, seed=11, progress=said.append
    )
    assert summary["resumed_from"] is None
    assert any("belong to another training (lr changed)" in line for line in said)
    assert log_without_cpu(tmp_path)[0]["step"] == 0


def test_a_finished_training_is_not_trained_again(straight, tmp_path):
    killed.run("gpt2", tmp_path)
    summary = killed.run("gpt2", tmp_path)
    assert (summary["resumed_from"], summary["steps"]) == (14, 14)
    assert weights(tmp_path) == weights(straight("gpt2"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_leaves_a_checkpoint_and_the_command(number, straight, tmp_path):
    def interrupt(line: str) -> None:
        if line.startswith("step 6 "):
            signal.raise_signal(number)

    with pytest.raises(
        Interrupted, match=rf"{number.name} after step 6 of 14.*\n.*cauce train RUN"
    ):
        killed.run("gpt2", tmp_path, interrupt)
    assert killed.run("gpt2", tmp_path)["resumed_from"] == 6
    assert weights(tmp_path) == weights(straight("gpt2"))
    assert log_without_cpu(tmp_path) == log_without_cpu(straight("gpt2"))


@pytest.fixture
def python_takes_interrupts():
    """A shell starts what runs in its background with SIGINT ignored, and Python leaves it so."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, inherited)


@pytest.mark.usefixtures("python_takes_interrupts")
def test_a_second_signal_is_not_held_back():
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
