"""A site does what was approved, and no more of it."""

from datetime import timedelta

import pytest

from cauce import audit
from cauce.errors import UserError
from cauce.federated.approval import AUDIT_LOG, approve, revoke
from cauce.federated.manifest import Budgets
from cauce.federated.messages import Head, Message, encode
from cauce.federating import ApprovedSite, bytes_sent
from cauce.signatures import content_hash
from federated.cast import DEADLINE, make_manifest

pytest.importorskip("cryptography", reason="the extra federated is not installed")


class Echo:
    """A site that replies with ten bytes."""

    name = "hospital-a"

    def __init__(self):
        self.asked = 0

    def answer(self, content):
        self.asked += 1
        return b"ten bytes."


def task(number=1):
    return encode(Message(Head(kind="train", job="leaflets", round=number), {}))


def approved(cast, folder, size):
    later = DEADLINE + timedelta(days=36500)
    budgets = Budgets(rounds=8, steps=6, bytes=size, deadline=later)
    manifest = make_manifest(cast, budgets=budgets)
    approve(manifest, folder, key=cast.private("hospital-a"), person="Ana")
    return manifest


def test_bytes_are_counted_over_starts_and_end_the_job(cast, tmp_path):
    size = len(task()) + 10
    manifest = approved(cast, tmp_path, 2 * size)
    ApprovedSite(Echo(), manifest, tmp_path).answer(task())
    again = ApprovedSite(Echo(), manifest, tmp_path)
    again.answer(task(2))
    assert bytes_sent(tmp_path / AUDIT_LOG, content_hash(manifest)) == 2 * size
    with pytest.raises(UserError, match=r"were approved\.\nThe reply was not sent"):
        again.answer(task(3))
    assert audit.verify(tmp_path / AUDIT_LOG).fault is None


def test_a_round_too_many_is_not_even_trained(cast, tmp_path):
    site = Echo()
    with pytest.raises(UserError, match="asks for round 9; 8 were approved"):
        ApprovedSite(site, approved(cast, tmp_path, 10**6), tmp_path).answer(task(9))
    assert site.asked == 0


def test_what_is_withdrawn_between_two_rounds_stops_there(cast, tmp_path):
    site = Echo()
    manifest = approved(cast, tmp_path, 10**6)
    guarded = ApprovedSite(site, manifest, tmp_path)
    guarded.answer(task(1))
    key = cast.private("hospital-a")
    revoke(manifest, tmp_path, key=key, person="Ana", reason="a doubt")
    with pytest.raises(UserError, match="Ana withdrew it"):
        guarded.answer(task(2))
    assert site.asked == 1
