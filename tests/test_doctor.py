from __future__ import annotations

import json

import pytest

from cauce import doctor
from cauce.doctor import _kernels, all_reduce_of_two, examine, format_findings
from cauce.errors import UserError


@pytest.fixture(scope="module")
def findings():
    return examine()


def test_two_processes_of_this_machine_add_up(findings):
    assert findings["all_reduce"] == {"ok": True, "sums": ["3.0", "3.0"], "errors": ""}


def test_what_decides_a_result_is_named(findings):
    assert {"cauce", "python", "torch", "transformers"} <= set(findings["versions"])
    assert findings["threads"]["torch"] >= 1
    assert findings["memory_mb"] > 100
    assert set(findings["extras"]) == {"serve", "hub", "federated", "scholar", "twin", "quantize"}
    json.dumps(findings)


def test_every_finding_has_its_line(findings):
    lines = format_findings(findings).splitlines()
    assert [line.split()[0] for line in lines] == [
        "versions",
        "threads",
        "memory",
        "accelerator",
        "kernels",
        "extras",
        "all_reduce",
    ]
    assert lines[-1].endswith("two processes agree")


def test_without_a_compiler_it_says_what_computes_liquid_layers(monkeypatch):
    def missing():
        raise UserError("no compiler here.\nInstall one.")

    monkeypatch.setattr("cauce.models.liquid.kernels.native.library", missing)
    assert _kernels() == "torch alone, more slowly: no compiler here. Install one."


def test_workers_that_fail_are_reported_with_their_error(monkeypatch, findings):
    monkeypatch.setattr(doctor, "_WORKER", "raise SystemExit('no such back end')")
    failed = all_reduce_of_two()
    assert not failed["ok"]
    assert "no such back end" in failed["errors"]
    assert "FAILED: no such back end" in format_findings({**findings, "all_reduce": failed})


def test_workers_that_never_answer_are_ended(monkeypatch):
    monkeypatch.setattr(doctor, "_WORKER", "import time; time.sleep(60)")
    monkeypatch.setattr(doctor, "ALL_REDUCE_TIMEOUT_S", 0.3)
    assert all_reduce_of_two()["errors"] == "no answer within 0.3 s\nno answer within 0.3 s"
