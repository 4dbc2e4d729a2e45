"""The commands that the README shows are run as they stand there."""

from __future__ import annotations

import gzip
import itertools
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

import processes
from shared import CHECKOUT, shared_data

READMES = ("README.md", "README.es.md")
SHORT = (
    "corpus.kinds=[use, dose]",
    "corpus.questions_per_section=1",
    "training.steps=2",
    "training.batch_size=2",
    "evaluation.max_items=6",
    "evaluation.max_new_tokens=16",
)
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def commands(readme: str) -> list[str]:
    """The lines after `$ ` in the console blocks."""
    blocks = _BLOCK.findall((CHECKOUT / readme).read_text("utf-8"))
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT / "src")}


def said_by(folder: Path, *arguments: str) -> str:
    """What `cauce ...` prints where it ends well."""
    done = processes.run(
        "cauce", *arguments, folder=folder, environment=environment(), timeout_s=280
    )
    assert done.returncode == 0, f"{arguments}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project's recipes and a short run of the demonstration."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / "recipes").symlink_to(CHECKOUT / "recipes")
    output = said_by(folder, "run", "recipes/demo.yaml", *SHORT)
    assert "report: runs/demo/report/report.html" in output
    return folder


def test_both_readmes_show_the_same_commands() -> None:
    assert commands("README.md") == commands("README.es.md")
    assert {"make demo", "make test"} <= set(commands("README.md"))


@pytest.mark.slow
def test_the_commands_of_the_readme_work(demo: Path) -> None:
    for command in commands("README.md"):
        program, *arguments = shlex.split(command)
        if program == "make":
            subprocess.run(
                ["make", "-n", *arguments], cwd=CHECKOUT, check=True, capture_output=True
            )
        elif arguments[:1] == ["serve"]:
            _serve(demo, arguments)
        elif arguments[:1] == ["run"]:
            assert (CHECKOUT / arguments[1]).is_file(), command
        else:
            assert program == "cauce", command
            assert said_by(demo, *arguments).strip(), command


def test_the_recipe_for_real_labels_works_as_the_readme_says(demo: Path) -> None:
    with gzip.open(shared_data("openfda/labels-150.jsonl.gz"), "rb") as labels:
        some = b"".join(itertools.islice(labels, 12))
    (demo / "labels.jsonl.gz").write_bytes(gzip.compress(some))
    (command,) = [line for line in commands("README.md") if line.startswith("cauce run ")]
    output = said_by(demo, *shlex.split(command)[1:], *SHORT)
    assert "report: runs/vademecum/report/report.html" in output


def _serve(demo: Path, arguments: list[str]) -> None:
    process = processes.start(
        *("cauce", *arguments, "--port", "18734"),
        folder=demo,
        said=demo,
        environment=environment(),
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                health = httpx.get("http://127.0.0.1:18734/health", timeout=5)
                break
            except httpx.ConnectError:
                assert process.exitcode is None, (demo / "err").read_text("utf-8")
                assert time.monotonic() < deadline
                time.sleep(0.3)
        assert health.status_code == 200
        assert (
            "text/html" in httpx.get("http://127.0.0.1:18734/", timeout=5).headers["content-type"]
        )
    finally:
        assert process.pid
        os.kill(process.pid, signal.SIGINT)
        process.join(timeout=30)
        process.kill()


def test_the_tree_in_the_readme_names_what_there_is() -> None:
    text = (CHECKOUT / "README.md").read_text("utf-8")
    tree = re.search(r"```text\nsrc/cauce/\n(.*?)```", text, re.DOTALL)
    assert tree
    named = {line.split()[0].rstrip("/") for line in tree[1].splitlines() if line.strip()}
    folder = CHECKOUT / "src" / "cauce"
    there = {
        path.name
        for path in folder.iterdir()
        if not path.name.startswith("_") and path.name != "py.typed"
    }
    assert named == there
