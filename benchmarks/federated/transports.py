"""The same job in one process, in Flower's simulation, and at sites in processes of their own.

Tiny models, so that what is measured is everything but the training. All of it on the loopback.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.training.measure import say

TESTS = Path(__file__).resolve().parents[2] / "tests"
SCRIPT = TESTS / "federated" / "far.py"
NAMES = ("este", "norte", "sur")
EVERYONE = ("coordinator", *NAMES)
ROUNDS = 8
PATIENCE_S = 10.0
LIMIT_S = 400.0
MOMENTS = (
    ("coordinator", "1"),
    ("coordinator", "5"),
    ("coordinator", "7"),
    ("coordinator", "9"),
    ("coordinator", "12"),
    ("sur", "0-alone"),
    ("sur", "1-train"),
    ("norte", "2-train"),
    ("este", "2-train"),
    ("este", "3-finish"),
)
"""Who is killed, and when: the coordinator with so many replies, a site with its answer unsent."""

Started = dict[str, "subprocess.Popen[bytes]"]


def transports() -> None:
    """Overhead of a round, the three ways against each other, and what kills cost."""
    sys.path.insert(0, str(TESTS))
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        say("  in one process")
        here = _prepared(work / "here", rounds=ROUNDS)
        here_s = _timed(lambda: _whole(here, "here"))
        say("  at sites of their own")
        sites = _prepared(work / "sites", rounds=ROUNDS)
        _apart_from_each_other(sites)
        say("  in Flower's simulation")
        ray = _prepared(work / "ray", rounds=ROUNDS)
        ray_s = _timed(lambda: _whole(ray, "ray"))
        report("sites of their own: largest difference from one process", _apart(here, sites), 1e-6)
        report("Flower's simulation: largest difference", _apart(here, ray), 1e-6)
        overhead = _overheads(sites)
        report("round overhead on loopback, warm, median s", statistics.median(overhead), 0.5)
        report("round overhead, least s", min(overhead), None)
        report("models loaded per site", _opened(sites) / len(NAMES), 1)
        report("one process against the simulation, whole job, wall", here_s / ray_s, 1 / 5)
        rounds_s = _rounds_s(here) / _rounds_s(ray)
        report("one process against the simulation, rounds alone, wall", rounds_s, None)
        _killed_site(_prepared(work / "lost", rounds=3, patience_s=PATIENCE_S))
        _kills(work)
        reached = sum(1 for _ in work.glob("*/reached.txt"))
        report("jobs with connections off the loopback", reached, 0)


def _killed_site(folder: Path) -> None:
    """Seconds from the kill of a site in the middle of a round until the round is closed."""
    say("  a site that is killed and stays away")
    address = _address()
    with _running() as running:
        for name in EVERYONE:
            running[name] = _start(folder, name, address, die="1-train" if name == "sur" else "")
        running["sur"].wait(LIMIT_S)
        killed = time.time()
        running["coordinator"].wait(LIMIT_S)
    closed = _noted(folder, "closed")[0]["at"]
    round_file = folder / "coordinator" / "0001-train" / "round.json"
    lost = json.loads(round_file.read_text())["lost"]
    report("round closed after the kill of a site, s", closed - killed, 15)
    report("killed site named in the round", float(lost == ["sur"]), 1, better="higher")


def _kills(work: Path) -> None:
    """Jobs, of those with a kill, whose model differs by a bit from that of the job without."""
    straight = _prepared(work / "straight", rounds=2)
    _whole(straight, "here")
    different = 0
    for number, (victim, moment) in enumerate(MOMENTS):
        say(f"  kill of {victim} at {moment}")
        folder = _prepared(work / f"kill{number}", rounds=2, patience_s=200.0)
        _apart_from_each_other(folder, victim, moment)
        assert (folder / f"{victim}.died").exists(), "nobody was killed"
        different += _apart(straight, folder) > 0
    report(f"jobs that end otherwise after one of {len(MOMENTS)} kills", different, 0)


def _apart_from_each_other(folder: Path, victim: str = "", moment: str = "") -> None:
    """The whole job, each site and the coordinator in a process of its own."""
    address = _address()
    wanted = {name: partial(_start, folder, name, address) for name in EVERYONE}
    if victim:
        wanted[victim] = partial(_start, folder, victim, address, die=moment)
    _until_done(wanted)


def _prepared(folder: Path, **changes: Any) -> Path:
    from federated import far
    from federated.fixtures import settings

    far.prepare(folder, settings(**changes))
    return folder


def _address() -> str:
    """Of a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _start(folder: Path, who: str, address: str = "", *, die: str = "") -> subprocess.Popen[bytes]:
    role = ["site", folder, address, who] if who in NAMES else [who, folder, address]
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, role)],
        env={**os.environ, "CAUCE_DIE": die},
        stdout=sys.stderr,
        start_new_session=True,
    )


@contextmanager
def _running() -> Iterator[Started]:
    """Processes of which none is left, nor any that they started."""
    running: Started = {}
    try:
        yield running
    finally:
        for process in running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_done(wanted: Mapping[str, Callable[[], subprocess.Popen[bytes]]]) -> None:
    """Runs each, and again when it was killed, until all have ended."""
    end = time.monotonic() + LIMIT_S
    with _running() as running:
        running.update({name: begin() for name, begin in wanted.items()})
        while any(process.poll() is None for process in running.values()):
            for name, process in running.items():
                if process.poll() == -signal.SIGKILL:
                    running[name] = wanted[name]()
            assert time.monotonic() < end, "the job does not end"
            time.sleep(0.05)
        assert not any(process.returncode for process in running.values()), "a process failed"


def _whole(folder: Path, role: str) -> None:
    _until_done({role: partial(_start, folder, role)})


def _timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _noted(folder: Path, what: str) -> list[dict[str, Any]]:
    lines = (folder / "seconds.jsonl").read_text().splitlines()
    return [it for it in map(json.loads, lines) if it["what"] == what]


def _opened(folder: Path) -> int:
    return len(_noted(folder, "opened"))


def _overheads(folder: Path) -> list[float]:
    """Of each round but the first: what it took beyond the longest training."""
    closed = {it["round"]: it["at"] for it in _noted(folder, "closed")}
    trained = [it for name in NAMES for it in _noted(folder, name)]
    return [
        closed[number]
        - closed[number - 1]
        - max(it["s"] for it in trained if it["round"] == number)
        for number in range(2, ROUNDS + 1)
    ]


def _rounds_s(folder: Path) -> float:
    return float(_noted(folder, "closed")[-1]["at"] - _noted(folder, "started")[0]["at"])


def _apart(one: Path, other: Path) -> float:
    """The largest difference of any number in the shared models."""
    from cauce.federated.messages import read

    ours, theirs = (read(folder / "outcome.bin").tensors for folder in (one, other))
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)
