"""Every file of a checkpoint, damaged in every way: what is resumed is whole, or nothing is."""

from __future__ import annotations

import errno
import json
import os
import resource
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

from cauce.errors import CheckpointCorrupt, UserError
from cauce.training import checkpoints as module
from cauce.training.checkpoints import Checkpoint, Checkpoints

FILES = (
    "weights.safetensors",
    "best.safetensors",
    "optimizer.pt",
    "state.json",
    "manifest.json",
)
CONFIGURATION = {"lr": 1e-3, "betas": [0.9, 0.999], "restarts": None}


def checkpoint(step: int, *, has_best: bool = True) -> Checkpoint:
    chance = torch.Generator().manual_seed(step)
    weights = {name: torch.randn(4, 8, generator=chance) for name in ("one", "two")}
    return Checkpoint(
        step=step,
        weights=weights,
        best={name: weight + 1 for name, weight in weights.items()} if has_best else None,
        optimizer={"state": {0: {"exp_avg": weights["one"] * 2}}, "param_groups": [{"lr": 0.1}]},
        state={"log_bytes": 0, "random": [{"torch": step}, {"torch": -step}]},
    )


def store(folder: Path, *, keep: int = 2, **changes: object) -> Checkpoints:
    return Checkpoints(
        folder / "checkpoints", keep=keep, configuration={**CONFIGURATION, **changes}
    )


def saved(folder: Path, *steps: int, keep: int = 2) -> Checkpoints:
    kept = store(folder, keep=keep)
    for step in steps:
        kept.save(checkpoint(step))
    return kept


def newest(folder: Path) -> tuple[int | None, list[str]]:
    """The step that a training would go on from, and what it is told."""
    said: list[str] = []
    found = store(folder).newest_good(folder / "log.jsonl", said.append)
    return found and found.step, said


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path, place: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "truncated": truncate,
    "flipped": flip,
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


@pytest.mark.parametrize("has_best", [True, False])
def test_what_is_saved_is_what_is_read(has_best, tmp_path):
    written = checkpoint(7, has_best=has_best)
    store(tmp_path).save(written)
    read = store(tmp_path).newest_good(tmp_path / "log.jsonl", print)
    assert read is not None
    assert (read.step, read.state) == (7, written.state)
    for mine, theirs in ((read.weights, written.weights), (read.best, written.best)):
        assert (mine is None) == (theirs is None)
        assert all(torch.equal(mine[name], weight) for name, weight in (theirs or {}).items())
    moments = (item["state"][0]["exp_avg"] for item in (read.optimizer, written.optimizer))
    assert torch.equal(*moments)


def test_without_a_checkpoint_there_is_none(tmp_path):
    assert newest(tmp_path) == (None, [])


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_any_damage_to_any_file_falls_back_and_is_named(name, damage, tmp_path):
    saved(tmp_path, 4, 8)
    DAMAGES[damage](tmp_path / "checkpoints" / "step-000008" / name)
    step, [line] = newest(tmp_path)
    assert step == 4
    assert line.startswith(f"step-000008 is damaged ({name} ")
    assert line.endswith("removed, going on from step-000004")
    assert names(tmp_path) == ["step-000004"]


def test_no_flipped_byte_of_a_manifest_is_believed(tmp_path):
    """Not even one that turns the checkpoint into that of another training, to be removed."""
    saved(tmp_path, 4)
    path = tmp_path / "checkpoints" / "step-000004" / "manifest.json"
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            manifest = module._manifest(path.parent)
        except ValueError:
            continue
        assert {**manifest, "seal": ""} == {**json.loads(content), "seal": ""}


@pytest.mark.parametrize("content", [b"{}", b"[]", b"null", b'{"files": {}, "seal": 1}', b"\xff"])
def test_a_manifest_of_another_shape_is_damage(content, tmp_path):
    saved(tmp_path, 4, 8)
    (tmp_path / "checkpoints" / "step-000008" / "manifest.json").write_bytes(content)
    step, [line] = newest(tmp_path)
    assert step == 4 and "manifest.json cannot be read" in line


def test_a_checkpoint_under_the_name_of_another_step_is_damage(tmp_path):
    saved(tmp_path, 4, 8)
    folder = tmp_path / "checkpoints"
    (folder / "step-000008").rename(folder / "step-000080")
    step, [line] = newest(tmp_path)
    assert step == 4 and "step-000080 is damaged (manifest.json is that of step 8)" in line


def test_a_file_that_no_manifest_vouches_for_is_not_read(tmp_path):
    store(tmp_path).save(checkpoint(4, has_best=False))
    (tmp_path / "checkpoints" / "step-000004" / "best.safetensors").write_bytes(b"stray")
    found = store(tmp_path).newest_good(tmp_path / "log.jsonl", print)
    assert found is not None and found.best is None


def test_a_file_that_the_disk_cannot_read_is_damage(monkeypatch, tmp_path):
    saved(tmp_path, 4, 8)
    digest = module.sha256_of_file

    def unreadable(path: Path) -> str:
        if path.parts[-2:] == ("step-000008", "optimizer.pt"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return digest(path)

    monkeypatch.setattr(module, "sha256_of_file", unreadable)
    step, [line] = newest(tmp_path)
    assert step == 4 and "optimizer.pt cannot be read: Input/output error" in line


def test_a_log_shorter_than_the_checkpoint_is_damage(tmp_path):
    kept = saved(tmp_path, 4)
    late = checkpoint(8)
    kept.save(Checkpoint(**{**vars(late), "state": {**late.state, "log_bytes": 99}}))
    (tmp_path / "log.jsonl").write_bytes(b"x" * 98)
    step, [line] = newest(tmp_path)
    assert step == 4 and "log.jsonl has 98 of 99 bytes" in line


@pytest.mark.parametrize("damage", DAMAGES)
def test_when_all_are_damaged_each_is_named_and_nothing_removed(damage, tmp_path):
    saved(tmp_path, 4, 8)
    for step, name in ((4, "weights.safetensors"), (8, "manifest.json")):
        DAMAGES[damage](tmp_path / "checkpoints" / f"step-{step:06d}" / name)
    with pytest.raises(
        CheckpointCorrupt,
        match=r"none of the 2 .*step-000008: manifest.*step-000004: weights.*\n.*delete",
    ):
        newest(tmp_path)
    assert names(tmp_path) == ["step-000004", "step-000008"]


def test_checkpoints_of_another_training_are_removed_and_what_differs_is_said(tmp_path):
    saved(tmp_path, 4, 8)
    said: list[str] = []
    other = store(tmp_path, lr=2e-3, precision="bf16")
    assert other.newest_good(tmp_path / "log.jsonl", said.append) is None
    assert "(lr, precision changed)" in said[0]
    assert names(tmp_path) == []


def test_the_last_k_are_kept_and_nothing_else_is_touched(tmp_path):
    kept = saved(tmp_path, 4)
    for stray in ("step-000004.bak", "step-final", "notes"):
        (tmp_path / "checkpoints" / stray).mkdir()
    for step in (8, 12, 16):
        kept.save(checkpoint(step))
    expected = ["notes", "step-000004.bak", "step-000012", "step-000016", "step-final"]
    assert names(tmp_path) == expected
    assert newest(tmp_path) == (16, [])


def no_space(*arguments: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_space_for_weights(*arguments: object, **options: object) -> None:
    raise SafetensorError("I/O error: No space left on device (os error 28)")


FULL = {
    "weights": ("safetensors.torch.save_file", no_space_for_weights),
    "optimizer": ("torch.save", no_space),
    "flush": ("cauce.training.checkpoints._sync_file", no_space),
    "manifest": ("cauce.training.checkpoints.write_json", no_space),
    "rename": ("pathlib.Path.rename", no_space),
}


@pytest.mark.parametrize("moment", FULL)
def test_a_full_disk_leaves_the_older_checkpoint_and_says_what_to_do(moment, monkeypatch, tmp_path):
    kept = saved(tmp_path, 4)
    with monkeypatch.context() as patch:
        patch.setattr(*FULL[moment])
        with pytest.raises(
            UserError,
            match=r"step 8 cannot .*No space left.* MB are free.*step-000004\.\n.*room.*repeat",
        ):
            kept.save(checkpoint(8))
    assert names(tmp_path) == ["step-000004"]
    assert newest(tmp_path) == (4, [])


@pytest.mark.parametrize("limit", [100, 700])
def test_files_that_may_not_grow_are_told_as_a_full_disk(limit, tmp_path):
    """A real limit of the system: the weights (100 bytes) or torch's own writer (700) hit it."""
    kept = saved(tmp_path, 4)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(UserError, match="step 8 cannot be written"):
            kept.save(checkpoint(8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert newest(tmp_path) == (4, [])


def test_the_first_checkpoint_on_a_full_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_sync_file", no_space)
    with pytest.raises(UserError, match="Kept as before: none, it was the first"):
        store(tmp_path).save(checkpoint(4))
    assert names(tmp_path) == []


def test_a_fault_of_the_program_is_not_told_as_a_full_disk(tmp_path):
    broken = Checkpoint(**{**vars(checkpoint(4)), "state": {"log_bytes": object()}})
    with pytest.raises(TypeError):
        store(tmp_path).save(broken)
    assert newest(tmp_path) == (None, [])


def test_everything_is_on_disk_before_it_has_its_name(monkeypatch, tmp_path):
    """Files, then the manifest, then their directory, the rename, and the directory of that."""
    saved(tmp_path, 4, keep=1)
    events: list[str] = []
    fsync, rename, replace = os.fsync, Path.rename, Path.replace

    def record_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        events.append(f"sync {path.name}")
        fsync(descriptor)

    def record_rename(self: Path, target: Path) -> Path:
        events.append(f"rename {self.name} {target.name}")
        return rename(self, target)

    def record_replace(self: Path, target: Path) -> Path:
        events.append(f"replace {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(Path, "rename", record_rename)
    monkeypatch.setattr(Path, "replace", record_replace)
    store(tmp_path, keep=1).save(checkpoint(8))
    events = [event for event in events if not event.startswith("sync .manifest.json.")]
    assert events == [
        f"sync {tmp_path.name}",
        *(f"sync {name}" for name in sorted(FILES[:4])),
        "replace manifest.json",
        "sync .step-000008.partial",
        "rename .step-000008.partial step-000008",
        "sync checkpoints",
        "rename step-000004 .step-000004.partial",
    ]


@pytest.mark.parametrize("moment", range(1, 4))
def test_a_kill_while_a_checkpoint_is_replaced_or_dropped_loses_none(moment, monkeypatch, tmp_path):
    """With one kept, the same step saved again, then a later one: stopped at each rename."""
    kept = saved(tmp_path, 4, keep=1)
    renames = []
    rename = Path.rename

    class Killed(BaseException):
        pass

    def rename_or_die(self: Path, target: Path) -> Path:
        renames.append(target)
        if len(renames) == moment:
            raise Killed
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename_or_die)
        with pytest.raises(Killed):
            for step in (4, 8):
                kept.save(checkpoint(step))
    assert newest(tmp_path) == (4, [])
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_a_half_removed_checkpoint_does_not_count_as_damaged(monkeypatch, tmp_path):
    saved(tmp_path, 4)

    class Killed(BaseException):
        pass

    def die(path: Path, **options: object) -> None:
        if path.exists():
            (path / "weights.safetensors").unlink()
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "rmtree", die)
        with pytest.raises(Killed):
            store(tmp_path, lr=2e-3).newest_good(tmp_path / "log.jsonl", print)
    assert newest(tmp_path) == (None, [])
