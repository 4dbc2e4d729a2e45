"""Passwords: against RFC 7914's own vector, and by what must not be told."""

from __future__ import annotations

import doctest
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.errors import UserError
from cauce.serving.access import passwords
from cauce.serving.access.passwords import LONGEST, SHORTEST, hash_password, is_password


def test_scrypt_is_that_of_rfc_7914() -> None:
    key = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
    assert passwords._scrypt("password", b"NaCl", 10, 8, 16).hex() == key


@settings(max_examples=30)
@given(st.text(min_size=SHORTEST, max_size=40), st.text(max_size=40))
def test_the_password_alone_opens(password: str, other: str) -> None:
    stored = hash_password(password)
    assert is_password(password, stored)
    is_same = unicodedata.normalize("NFKC", password) == unicodedata.normalize("NFKC", other)
    assert is_password(other, stored) == is_same
    assert not is_password(password, None)


def test_the_same_password_is_kept_differently_each_time() -> None:
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first != second
    assert "correct" not in first


def test_the_cost_is_kept_with_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = hash_password("correct horse")
    monkeypatch.setattr(passwords, "LOG2_N", 5)
    assert is_password("correct horse", stored)


def test_an_unknown_name_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[tuple[object, ...]] = []
    stored = hash_password("correct horse")
    real = passwords._scrypt

    def counted(password: str, salt: bytes, *cost: int) -> bytes:
        costs.append((len(salt), *cost))
        return real(password, salt, *cost)

    monkeypatch.setattr(passwords, "_scrypt", counted)
    is_password("correct horse", stored)
    is_password("correct horse", None)
    assert costs[0] == costs[1]


@pytest.mark.parametrize("password", ["", "x" * (SHORTEST - 1), "x" * (LONGEST + 1)])
def test_a_password_that_will_not_do_is_refused(password: str) -> None:
    with pytest.raises(UserError, match=rf"has {len(password)} characters.\nChoose"):
        hash_password(password)


def test_examples() -> None:
    assert doctest.testmod(passwords).failed == 0
