"""The log: every change of what was signed is found, and what cannot be seen is known."""

from __future__ import annotations

import json
import random
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cauce import audit
from cauce.errors import DataRefused, NotFound
from cauce.signatures import canonical

ENTRIES = 8
EDITS = 1000

Lines = list[bytes]


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    for number in range(ENTRIES):
        audit.append(path, "round ended", {"round": number, "loss": 1 / (number + 1), "who": "ñ"})
    return path


def lines_of(path: Path) -> Lines:
    return path.read_bytes().splitlines(keepends=True)


def chained(lines: Lines) -> Lines:
    """The lines with numbers and hashes that fit, as a forger would write them."""
    made, before = [], audit.NO_LINE
    for number, line in enumerate(lines, 1):
        made.append(canonical({**json.loads(line), "number": number, "before": before}) + b"\n")
        before = audit._sha256(made[-1][:-1])
    return made


def changed_byte(chance: random.Random, lines: Lines) -> bytes:
    content = bytearray(b"".join(lines))
    place = chance.randrange(len(content))
    content[place] = (content[place] + chance.randrange(1, 256)) % 256
    return bytes(content)


def changed_value(chance: random.Random, lines: Lines) -> Lines:
    place = chance.randrange(len(lines))
    entry = json.loads(lines[place])
    key = chance.choice(("event", "time"))
    return [
        *lines[:place],
        canonical({**entry, key: entry[key] + "x"}) + b"\n",
        *lines[place + 1 :],
    ]


def taken(chance: random.Random, lines: Lines) -> Lines:
    place = chance.randrange(len(lines))
    return [*lines[:place], *lines[place + chance.randint(1, 3) :]]


def put_in(chance: random.Random, lines: Lines) -> Lines:
    place = chance.randrange(len(lines))
    return [*lines[:place], chance.choice([*lines, b"\n", b"{}\n"]), *lines[place:]]


def moved(chance: random.Random, lines: Lines) -> Lines:
    one, other = chance.sample(range(len(lines)), 2)
    swapped = list(lines)
    swapped[one], swapped[other] = lines[other], lines[one]
    return swapped


def cut(chance: random.Random, lines: Lines) -> bytes:
    content = b"".join(lines)
    return content[: chance.randrange(len(content))]


def written_anew(edit: Callable[[random.Random, Lines], Lines]) -> Callable[..., Lines]:
    """The same edit by someone who then makes the chain fit again."""
    return lambda chance, lines: chained([line for line in edit(chance, lines) if len(line) > 9])


KINDS = [changed_byte, changed_value, taken, put_in, moved, cut]
KINDS += [written_anew(edit) for edit in (changed_value, taken, put_in, moved)]


def test_every_one_of_1000_edits_is_found_by_the_signed_head(log, tmp_path):
    """What begins with the signed lines, whole and in order, is no edit: it was written on."""
    head, lines, signed = audit.head_of(log), lines_of(log), log.read_bytes()
    edited = tmp_path / "edited.jsonl"
    tried, found, seed = 0, 0, 0
    while tried < EDITS:
        result = KINDS[seed % len(KINDS)](random.Random(seed), lines)
        content = result if isinstance(result, bytes) else b"".join(result)
        seed += 1
        if content.startswith(signed):
            continue
        edited.write_bytes(content)
        tried += 1
        found += audit.verify(edited, head).fault is not None
    assert (tried, found) == (EDITS, EDITS)
    assert seed < 1.1 * EDITS


@pytest.mark.parametrize("place", range(ENTRIES))
def test_the_first_bad_line_is_named(log, tmp_path, place):
    """A line that was changed shows in itself or, at the latest, in the line behind it."""
    lines, edited = lines_of(log), tmp_path / "edited.jsonl"
    lines[place] = lines[place].replace(b"round ended", b"round EnDed")
    edited.write_bytes(b"".join(lines))
    fault = audit.verify(edited, audit.head_of(log)).fault
    assert fault is not None
    assert fault.line == min(place + 2, ENTRIES)
    lines[place] = b"nothing\n"
    edited.write_bytes(b"".join(lines))
    verdict = audit.verify(edited)
    assert verdict == (place, verdict.sha256, (place + 1, "this is no line of a log", "nothing"))


def test_what_a_chain_without_a_head_cannot_show(log, tmp_path):
    """The module says so, and this holds it to that: a forged end, and a log written anew."""
    lines, edited = lines_of(log), tmp_path / "edited.jsonl"
    for content in (lines[:-3], chained(moved(random.Random(0), lines))):
        edited.write_bytes(b"".join(content))
        assert audit.verify(edited).fault is None
        assert audit.verify(edited, audit.head_of(log)).fault is not None


def test_lines_behind_the_head_are_looked_through_too(log, tmp_path):
    head = audit.head_of(log)
    longer = tmp_path / "longer.jsonl"
    longer.write_bytes(log.read_bytes())
    audit.append(longer, "stopped")
    audit.append(longer, "started")
    assert audit.verify(longer, head) == (ENTRIES + 2, audit.head_of(longer).sha256, None)
    longer.write_bytes(b"".join([*lines_of(log), lines_of(longer)[-1]]))
    fault = audit.verify(longer, head).fault
    assert fault is not None
    assert fault.line == ENTRIES + 1
    assert fault.reason.startswith(f"line {ENTRIES + 1} says that it is number {ENTRIES + 2}")


def test_missing_lines_are_counted(log, tmp_path):
    short = tmp_path / "short.jsonl"
    short.write_bytes(b"".join(lines_of(log)[:5]))
    fault = audit.verify(short, audit.head_of(log)).fault
    assert fault == (6, f"the log ends after line 5, and {ENTRIES} lines were signed", "")
    short.write_bytes(b"")
    assert audit.verify(short).entries == 0
    assert audit.verify(short, audit.head_of(log)).fault is not None


def test_writers_wait_for_each_other(tmp_path):
    path = tmp_path / "audit.jsonl"
    writers = [
        threading.Thread(target=lambda: [audit.append(path, "x") for _ in range(10)])
        for _ in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert audit.verify(path)[::2] == (40, None)


def test_a_line_that_a_power_cut_left_half_written_is_replaced_and_told(tmp_path):
    path = tmp_path / "audit.jsonl"
    audit.append(path, "started", {"long": "x" * 200_000})
    head = audit.head_of(path)
    torn = b'{"before":"1f'
    with path.open("ab") as stream:
        stream.write(torn)
    fault = audit.verify(path).fault
    assert fault is not None
    assert fault.reason == "the line is not complete"
    audit.append(path, "started again")
    assert audit.verify(path, head)[::2] == (3, None)
    lost = json.loads(lines_of(path)[1])
    assert (lost["event"], lost["details"]["bytes"]) == (audit.TORN, len(torn))


def test_a_log_that_begins_with_half_a_line_goes_on(tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"bef')
    assert audit.append(path, "started").number == 2
    assert audit.verify(path)[::2] == (2, None)


def test_only_its_owner_reads_a_log(tmp_path):
    path = tmp_path / "folder" / "audit.jsonl"
    audit.append(path, "started")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("written", [b"notes of a meeting\n", b"\n", b"{}\n\n"])
def test_nothing_is_written_behind_what_is_no_log(tmp_path, written):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(written)
    with pytest.raises(DataRefused, match=r"no line of a log.*\n.*move it away"):
        audit.append(path, "started")
    assert path.read_bytes() == written


def test_a_blank_line_does_not_begin_the_chain_anew(log, tmp_path):
    longer = tmp_path / "longer.jsonl"
    longer.write_bytes(log.read_bytes() + b"\n")
    with pytest.raises(DataRefused, match="no line of a log"):
        audit.append(longer, "started")
    assert longer.read_bytes() == log.read_bytes() + b"\n"


def test_a_broken_log_gets_no_head(log, tmp_path):
    edited = tmp_path / "edited.jsonl"
    edited.write_bytes(b"".join(lines_of(log)[1:]))
    with pytest.raises(DataRefused, match=r"cannot be vouched for, line 1: .*\nFind out"):
        audit.head_of(edited)
    edited.write_bytes(b"")
    with pytest.raises(DataRefused, match="cannot be vouched for, empty"):
        audit.head_of(edited)


def test_a_log_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"no log .*none.jsonl"):
        audit.verify(tmp_path / "none.jsonl")
