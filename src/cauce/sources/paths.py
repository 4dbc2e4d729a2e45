"""Which files a path of a recipe means, and when they were read."""

from __future__ import annotations

import datetime
import glob
import gzip
import lzma
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from cauce.errors import NotFound


def matching_files(path: Path, endings: Sequence[str]) -> tuple[Path, ...]:
    """The files that `path` (a file, a folder or a glob) means, sorted; NotFound when none.

    In a folder, at any depth, those count whose names end in one of `endings`.
    """
    text = str(path)
    if path.is_file():
        return (path,)
    if path.is_dir():
        found = [file for file in path.rglob("*") if file.name.lower().endswith(tuple(endings))]
    elif any(sign in text for sign in "*?["):
        found = [Path(name) for name in glob.glob(text, recursive=True)]  # noqa: PTH207
    else:
        raise NotFound(f"no file or folder {text!r}.\nGive an existing file, a folder or a glob.")
    files = tuple(sorted(file for file in found if file.is_file()))
    if not files:
        raise NotFound(
            f"nothing to read in {text!r}: no file there ends in {', '.join(endings)}.\n"
            "Give an existing file, a folder that holds such files, or a glob."
        )
    return files


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked when its name ends in `.gz` or `.xz`."""
    if path.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if path.name.lower().endswith(".xz"):
        return cast("IO[bytes]", lzma.open(path, "rb"))
    return path.open("rb")


UNPACKING_FAULTS = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)
"""What reading a packed file raises where it is cut or damaged."""


def today() -> str:
    """The current date in UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()
