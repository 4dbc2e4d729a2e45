from __future__ import annotations

import gzip
import json
import stat

import pytest

from cauce.errors import DataRefused, NotFound
from cauce.records import Message
from cauce.runs import (
    IN_PROGRESS,
    STAGES,
    Run,
    atomic_write,
    fingerprint,
    read_records,
    sha256_of_file,
    write_json,
    write_records,
)

TURNS = [Message(role="user", content="¿Dosis?"), Message(role="assistant", content="400 mg.")]


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path / "runs" / "demo")


class Work:
    """A stage that writes `name` and counts how often it did."""

    def __init__(self, name: str = "out.txt", text: str = "done") -> None:
        self.name, self.text, self.times = name, text, 0
        self.found: list[str] = []

    def __call__(self, folder):
        self.times += 1
        self.found = sorted(path.name for path in folder.iterdir())
        (folder / self.name).write_text(self.text)
        return {"times": self.times}


def do_all(run: Run, upto: str = "report") -> None:
    for stage in STAGES[: STAGES.index(upto) + 1]:
        run.do_stage(stage, "f", Work())


def test_a_file_appears_whole_with_the_usual_rights(tmp_path):
    with atomic_write(tmp_path / "new" / "a.txt") as stream:
        stream.write(b"one")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"one"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_a_crash_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as stream:
        stream.write(b"half")
        _ = 1 / 0
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_private_file_is_its_owners_alone(tmp_path):
    with atomic_write(tmp_path / "key", private=True) as stream:
        stream.write(b"secret")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_json_is_written_readable(tmp_path):
    write_json(tmp_path / "a.json", {"b": "ñ", "a": 1})
    assert (tmp_path / "a.json").read_text("utf-8") == '{\n  "a": 1,\n  "b": "ñ"\n}\n'


@pytest.mark.parametrize("name", ["turns.jsonl", "turns.jsonl.gz"])
def test_records_are_read_as_they_were_written(name, tmp_path):
    assert write_records(tmp_path / "turns.jsonl", TURNS) == 2
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / "turns.jsonl").read_bytes()))
    assert list(read_records(tmp_path / name, Message)) == TURNS


@pytest.mark.parametrize(
    "bad", ["{", '{"role": "user"}', '{"role": "user", "content": "", "x": 1}', "[]", "\xff"]
)
def test_a_bad_record_is_named_with_file_and_line(bad, tmp_path):
    write_records(tmp_path / "turns.jsonl", TURNS)
    with (tmp_path / "turns.jsonl").open("ab") as stream:
        stream.write(b"\n" + bad.encode("latin-1") + b"\n")
    records = read_records(tmp_path / "turns.jsonl", Message)
    assert [next(records), next(records)] == TURNS
    with pytest.raises(DataRefused, match=r"turns.jsonl, line 4: not a Message: .+\nEach line"):
        next(records)


def test_records_that_fail_midway_leave_no_file(tmp_path):
    def turns():
        yield TURNS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_records(tmp_path / "turns.jsonl", turns())
    assert list(tmp_path.iterdir()) == []


def test_a_fingerprint_changes_with_any_part_and_not_with_the_order_of_keys():
    base = fingerprint("a", {"x": 1, "y": [2]})
    assert len(base) == 16
    assert base == fingerprint("a", {"y": [2], "x": 1})
    others = [
        ("b", {"x": 1, "y": [2]}),
        ("a", {"x": 1, "y": [3]}),
        ("a",),
        ("a", {"x": "1", "y": [2]}),
    ]
    assert len({base, *(fingerprint(*parts) for parts in others)}) == 5


def test_the_sum_of_a_file_is_that_of_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of_file(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_a_finished_stage_is_not_done_again(run):
    work = Work()
    assert run.do_stage("fetch", "f", work)
    assert not run.do_stage("fetch", "f", work)
    assert work.times == 1
    entry = run.manifest["stages"]["fetch"]
    assert entry["outputs"] == {"fetch/out.txt": 4}
    assert entry["summary"] == {"times": 1}
    assert entry["peak_mb"] > 0
    assert entry["cpu_s"] >= 0
    assert not (run.path / "fetch" / IN_PROGRESS).exists()


def test_other_inputs_do_it_again_in_an_empty_folder(run):
    run.do_stage("fetch", "f", Work("old.txt"))
    work = Work("new.txt")
    assert run.do_stage("fetch", "g", work)
    assert work.found == [IN_PROGRESS]
    assert not (run.path / "fetch" / "old.txt").exists()


@pytest.mark.parametrize(
    "damage",
    [lambda path: path.unlink(), lambda path: path.write_text("other")],
    ids=["missing", "another size"],
)
def test_a_damaged_output_does_it_again(damage, run):
    run.do_stage("fetch", "f", Work())
    damage(run.path / "fetch" / "out.txt")
    assert not run.is_done("fetch", "f")
    assert run.do_stage("fetch", "f", Work())
    assert (run.path / "fetch" / "out.txt").read_text() == "done"


def test_what_a_file_of_checkpoints_becomes_is_no_output(run):
    def work(folder):
        (folder / "checkpoints").mkdir()
        (folder / "checkpoints" / "a").write_text("1")
        return {}

    run.do_stage("train", "f", work)
    assert run.manifest["stages"]["train"]["outputs"] == {}


def test_later_stages_are_forgotten_when_one_is_done_again(run):
    do_all(run)
    assert list(run.manifest["stages"]) == sorted(STAGES)
    run.do_stage("train", "g", Work())
    assert set(run.manifest["stages"]) == {"fetch", "prepare", "train"}


def test_they_are_forgotten_even_when_the_work_fails(run):
    do_all(run)

    def fail(folder):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run.do_stage("prepare", "g", fail)
    assert set(run.manifest["stages"]) == {"fetch"}


def interrupted(run: Run, stage_fingerprint: str) -> None:
    def work(folder):
        (folder / "half").write_text("1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.do_stage("train", stage_fingerprint, work)


def test_what_an_interrupted_attempt_left_is_kept_for_the_same_inputs(run):
    interrupted(run, "f")
    work = Work()
    run.do_stage("train", "f", work)
    assert work.found == [IN_PROGRESS, "half"]


def test_what_it_left_is_dropped_for_other_inputs(run):
    interrupted(run, "f")
    work = Work()
    run.do_stage("train", "g", work)
    assert work.found == [IN_PROGRESS]


def test_a_run_is_opened_by_name_or_path(run):
    do_all(run, "fetch")
    runs = run.path.parent
    assert Run.open("demo", runs).path == run.path
    assert Run.open(run.path).path == run.path
    assert [found.path for found in Run.list(runs)] == [run.path]


def test_a_run_that_is_not_there_lists_those_that_are(run, tmp_path):
    do_all(run, "fetch")
    runs = run.path.parent
    with pytest.raises(
        NotFound, match=r"no run 'dmo' .*runs there: demo\).\nMake one with: cauce run"
    ):
        Run.open("dmo", runs)
    with pytest.raises(NotFound, match="none yet"):
        Run.open("demo", tmp_path / "empty")


def test_the_manifest_keeps_what_is_not_changed(run):
    run.update_manifest(seed=3)
    run.update_manifest(notice="x")
    assert json.loads((run.path / "manifest.json").read_bytes()) == {
        "seed": 3,
        "notice": "x",
        "stages": {},
    }
