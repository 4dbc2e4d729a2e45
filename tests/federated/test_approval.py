"""Approvals: nothing runs without one, and it allows one manifest, at one site, for some time."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from cauce import audit
from cauce.errors import DataRefused, UserError
from cauce.federated import approval
from cauce.federated.approval import approve, require_approval, revoke
from cauce.federated.manifest import Budgets
from cauce.signatures import content_hash
from federated.cast import DEADLINE, NOW, make_manifest

SITE = "hospital-a"


@pytest.fixture
def allow(cast, tmp_path):
    """Approves at the first hospital, in an empty folder."""

    def allow(manifest, *, site=SITE, now=NOW, **options):
        key = cast.private(site)
        return approve(manifest, tmp_path, key=key, person="Ana Ruiz", now=now, **options)

    return allow


def refused(manifest, folder, *, site=SITE, now=NOW) -> str:
    with pytest.raises(UserError) as found:
        require_approval(manifest, folder, site=site, now=now)
    assert len(str(found.value).splitlines()) == 2
    return str(found.value)


def test_nothing_runs_that_nobody_approved(cast, tmp_path):
    said = refused(make_manifest(cast), tmp_path)
    assert said.startswith("the job leaflets may not run at hospital-a: nobody has approved it")
    assert said.splitlines()[1].endswith("cauce federated approve MANIFEST --key KEY")


def test_what_was_approved_runs(cast, tmp_path, allow):
    manifest = make_manifest(cast)
    allow(manifest)
    decision = require_approval(manifest, tmp_path, site=SITE, now=NOW)
    assert (decision.person, decision.site) == ("Ana Ruiz", SITE)
    assert decision.manifest == content_hash(manifest)


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "Answers on medicines in both hospitals' own words!"},
        {"budgets": Budgets(rounds=9, steps=6, bytes=5_000_000, deadline=DEADLINE)},
        {"data": {"sources": ["files", "fhir"], "sections": ["dose"], "languages": ["es"]}},
    ],
)
def test_an_approval_is_for_one_manifest(cast, tmp_path, allow, changes):
    allow(make_manifest(cast))
    changed = make_manifest(cast, **changes)
    assert "nobody has approved it" in refused(changed, tmp_path)
    shutil.copy(
        approval.decision_file(make_manifest(cast), tmp_path),
        approval.decision_file(changed, tmp_path),
    )
    with pytest.raises(DataRefused, match="on another manifest than leaflets"):
        require_approval(changed, tmp_path, site=SITE, now=NOW)


def test_an_approval_is_for_one_site(cast, tmp_path, allow):
    allow(make_manifest(cast), site="hospital-b")
    with pytest.raises(DataRefused, match="was not signed by the key"):
        require_approval(make_manifest(cast), tmp_path, site=SITE, now=NOW)


def test_an_approval_that_was_changed_is_refused(cast, tmp_path, allow):
    manifest = make_manifest(cast)
    allow(manifest, days=3)
    path = approval.decision_file(manifest, tmp_path)
    text = path.read_text()
    assert "2026-05-07" in text
    path.write_text(text.replace("2026-05-07", "2026-05-17"))
    with pytest.raises(DataRefused, match="or was changed since"):
        require_approval(manifest, tmp_path, site=SITE, now=NOW)


def test_an_approval_ends(cast, tmp_path, allow):
    manifest = make_manifest(cast)
    allow(manifest, days=3)
    moment = timedelta(seconds=1)
    end = NOW + timedelta(days=3)
    assert require_approval(manifest, tmp_path, site=SITE, now=end - moment)
    assert "from 2026-05-04 08:00 UTC to 2026-05-07 08:00 UTC" in refused(
        manifest, tmp_path, now=end
    )
    assert "the approval holds from" in refused(manifest, tmp_path, now=NOW - moment)


def test_no_approval_outlasts_the_deadline(cast, tmp_path, allow):
    manifest = make_manifest(cast)
    assert allow(manifest, days=300).content.expires == DEADLINE
    assert "was to end by 2026-05-20 08:00 UTC" in refused(manifest, tmp_path, now=DEADLINE)
    with pytest.raises(UserError, match=r"was to end by .*\n.*a new manifest"):
        allow(manifest, now=DEADLINE)


def test_an_approval_is_withdrawn_and_given_again(cast, tmp_path, allow):
    manifest = make_manifest(cast)
    allow(manifest)
    key = cast.private(SITE)
    revoke(manifest, tmp_path, key=key, person="Luis Gil", reason="wrong ward", now=NOW)
    assert "Luis Gil withdrew it on 2026-05-04 08:00 UTC: wrong ward" in refused(manifest, tmp_path)
    allow(manifest)
    assert require_approval(manifest, tmp_path, site=SITE, now=NOW)


def test_every_decision_is_in_the_log(cast, tmp_path, allow):
    manifest, key = make_manifest(cast), cast.private(SITE)
    allow(manifest)
    revoke(manifest, tmp_path, key=key, person="Luis Gil", reason="wrong ward", now=NOW)
    log = tmp_path / approval.AUDIT_LOG
    entries = [audit.Entry.model_validate_json(line) for line in log.read_text().splitlines()]
    assert [entry.event for entry in entries] == ["job approved", "approval withdrawn"]
    assert entries[1].details["reason"] == "wrong ward"
    assert {entry.details["manifest"] for entry in entries} == {content_hash(manifest)}
    assert audit.verify(log).fault is None


@pytest.mark.parametrize("name", ["coordinator", "hospital-b"])
def test_a_key_of_no_site_decides_nothing(cast, tmp_path, name):
    manifest = make_manifest(cast)
    alone = manifest.model_copy(update={"sites": manifest.sites[:1]})
    for decide in (
        lambda: approve(alone, tmp_path, key=cast.private(name), person="x", now=NOW),
        lambda: revoke(alone, tmp_path, key=cast.private(name), person="x", reason="", now=NOW),
    ):
        with pytest.raises(UserError, match=r"is the key of no site of leaflets.*\nUse your site"):
            decide()
    assert list(tmp_path.iterdir()) == []


def test_plain_words_name_who_what_and_how_much(cast):
    manifest = make_manifest(cast)
    told = approval.in_plain_words(manifest)
    for words in (
        *(one.name for one in (manifest.coordinator, *manifest.sites)),
        manifest.purpose, "documents from files", "in es; sections: dose",
        "8 rounds of 6 steps", "5.0 MB", "until 2026-05-20 08:00 UTC", "cauce 0.1.0",
        "Differential privacy is OFF", content_hash(manifest)[:16],
    ):  # fmt: skip
        assert words in told
    assert max(map(len, told.splitlines())) < 120
    private = make_manifest(cast, budgets={**manifest.budgets.model_dump(), "epsilon": 3.0})
    assert "stops at epsilon 3." in approval.in_plain_words(private)
