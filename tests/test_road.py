"""`cauce run` killed in the middle of training ends, when given again, as if it had not been."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

import processes
import road as tiny

pytestmark = pytest.mark.slow

TRAINING = {"steps": 6, "batch_size": 2, "evaluate_every": 6, "checkpoint_every": 2}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "tiny.yaml"
    path.write_text(yaml.safe_dump({**tiny.RECIPE, "training": TRAINING}))
    return path


def weights(folder: Path) -> bytes:
    return (folder / "runs" / "tiny" / "train" / "model" / "model.safetensors").read_bytes()


def kill_after_step(step: int, recipe: Path, folder: Path) -> None:
    """Starts the road and SIGKILLs it when the log of the training shows `step`."""
    log = folder / "runs" / "tiny" / "train" / "log.jsonl"
    process = processes.start(
        "cauce", "run", str(recipe), folder=folder, said=folder, environment=tiny.environment()
    )
    try:
        while not (log.is_file() and f'{{"step": {step},' in log.read_text()):
            assert process.exitcode is None, "the road ended before it could be killed"
            time.sleep(0.005)
    finally:
        process.kill()
        process.join(timeout=60)


def test_a_killed_road_goes_on_to_the_same_bits(recipe, tmp_path):
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    for folder in (broken, whole):
        folder.mkdir()
    kill_after_step(3, recipe, broken)
    assert not (broken / "runs" / "tiny" / "train" / "model").exists()
    again = tiny.cauce("run", str(recipe), folder=broken)
    assert again.returncode == 0, again.stderr
    assert "fetch: nothing has changed" in again.stderr
    assert "prepare: nothing has changed" in again.stderr
    assert "going on after step" in again.stderr
    straight = tiny.cauce("train", str(recipe), folder=whole)
    assert straight.returncode == 0, straight.stderr
    assert weights(broken) == weights(whole)
