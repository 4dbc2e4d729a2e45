"""Check letters and digits, against their definitions."""

from __future__ import annotations

import random

import pytest

from cauce.safety.personal.checks import is_dni, is_iban, is_nuss

LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
DRAW = random.Random(0)


def test_one_letter_in_twenty_three_is_right():
    for _ in range(20):
        number = DRAW.randrange(10**8)
        right = [letter for letter in LETTERS if is_dni(f"{number:08}{letter}")]
        assert right == [LETTERS[number % 23]]


@pytest.mark.parametrize("text", ["12345678Z", "12.345.678-z", "12345678 Z", "X1234567L"])
def test_a_dni_is_read_as_people_write_it(text):
    assert is_dni(text)


@pytest.mark.parametrize("text", ["1234567Z", "123456789Z", "W1234567L", "Z12345678", ""])
def test_what_has_another_form_is_no_dni(text):
    assert not is_dni(text)


def test_two_digits_in_ninety_seven_are_right():
    for province, number in ((28, 12345678), (8, 71), (66, 10**7)):
        right = [check for check in range(97) if is_nuss(f"{province:02}/{number:08}/{check:02}")]
        shorter = number < 10**7
        assert right == [int(f"{province}{number:07}" if shorter else f"{province}{number}") % 97]
    assert not is_nuss("54 12345678 00")


def test_an_account_is_wrong_with_any_other_check():
    rest = "21000418450200051332"
    assert [n for n in range(2, 99) if is_iban(f"ES{n:02}{rest}")] == [91]
    assert is_iban("GB29 NWBK 6016 1331 9268 19")
    assert not is_iban("ES91")
