"""`cauce serve` as a process of its own: the assistant of the embedded medicines, untrained."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

START_S = 120


class Served(NamedTuple):
    """A server that answers on a loopback port."""

    port: int
    process: subprocess.Popen[bytes]


def prepared(folder: Path, run: str) -> list[str]:
    """The command that serves the run, to be started in `folder`, where the run is made."""
    recipe = folder / f"{run}.yaml"
    recipe.write_text(f"run: {run}\nsources: [{{kind: vademecum}}]\n")
    cauce = [sys.executable, "-m", "cauce"]
    subprocess.run([*cauce, "prepare", str(recipe)], cwd=folder, check=True, capture_output=True)
    return [*cauce, "serve", run, "--port", "0"]


def started(command: Sequence[str], folder: Path) -> Served:
    """The server, once it says that it is well. Raises RuntimeError where that takes too long."""
    told = folder / "told.txt"
    with told.open("w") as stream:
        process = subprocess.Popen(command, cwd=folder, stderr=stream)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        address = re.search(r"http://127\.0\.0\.1:(\d+)/", told.read_text())
        if address and _is_well(int(address[1])):
            return Served(int(address[1]), process)
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise RuntimeError(f"the server did not start: {told.read_text()}")


def _is_well(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()
