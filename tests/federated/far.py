"""A job of three tiny sites in processes of their own: python far.py ROLE FOLDER [ADDRESS] [NAME].

ROLE is `here` (all in this process), `ray`, `coordinator` or `site`. FOLDER holds `settings.json`
and, for the last two, the keys that `prepare` makes. The shared model ends in FOLDER/outcome.bin,
with the seconds of everything in FOLDER/seconds.jsonl.

CAUCE_DIE kills the process with SIGKILL: a site where it has answered, and not yet said so, its
task of that round (`2-train`), and the coordinator when it has that many replies (`4`).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cauce.federated import keys
from cauce.federated.coordinator import Coordinator
from cauce.federated.in_process import InProcess
from cauce.federated.messages import Head, Message, decode, write
from cauce.federated.settings import FederatedSettings
from federated.fixtures import make_site

NAMES = ("este", "norte", "sur")


def prepare(folder: Path, settings: FederatedSettings) -> None:
    """Keys of all, and the settings of the job."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(settings.model_dump_json())
    keys.new_authority("coordinator", folder / "keys" / "coordinator")
    for name in NAMES:
        own = folder / "keys" / name
        keys.new_keys(name, own)
        keys.certify(own / f"{name}.tls.csr", folder / "keys" / "coordinator", own)
        shutil.copy(folder / "keys" / "coordinator" / "ca.crt", own)


def public_keys(folder: Path) -> list[tuple[str, str]]:
    return [(name, (folder / f"keys/{name}/{name}.node.pub").read_text()) for name in NAMES]


def forbid_the_world(folder: Path, event: str, arguments: tuple[object, ...]) -> None:
    """No process of these connects beyond this machine; a try stands in FOLDER/reached.txt."""
    if event == "socket.connect" and isinstance(address := arguments[1], tuple):
        if str(address[0]).startswith(("127.", "::1")):
            return
        with (folder / "reached.txt").open("a") as stream:
            stream.write(f"{address}\n")
        raise PermissionError(f"only loopback is allowed, not {address}")


class Timed:
    """A site that notes how long it takes, and may die at it."""

    def __init__(self, site, folder):
        self._site, self._folder = site, folder

    def answer(self, content):
        start = time.perf_counter()
        reply = self._site.answer(content)
        head = decode(content).head
        note(self._folder, self._site.name, round=head.round, s=time.perf_counter() - start)
        die_once(self._folder / self._site.name, f"{head.round}-{head.kind}")
        return reply


def note(folder, what, **figures):
    with (folder / "seconds.jsonl").open("a") as stream:
        stream.write(json.dumps({"what": what, "at": time.time(), **figures}) + "\n")


def die_once(mark, moment):
    if os.environ.get("CAUCE_DIE") == moment and not mark.with_suffix(".died").exists():
        mark.with_suffix(".died").touch()
        os.kill(os.getpid(), signal.SIGKILL)


def open_site(name, folder, settings):
    note(folder, "opened", site=name)
    return Timed(make_site(name, folder / "sites", settings), folder)


def coordinate(sites, folder, settings):
    replies = []

    def progress(line):
        print(line, flush=True)
        if line.startswith("round"):
            note(folder, "closed", round=int(line.split()[1]))
        if " replied" in line:
            replies.append(line)
            die_once(folder / "coordinator", str(len(replies)))

    note(folder, "started")
    outcome = Coordinator(
        sites, settings, folder / "coordinator", job="job", seed=1, progress=progress
    ).run()
    head = Head(kind="train", job="job", round=settings.rounds)
    write(folder / "outcome.bin", Message(head, dict(outcome.tensors)))


def main():
    role, folder, *more = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]
    settings = FederatedSettings.model_validate_json((folder / "settings.json").read_bytes())
    openers = {name: partial(open_site, name, folder, settings) for name in NAMES}
    sys.addaudithook(partial(forbid_the_world, folder))
    tell = partial(print, flush=True)
    if role == "here":
        coordinate(InProcess(openers), folder, settings)
    if role == "ray":
        from cauce.federated.flower import simulated

        simulated(openers, lambda sites: coordinate(sites, folder, settings), progress=tell)
    if role == "coordinator":
        from cauce.federated.flower import flower_coordinator

        with flower_coordinator(
            folder / "coordinator",
            public_keys(folder),
            more[0],
            folder / "keys" / "coordinator",
            settings,
            progress=tell,
        ) as sites:
            coordinate(sites, folder, settings)
    if role == "site":
        from cauce.federated.flower import run_site

        own = folder / "keys" / more[1]
        run_site(
            openers[more[1]],
            more[0],
            own,
            own / f"{more[1]}.node",
            progress=tell,
            on_event=lambda event, details: note(folder, event, site=more[1], **details),
        )


if __name__ == "__main__":
    main()
