"""Databases for tests: an SQLite file, and a PostgreSQL server that lives in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
PROGRAMS += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8MB",
    "min_wal_size": "2MB",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
}
MEMORY = Path("/dev/shm")
"""Here the server's thousand files are made and removed in no time."""
START_S = 30


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a new server's database, over a socket in a folder that goes with the server."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    found = [path for path in PROGRAMS if (path / "initdb").exists()]
    if not found:
        pytest.skip("no PostgreSQL is installed: there is no program `initdb`")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=MEMORY if MEMORY.is_dir() else None))
    who = _another_user(folder)
    server = _start(found[0].resolve(), folder, who)
    try:
        yield f"postgresql://cauce@/postgres?host={folder}"
    finally:
        # Ends it at once, with nothing written: its folder goes too.
        server.send_signal(signal.SIGQUIT)
        server.wait(START_S)
        shutil.rmtree(folder)


def _another_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _start(programs: Path, folder: Path, who: dict[str, Any]) -> subprocess.Popen[bytes]:
    data, log = folder / "data", folder / "log"
    options = ("--auth=trust", "--username=cauce", "--encoding=UTF8", "--locale=C", "--no-sync")
    options += ("--wal-segsize=1",)
    program = (programs / "initdb").resolve()
    subprocess.run(
        [program, f"--pgdata={data}", *options], check=True, capture_output=True, cwd="/", **who
    )
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [program.with_name("postgres"), "-D", data, "-k", folder, *settings],
            **{"stdout": output, "stderr": output, "cwd": "/", **who},
        )
    deadline = time.monotonic() + START_S
    while "ready to accept connections" not in log.read_text():
        assert server.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return server
