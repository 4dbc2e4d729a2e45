"""The log of the served assistant: every reply is in it, and no word of it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import httpx
import pytest

from cauce import audit
from cauce.errors import DataRefused
from cauce.report.trust.served import FOLLOWS, REPLIED, months
from cauce.report.trust.verifying import verify_report
from cauce.runs import Run
from cauce.serving.audit_log import FAILED, STARTED, AuditLog, Recorded, open_log
from serving.live import QUOTE, KnownAnswers, running

QUESTION = "dose of paracetamol for Ana, 12345678Z?"


def entries(folder: Path) -> list[audit.Entry]:
    lines = [line for path in months(folder) for line in path.read_bytes().splitlines()]
    return [audit.Entry.model_validate_json(line) for line in lines]


def test_a_reply_leaves_its_sources_and_checks_and_no_word(tmp_path):
    log = AuditLog(tmp_path, {"run": "demo"})
    reply = Recorded(KnownAnswers(), log).reply(QUESTION)
    started, replied = entries(tmp_path)
    assert (started.event, started.details["run"]) == (STARTED, "demo")
    assert replied.event == REPLIED
    details = replied.details
    assert details["citations"] == [["demo", "paracetamol", "1", "dose", 0, len(QUOTE)]]
    assert details["checks"] == {"numbers": True}
    assert details["generated"] is True
    assert details["question"] == log.mark(QUESTION) == AuditLog(tmp_path, {}).mark(QUESTION)
    assert details["answer"] == log.mark(reply.text)
    written = b"".join(path.read_bytes() for path in months(tmp_path))
    for word in (b"Ana", b"12345678Z", b"Adults take", b"of paracetamol"):
        assert word not in written


def test_the_reason_is_logged_without_the_words_behind_the_colon(tmp_path):
    log = AuditLog(tmp_path, {})
    Recorded(KnownAnswers(), log).reply("losec?")
    assert entries(tmp_path)[-1].details["reason"] == "two medicines have similar names"
    assert entries(tmp_path)[-1].details["abstained"] is True


def test_nobody_else_reads_log_and_key(tmp_path):
    folder = tmp_path / "serve"
    AuditLog(folder, {})
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(files.values()) == {0o600}
    assert "audit.key" in files
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_fault_of_the_assistant_is_logged_and_raised(tmp_path):
    recorded = Recorded(KnownAnswers(), AuditLog(tmp_path, {}))
    with pytest.raises(RuntimeError, match="the model broke"):
        recorded.reply("break")
    assert entries(tmp_path)[-1].event == FAILED
    assert entries(tmp_path)[-1].details["error"] == "RuntimeError"


def test_a_full_disk_keeps_no_answer_back_and_is_told(tmp_path, monkeypatch, capsys):
    recorded = Recorded(KnownAnswers(), AuditLog(tmp_path, {}))
    with monkeypatch.context() as patched:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr(audit, "append", full)
        assert recorded.reply(QUESTION).text.startswith(QUOTE)
        assert recorded.reply(QUESTION).text.startswith(QUOTE)
    assert "could not be logged (2 by now)" in capsys.readouterr().err
    recorded.reply(QUESTION)
    recorded.reply(QUESTION)
    lost = [entry.details.get("lost_before") for entry in entries(tmp_path)]
    assert lost == [None, 2, None]


def test_a_month_begins_with_the_head_of_the_month_before(tmp_path):
    old = tmp_path / "audit-2020-01.jsonl"
    audit.append(old, REPLIED, {"question": "1f"})
    head = audit.head_of(old)
    AuditLog(tmp_path, {})
    before, new = months(tmp_path)
    first = audit.Entry.model_validate_json(new.read_bytes().splitlines()[0])
    assert (first.event, first.details["file"]) == (FOLLOWS, before.name)
    assert first.details["sha256"] == head.sha256
    assert verify_report(new).faults == ()
    audit.append(old, REPLIED, {"question": "2e"})
    old.write_bytes(old.read_bytes().splitlines(keepends=True)[1])
    assert "audit-2020-01.jsonl, line 1" in verify_report(new).faults[0]
    old.unlink()
    assert verify_report(new).unseen[0] == "audit-2020-01.jsonl, which is not here"


def test_a_log_that_was_changed_is_found_by_line(tmp_path):
    recorded = Recorded(KnownAnswers(), AuditLog(tmp_path, {}))
    recorded.reply(QUESTION)
    recorded.reply(QUESTION)
    [file] = months(tmp_path)
    file.write_bytes(file.read_bytes().replace(b'"abstained":false', b'"abstained":true', 1))
    [fault] = verify_report(file).faults
    assert fault.startswith("line 3: it does not follow line 2")


def test_nothing_is_served_on_top_of_a_damaged_log(tmp_path):
    AuditLog(tmp_path, {})
    [file] = months(tmp_path)
    file.write_text("notes\n", "utf-8")
    with pytest.raises(DataRefused, match="no line of a log"):
        AuditLog(tmp_path, {})


def test_a_served_reply_is_on_the_disk_before_it_arrives(tmp_path):
    run = Run(tmp_path / "demo")
    run.update_manifest(versions={"torch": "2"}, stages={"train": {"fingerprint": "ab"}})
    with running(Recorded(KnownAnswers(), open_log(run))) as url:
        asked = {"model": "demo", "messages": [{"role": "user", "content": QUESTION}]}
        httpx.post(f"{url}/v1/chat/completions", json=asked, timeout=20)
        started, replied = entries(run.path / "serve")
    assert started.details["stages"] == {"train": "ab"}
    assert replied.details["characters"] == len(QUESTION)
    assert json.dumps(replied.details)
