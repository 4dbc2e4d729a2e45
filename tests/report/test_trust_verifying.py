"""Every change of a report of trust is found, and what cannot be seen is said."""

from __future__ import annotations

import random

import pytest
from benchmarks.trust.evidence import KINDS, LOG_KINDS, edited, small_run

from cauce import audit
from cauce.errors import NotFound
from cauce.report.trust import verifying
from cauce.report.trust.dossier import Dossier, read_dossier
from cauce.report.trust.verifying import verify_report
from cauce.report.trust.writing import PAGES, write_trust
from cauce.runs import Run

UNSIGNED = "without a signed head, what was written anew from some entry to the end"


@pytest.fixture
def run(tmp_path) -> Run:
    run = small_run(tmp_path / "run")
    audit.append(run.path / "serve" / "audit-2026-10.jsonl", "replied", {"question": "1f"})
    return run


def dossier_of(run: Run) -> Dossier:
    return read_dossier((run.path / "report" / "trust.json").read_bytes(), "trust.json")


def test_a_report_that_nobody_changed_is_sound(run):
    written = write_trust(run, language="es")
    for path in (written.data, written.data.parent):
        head = dossier_of(run).head
        assert verify_report(path) == (head.entries, head.sha256, (), (UNSIGNED,))
        assert verify_report(path, head).unseen == ()


@pytest.mark.parametrize("kind", KINDS)
def test_edits_are_found(run, kind):
    file = write_trust(run).data
    original = file.read_bytes()
    chance = random.Random(kind)
    for _ in range(6):
        file.write_bytes(edited(KINDS[kind], chance, original))
        assert verify_report(file).faults


@pytest.mark.parametrize("kind", LOG_KINDS)
def test_edits_of_a_log_are_found_by_the_report_that_names_its_head(run, kind):
    log = run.path / "serve" / "audit-2026-10.jsonl"
    for number in range(5):
        audit.append(log, "replied", {"question": f"{number}"})
    file, original = write_trust(run).data, log.read_bytes()
    chance = random.Random(kind)
    for _ in range(6):
        log.write_bytes(edited(LOG_KINDS[kind], chance, original))
        assert verify_report(file).faults


def test_what_a_log_alone_cannot_show_is_said(run):
    log = run.path / "serve" / "audit-2026-10.jsonl"
    audit.append(log, "replied", {"question": "2e"})
    head, lines = audit.head_of(log), log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0])
    alone = verify_report(log)
    assert alone.faults == ()
    assert alone.unseen == (f"{UNSIGNED}, lines cut off its end, and a change of its last line",)
    assert verify_report(log, head).faults


@pytest.mark.parametrize(
    ("old", "new"),
    [('"time": "2', '"time": "3'), ("  ", " "), ('"entries": [', '"entries": [ ')],
)
def test_edits_of_the_head_and_of_the_spaces_are_found(run, old, new):
    file = write_trust(run).data
    text = file.read_text("utf-8")
    place = text.rindex(old)
    file.write_text(text[:place] + new + text[place + len(old) :], "utf-8")
    assert verify_report(file).faults


def test_pages_that_say_something_else_are_found(run):
    written = write_trust(run)
    for path in (written.page, written.card):
        kept = path.read_text("utf-8")
        path.write_text(kept.replace("40.0", "99.0"), "utf-8")
        [fault] = verify_report(written.data).faults
        assert fault == f"{path.name} does not say what trust.json says: it was changed"
        path.write_text("another", "utf-8")
        [fault] = verify_report(written.data).faults
        assert fault.startswith(f"{path.name} shows another head")
        path.write_text(kept, "utf-8")


def test_pages_of_other_versions_are_held_against_the_head_alone(run, monkeypatch):
    written = write_trust(run)
    monkeypatch.setattr(verifying, "written_by", lambda: {"cauce": "99"})
    verdict = verify_report(written.data)
    assert verdict.faults == ()
    assert [text.partition(" ")[0] for text in verdict.unseen[:2]] == list(PAGES)


def test_files_that_changed_since_they_were_read_are_found(run):
    written = write_trust(run)
    scores = run.path / "evaluate" / "scores.json"
    scores.write_text(scores.read_text("utf-8").replace("0.4", "0.5"), "utf-8")
    [fault] = verify_report(written.data).faults
    assert fault.startswith("evaluate/scores.json is not the file that was read")


def test_a_report_without_its_run_says_what_it_could_not_look_at(run, tmp_path):
    written = write_trust(run)
    alone = tmp_path / "sent" / "by" / "trust.json"
    alone.parent.mkdir(parents=True)
    alone.write_bytes(written.data.read_bytes())
    verdict = verify_report(alone)
    assert verdict.faults == ()
    assert "trust.html, which is not here" in verdict.unseen
    assert any("evaluate/scores.json" in text for text in verdict.unseen)


def test_the_log_may_grow_and_may_not_change(run):
    written = write_trust(run)
    log = run.path / "serve" / "audit-2026-10.jsonl"
    audit.append(log, "replied", {"question": "2e"})
    assert verify_report(written.data).faults == ()
    log.write_bytes(log.read_bytes().replace(b'"1f"', b'"ff"'))
    [fault] = verify_report(written.data).faults
    assert fault.startswith("audit-2026-10.jsonl, line 1: lines 1 to 1 are not those")


def test_all_written_anew_is_found_by_a_signed_head_alone(run, tmp_path):
    """The page says so, and this holds it to that."""
    pytest.importorskip("cryptography")
    from cauce.federated.keys import new_keys
    from cauce.signatures import Signed, check_signature, public_line, read_signed

    new_keys("quality", tmp_path / "keys")
    key = tmp_path / "keys" / "quality.signing.pem"
    written = write_trust(run, key=key)
    assert written.signed_head is not None
    signed = read_signed(written.signed_head, Signed[audit.LogHead])
    head = check_signature(signed, public_line(key), "the head")
    assert verify_report(written.data, head).faults == ()
    scores = run.path / "evaluate" / "scores.json"
    scores.write_text(scores.read_text("utf-8").replace("0.4", "0.9"), "utf-8")
    forged = write_trust(run)
    assert forged.signed_head is None
    assert verify_report(forged.data).faults == ()
    [fault] = verify_report(forged.data, head).faults
    assert fault.endswith(f"{head.sha256} was signed")


def test_what_is_no_report_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"no report .*\n.*--trust"):
        verify_report(tmp_path)
    file = tmp_path / "trust.json"
    file.write_text('{"entries": [], "head": {}}', "utf-8")
    assert "is no report of trust" in verify_report(file).faults[0]
