"""Processes of their own, as a user starts them, that find the costly packages imported.

They are forked from a server that has imported torch and transformers, and nothing of cauce: most
of what a short command costs is those imports.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from multiprocessing.process import BaseProcess
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["torch", "transformers.modeling_utils", "peft"])


def start(
    program: str, *arguments: str, folder: Path, said: Path, environment: dict[str, str]
) -> BaseProcess:
    """`python -m program ...`, or `python program ...` where it is a file, running in `folder`.

    It writes to the files `out` and `err` in the folder `said`, and leads a session of its own.
    """
    process = _FORKS.Process(target=_become, args=(program, arguments, folder, said, environment))
    process.start()
    return process


def run(
    program: str, *arguments: str, folder: Path, environment: dict[str, str], timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """The same, when it has ended; it is killed after `timeout_s`."""
    with tempfile.TemporaryDirectory() as name:
        said = Path(name)
        process = start(program, *arguments, folder=folder, said=said, environment=environment)
        try:
            process.join(timeout_s)
        finally:
            process.kill()
            process.join()
        assert process.exitcode is not None
        out, err = ((said / file).read_text("utf-8") for file in ("out", "err"))
    return subprocess.CompletedProcess(arguments, process.exitcode, out, err)


def _become(
    program: str, arguments: tuple[str, ...], folder: Path, said: Path, environment: dict[str, str]
) -> None:
    os.setsid()
    for place, name in ((1, "out"), (2, "err")):
        with (said / name).open("wb") as stream:
            os.dup2(stream.fileno(), place)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [program, *arguments]
    if program.endswith(".py"):
        runpy.run_path(program, run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
