from __future__ import annotations

import sys

import pytest

from cauce.errors import MissingExtra
from cauce.federated.privacy.accounting import Accountant, Updates
from cauce.federated.privacy.keystream import keystream
from cauce.federated.privacy.masking import advertise


def test_what_needs_the_extra_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dp_accounting", "cryptography.hazmat.primitives.hashes"):
        monkeypatch.setitem(sys.modules, name, None)
    x25519 = "cryptography.hazmat.primitives.asymmetric.x25519"
    monkeypatch.setitem(sys.modules, x25519, None)
    account = Accountant(history=(Updates(noise=1.2345, rate=0.5),))
    for call in (
        lambda: account.spent(1e-5),
        lambda: keystream(bytes(32), "a", 1),
        lambda: advertise("job", "site"),
    ):
        with pytest.raises(MissingExtra, match=r"pip install 'cauce\[federated\]'"):
            call()
