"""`cauce verify` and `cauce remedy`: what goes together, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.trust.evidence import small_run

from cauce import audit
from cauce.commands.trust import remedy, verify
from cauce.errors import DataRefused, UserError
from cauce.report.trust.writing import write_trust


@pytest.fixture
def keys(tmp_path) -> Path:
    pytest.importorskip("cryptography")
    from cauce.federated.keys import new_keys

    new_keys("quality", tmp_path / "keys")
    return tmp_path / "keys"


def test_a_log_is_held_against_its_own_head_and_not_against_that_of_a_report(keys, tmp_path):
    from cauce.signatures import sign, write_signed

    run = small_run(tmp_path / "run")
    log, private = run.path / "serve" / "audit-2026-10.jsonl", keys / "quality.signing.pem"
    for number in range(3):
        audit.append(log, "replied", {"question": f"{number}"})
    public, own = keys / "quality.signing.pub", tmp_path / "head.json"
    write_signed(own, sign(audit.head_of(log), private))
    written = write_trust(run, key=private)
    assert written.signed_head is not None
    with pytest.raises(UserError, match=r"head of a report, and .* is a log.*\n.*audit head"):
        verify(log, head=written.signed_head, key=public)
    verify(log, head=own, key=public)
    verify(written.data, head=written.signed_head, key=public)
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    verify(log)
    for path, head in ((log, own), (written.data, written.signed_head)):
        with pytest.raises(DataRefused, match="the log ends after line 2, and 3 lines were signed"):
            verify(path, head=head, key=public)


def test_what_a_log_alone_cannot_show_is_told(tmp_path, capsys):
    log = tmp_path / "audit-2026-10.jsonl"
    audit.append(log, "replied", {})
    verify(log)
    assert "lines cut off its end" in capsys.readouterr().err


def test_mixing_needs_the_run_that_learned_safety_examples(tmp_path):
    run = small_run(tmp_path / "run")
    with pytest.raises(UserError, match=r"learned safety examples.*\n.*safety_share=0.05.*--with"):
        remedy(str(run.path), "mix")
    with pytest.raises(UserError, match="learned no safety examples"):
        remedy(str(run.path), "mix", with_examples=str(run.path))


def test_the_page_of_a_report_is_no_report(tmp_path):
    with pytest.raises(UserError, match=r"a page for people.*\n.*trust\.json"):
        verify(tmp_path / "trust.html")
