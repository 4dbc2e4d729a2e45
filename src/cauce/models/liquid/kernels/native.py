"""The C++ kernels as a library: compiled at first use for this machine, and kept for the next."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import shlex
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from torch import Tensor

from cauce.errors import UserError

_log = logging.getLogger("cauce")

_SOURCES = Path(__file__).parent
_FLAGS = ("-std=c++17", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-pthread", "-w")
_REMEDY = "Install a C++17 compiler (Debian: apt install g++) or name one in CXX."


@cache
def is_available() -> bool:
    """True where the C++ kernels can be had; where not, the reason is logged once."""
    outcome = _outcome()
    if isinstance(outcome, UserError):
        _log.warning("%s\nUntil then PyTorch alone computes liquid layers, more slowly.", outcome)
        return False
    return True


def library() -> ctypes.CDLL:
    """The compiled kernels; raises UserError with the reason where they cannot be had."""
    outcome = _outcome()
    if isinstance(outcome, UserError):
        raise outcome
    return outcome


def address(tensor: Tensor | None) -> ctypes.c_void_p:
    """Where the numbers of a contiguous tensor begin; the null pointer for None."""
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


@cache
def _outcome() -> ctypes.CDLL | UserError:
    """The library or what prevents it, so that a missing compiler is looked for only once."""
    try:
        return _load()
    except UserError as error:
        return error


def _load() -> ctypes.CDLL:
    command, target = _command_and_target()
    name = f"{_digest(command, target)}.so"
    try:
        return _open(_kept(command, _cache_directory() / name))
    except OSError as error:
        _log.warning(
            "the compiled kernels cannot be kept (%s), so each process compiles them anew; "
            "name a directory that can be written to in CAUCE_KERNELS",
            error,
        )
    with tempfile.TemporaryDirectory() as directory:
        return _open(_kept(command, Path(directory) / name))


def _cache_directory() -> Path:
    given = os.environ.get("CAUCE_KERNELS")
    return Path(given) if given else Path.home() / ".cache" / "cauce" / "kernels"


def _command_and_target() -> tuple[list[str], str]:
    """How to compile, and the macros by which the compiler tells its version and the processor's.

    The compiler is the one that torch.utils.cpp_extension takes, whose import needs setuptools.
    """
    compiler = [*shlex.split(os.environ.get("CXX", "c++")), *_FLAGS]
    question = ["-dM", "-E", "-x", "c++", os.devnull]
    for command in ([*compiler, "-march=native"], compiler):
        answer = _run([*command, *question])
        if answer.returncode == 0:
            return command, answer.stdout
    raise _failed(compiler, answer)


def _digest(command: list[str], target: str) -> str:
    """What changes with anything that the library depends on: machines may share a home."""
    texts = [path.read_text() for path in sorted(_SOURCES.glob("*.h")) + _translation_units()]
    return hashlib.sha256("\0".join([*command, target, *texts]).encode()).hexdigest()[:24]


def _translation_units() -> list[Path]:
    return sorted(_SOURCES.glob("*.cpp"))


def _kept(command: list[str], place: Path) -> Path:
    """The library at `place`, compiled unless it is there; another process may do so meanwhile."""
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    _log.info("compiling the C++ kernels of liquid layers into %s", place)
    with tempfile.TemporaryDirectory(dir=place.parent) as directory:
        made = Path(directory) / place.name
        units = [str(path) for path in _translation_units()]
        answer = _run([*command, "-shared", *units, "-o", str(made)])
        if answer.returncode != 0:
            raise _failed(command, answer)
        made.replace(place)
    return place


def _open(place: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(place))
    except OSError as error:
        raise UserError(
            f"The compiled kernels {place} cannot be loaded: {error}.\n"
            "Delete the file, or name a directory that programs may run from in CAUCE_KERNELS."
        ) from error


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(
            f"The C++ kernels of liquid layers cannot be compiled: {error}.\n{_REMEDY}"
        ) from error


def _failed(command: list[str], answer: subprocess.CompletedProcess[str]) -> UserError:
    said = "\n".join(answer.stderr.splitlines()[:5])
    return UserError(
        f"The C++ kernels of liquid layers cannot be compiled: {shlex.join(command)} "
        f"ended with {answer.returncode}:\n{said}\n{_REMEDY}"
    )
