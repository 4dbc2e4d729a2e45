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
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

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


class Talk(NamedTuple):
    """A process and the ends of the pipes to its standard input and from its standard output."""

    process: BaseProcess
    to_it: Connection
    from_it: Connection


def talk(
    program: str, *arguments: str, folder: Path, said: Path, environment: dict[str, str]
) -> Talk:
    """The same as `start`, for a program that is talked with; `said` holds its `err`."""
    stdin, to_it = _FORKS.Pipe(duplex=False)
    from_it, stdout = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(
        target=_become, args=(program, arguments, folder, said, environment, (stdin, stdout))
    )
    process.start()
    stdin.close()
    stdout.close()
    return Talk(process, to_it, from_it)


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
    program: str,
    arguments: tuple[str, ...],
    folder: Path,
    said: Path,
    environment: dict[str, str],
    pipes: tuple[Connection, ...] = (),
) -> None:
    os.setsid()
    for place, name in ((1, "out"), (2, "err")):
        with (said / name).open("wb") as stream:
            os.dup2(stream.fileno(), place)
    for place, pipe in enumerate(pipes):
        os.dup2(pipe.fileno(), place)
        pipe.close()
    if pipes:
        sys.stdin = os.fdopen(0, closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [program, *arguments]
    if program.endswith(".py"):
        runpy.run_path(program, run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
