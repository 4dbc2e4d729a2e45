"""Whether every change of a report of trust or of a log is found, and what a logged reply costs."""

from __future__ import annotations

import hashlib
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from cauce import audit
from cauce.records import Check, Citation, Language, Message, Reply
from cauce.report.trust.dossier import read_dossier
from cauce.report.trust.served import REPLIED, months
from cauce.report.trust.verifying import verify_report
from cauce.report.trust.writing import DATA, write_trust
from cauce.runs import Run, write_json
from cauce.serving.audit_log import Recorded, open_log
from cauce.signatures import canonical

EDITS = 1000
REPLIES, EDITED_REPLIES = 300, 30
Entries = list[dict[str, Any]]
Edit = Callable[[random.Random, bytes], bytes]


def measure() -> None:
    """Prints the shares of edits found, and the time and room that a logged reply takes."""
    with tempfile.TemporaryDirectory() as place:
        run = small_run(Path(place) / "run")
        _tampering(run)
        _written_anew(run)
        _logging(run)
        _tampering_with_log(small_run(Path(place) / "logged"))


def small_run(path: Path) -> Run:
    """A run with a few figures, so that a report of it has rows of every kind."""
    run = Run(path)
    done = {"fingerprint": "0", "cpu_s": 12.5, "finished": "2026-01-02T03:04:05Z"}
    fetched = {"documents": 12, "refused": 1, "licences": ["CC0-1.0"]}
    stages = {
        "fetch": {**done, "summary": fetched},
        "train": {**done, "summary": {"best_validation_loss": 0.91}},
        "evaluate": {**done, "summary": {}},
    }
    run.update_manifest(run="run", seed=7, versions={"cauce": "0"}, stages=stages)
    metrics = {"rougeL": {"value": 0.4, "low": 0.3, "high": 0.5, "n": 60}}
    scores = {"systems": {"tuned": {"metrics": metrics, "cpu_s": 4.0}}, "signatures": {}}
    write_json(run.path / "evaluate" / "scores.json", scores)
    return run


def _tampering(run: Run) -> None:
    file = write_trust(run).data
    original = file.read_bytes()
    chance = random.Random(0)
    found = dict.fromkeys(KINDS, 0)
    for number in range(EDITS):
        name = list(KINDS)[number % len(KINDS)]
        file.write_bytes(edited(KINDS[name], chance, original))
        found[name] += bool(verify_report(file).faults)
    file.write_bytes(original)
    assert not verify_report(file).faults, "the report as it was written has no fault"
    for name, count in found.items():
        tried = len(range(list(KINDS).index(name), EDITS, len(KINDS)))
        report(f"edits found: {name}", count / tried, 1.0, "higher")
    report("edits of a report found, of 1,000", sum(found.values()) / EDITS, 1.0, "higher")


def _tampering_with_log(run: Run) -> None:
    """Edits of a log alone, and of one whose head the report names."""
    recorded = Recorded(Instant(), open_log(run))
    for number in range(EDITED_REPLIES):
        recorded.reply(f"¿Cuál es la dosis número {number}?")
    dossier = write_trust(run).data
    [file] = months(run.path / "serve")
    original, chance = file.read_bytes(), random.Random(0)
    alone = named = 0
    for number in range(EDITS):
        kind = list(LOG_KINDS.values())[number % len(LOG_KINDS)]
        file.write_bytes(edited(kind, chance, original))
        alone += bool(verify_report(file).faults)
        named += bool(verify_report(dossier).faults)
    file.write_bytes(original)
    assert not verify_report(dossier).faults, "the log as it was written has no fault"
    report("edits of a log found without its head, of 1,000", alone / EDITS, None)
    report("edits of a log found by the report, of 1,000", named / EDITS, 1.0, "higher")


def _written_anew(run: Run) -> None:
    """The whole run forged, page and card too: the chain cannot tell it, a signed head can."""
    head = read_dossier(write_trust(run).data.read_bytes(), DATA).head
    scores = run.path / "evaluate" / "scores.json"
    scores.write_text(scores.read_text("utf-8").replace("0.4", "0.9"), "utf-8")
    forged = write_trust(run)
    faults = {"without": verify_report(forged.data), "with": verify_report(forged.data, head)}
    report("all written anew, found without a head", len(faults["without"].faults), None)
    report("all written anew, found with a head", len(faults["with"].faults), 1.0, "higher")
    page = forged.page
    page.write_text(page.read_text("utf-8").replace("90.0", "99.0"), "utf-8")
    report("a page alone changed, found", len(verify_report(forged.data).faults), 1.0, "higher")


def edited(kind: Edit, chance: random.Random, original: bytes) -> bytes:
    """The file with an edit of that kind, by which it becomes another."""
    found = original
    while found == original:
        found = kind(chance, original)
    return found


def one_byte(chance: random.Random, original: bytes) -> bytes:
    """One byte is another."""
    content = bytearray(original)
    place = chance.randrange(len(content))
    content[place] = (content[place] + chance.randrange(1, 256)) % 256
    return bytes(content)


def cut_off(chance: random.Random, original: bytes) -> bytes:
    """The file ends early."""
    return original[: chance.randrange(len(original))]


def last_lines_cut_off(chance: random.Random, original: bytes) -> bytes:
    """The file ends early, behind a whole line."""
    lines = original.splitlines(keepends=True)
    return b"".join(lines[: chance.randrange(1, len(lines))])


def taken_out(chance: random.Random, entries: Entries) -> int:
    """An entry is gone; the place of the edit, as of the others."""
    place = chance.randrange(len(entries))
    del entries[place]
    return place


def put_in(chance: random.Random, entries: Entries) -> int:
    """An entry stands twice."""
    place = chance.randrange(len(entries))
    entries.insert(place, dict(entries[place]))
    return place


def swapped(chance: random.Random, entries: Entries) -> int:
    """Two entries change places."""
    one, other = sorted(chance.sample(range(len(entries)), 2))
    entries[one], entries[other] = entries[other], entries[one]
    return one


def changed(chance: random.Random, entries: Entries) -> int:
    """A row says something else."""
    place = chance.choice([i for i, entry in enumerate(entries) if entry["event"] == "evidence"])
    details = dict(entries[place]["details"])
    key = chance.choice(("value", "source", "n", "command", "date", "low"))
    made_up = {"value": chance.random(), "source": "measured", "n": chance.randrange(10**6)}
    details[key] = made_up.get(key, f"2027-{chance.randrange(10**6)}")
    if key == "low":
        details[key] = chance.random()
    entries[place] = {**entries[place], "details": details}
    return place


def changed_reply(chance: random.Random, entries: Entries) -> int:
    """A logged reply says something else."""
    place = chance.choice([i for i, entry in enumerate(entries) if entry["event"] == REPLIED])
    details = {**entries[place]["details"], "question": f"{chance.randrange(10**9):064x}"}
    entries[place] = {**entries[place], "details": details}
    return place


def _edit(edit: Callable[[random.Random, Entries], int], *, hashes_after: int | None) -> Edit:
    """The edit of a whole file; so many hashes after it are made to fit again, None for all."""

    def edit_file(chance: random.Random, original: bytes) -> bytes:
        content = json.loads(original)
        entries: Entries = content["entries"]
        _do(edit, chance, entries, hashes_after)
        if hashes_after is None:
            last = canonical(entries[-1])
            content["head"]["entries"] = len(entries)
            content["head"]["sha256"] = hashlib.sha256(last).hexdigest()
        text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
        return text.encode() + b"\n"

    return edit_file


def _edit_log(edit: Callable[[random.Random, Entries], int], *, hashes_after: int | None) -> Edit:
    """The same of a log, which holds no head."""

    def edit_file(chance: random.Random, original: bytes) -> bytes:
        entries: Entries = [json.loads(line) for line in original.splitlines()]
        _do(edit, chance, entries, hashes_after)
        return b"".join(canonical(entry) + b"\n" for entry in entries)

    return edit_file


def _do(
    edit: Callable[[random.Random, Entries], int],
    chance: random.Random,
    entries: Entries,
    hashes_after: int | None,
) -> None:
    place = edit(chance, entries)
    end = len(entries) if hashes_after is None else min(len(entries), place + hashes_after)
    if hashes_after != 0:
        _fit(entries, place, end)


def _fit(entries: Entries, start: int, end: int) -> None:
    for place in range(start, end):
        before = hashlib.sha256(canonical(entries[place - 1])).hexdigest()
        hashes = {"before": before if place else audit.NO_LINE, "number": place + 1}
        entries[place] = {**entries[place], **hashes}


KINDS: dict[str, Edit] = {
    "a byte": one_byte,
    "cut off": cut_off,
    "taken out": _edit(taken_out, hashes_after=0),
    "put in": _edit(put_in, hashes_after=0),
    "swapped": _edit(swapped, hashes_after=0),
    "changed": _edit(changed, hashes_after=0),
    "changed, the next hash made to fit": _edit(changed, hashes_after=2),
    "changed, all hashes and the head made to fit": _edit(changed, hashes_after=None),
    "taken out, all hashes and the head made to fit": _edit(taken_out, hashes_after=None),
    "swapped, all hashes and the head made to fit": _edit(swapped, hashes_after=None),
}
"""The last three leave page and card as they were: their head tells."""
LOG_KINDS: dict[str, Edit] = {
    "a byte": one_byte,
    "cut off": cut_off,
    "last lines cut off": last_lines_cut_off,
    "taken out": _edit_log(taken_out, hashes_after=0),
    "put in": _edit_log(put_in, hashes_after=0),
    "swapped": _edit_log(swapped, hashes_after=0),
    "changed": _edit_log(changed_reply, hashes_after=0),
    "changed, all hashes made to fit": _edit_log(changed_reply, hashes_after=None),
    "taken out, all hashes made to fit": _edit_log(taken_out, hashes_after=None),
    "swapped, all hashes made to fit": _edit_log(swapped, hashes_after=None),
}
"""A head alone tells of the last three, of lines cut off, and of the last line changed."""


class Instant:
    """An assistant that replies at once, so that what is timed is the log."""

    def reply(
        self,
        question: str,
        history: Sequence[Message] = (),
        *,
        plain: bool = False,
        images: Sequence[str] = (),
    ) -> Reply:
        """The same every time, about as long as a real one."""
        quote = "Adultos: 500 mg cada 8 horas, sin pasar de 3 g al día. " * 4
        cited = Citation(source="demo", id="m1", version="1", section="dose", quote=quote)
        checks = tuple(Check(name=f"check {number}", passed=True) for number in range(6))
        return Reply(text=quote, citations=(cited,), checks=checks, language="es")

    def section(self, source: str, document_id: str, section_id: str, language: Language) -> None:
        """Holds none."""


def _logging(run: Run) -> None:
    recorded = Recorded(Instant(), open_log(run))
    took_ms = []
    for number in range(REPLIES):
        start = time.perf_counter()
        recorded.reply(f"¿Cuál es la dosis número {number}?")
        took_ms.append(1000 * (time.perf_counter() - start))
    [file] = months(run.path / "serve")
    report("log of a reply, median ms", statistics.median(took_ms), None)
    report("log of a reply, p95 ms", statistics.quantiles(took_ms, n=20)[-1], None)
    report("log of a reply, bytes", file.stat().st_size / REPLIES, None)
    assert not verify_report(file).faults
