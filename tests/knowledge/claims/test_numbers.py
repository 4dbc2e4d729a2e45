"""numbers_in: one spelling per number, and never a number that the text does not state."""

import doctest
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.knowledge.claims import numbers
from cauce.knowledge.claims.numbers import number_words_in, numbers_in, unsupported_numbers


def test_doc_examples():
    failed, tried = doctest.testmod(numbers)
    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sin cifras", ()),
        ("2,5 2.5 2'5 2’5 .5 2.50 5.0 0,125", "2.5 2.5 2.5 2.5 0.5 2.5 5 0.125"),
        ("5 mg.", "5"),
        ("3, 4 y 5.", "3 4 5"),
        ("4-6 20–25 °C 10—12 1 a 3", "4 6 20 25 10 12 1 3"),
        ("2,5-5 mg; 0.5–1.5", "2.5 5 0.5 1.5"),
        ("5 %, 10% y 15 por ciento", "5 10 15"),
        ("<30 mL/min ≥65 >1,5", "30 65 1.5"),
        ("-20 °C a −15 (-5) <-3", "-20 -15 -5 -3"),
        ("COVID-19, omega-3", "19 3"),
        ("½ 1/2 ¼ ¾ 1½ 2 ½ 2 1/2 1⁄2", "0.5 0.5 0.25 0.75 1.5 2.5 2.5 0.5"),
        ("⅓ y 1 2/3", "1/3 5/3"),
        ("160/4.5 875/125 120/80 1/24", "160 4.5 875 125 120 80 1 24"),
        ("vitamina B12, CYP3A4, T4, 1.73 m2, 5 m²", "1.73 5"),
        ("5mg/10ml cada 8h, 2nd", "5 10 8 2"),
        ("10⁹/l, 10^9, 10⁻³", "10^9 10^9 10^-3"),
        ("12.05.2024 2024-05-12 08:30 9:15", "12 05 2024 2024 05 12 08 30 9 15"),
        ("sección 4.2.1; 2,4,6", "4 2 1 2 4 6"),
        ("٥ mg ５ mg", "5 5"),
        ("1\u00ad0 mg", "10"),
    ],
)
def test_spellings(text, expected):
    assert numbers_in(text) == (tuple(expected.split()) if expected else ())


@pytest.mark.parametrize(
    ("text", "unknown", "english", "spanish"),
    [
        ("1.000", "1.000", "1", "1000"),
        ("1,000", "1,000", "1000", "1"),
        ("1,250", "1,250", "1250", "1.25"),
        ("1.250", "1.250", "1.25", "1250"),
        ("1'000", "1'000", "1'000", "1'000"),
        ("0,125", "0.125", "0.125", "0.125"),
        ("1.000,5", "1000.5", "1000.5", "1000.5"),
        ("1,000.25", "1000.25", "1000.25", "1000.25"),
        ("1,000,000", "1000000", "1000000", "1000000"),
        ("1.000.000", "1000000", "1000000", "1000000"),
        ("1234.567", "1234.567", "1234.567", "1234.567"),
        ("10\u00a0000", "10000", "10000", "10000"),
        ("1\u202f000\u202f000", "1000000", "1000000", "1000000"),
        ("2 500", "2 500", "2 500", "2 500"),
    ],
)
def test_thousands_are_read_only_where_they_are_certain(text, unknown, english, spanish):
    read = [numbers_in(text), numbers_in(text, "en"), numbers_in(text, "es")]
    assert read == [tuple(expected.split()) for expected in (unknown, english, spanish)]


def test_a_thousandfold_error_is_never_excused_without_the_language():
    assert unsupported_numbers("1000 mg", ["1.000 mg"]) == ("1000",)
    assert unsupported_numbers("1 mg", ["1.000 mg"]) == ("1",)
    assert unsupported_numbers("1.000 mg", ["1.000 mg"]) == ()
    assert unsupported_numbers("1000 mg", ["1.000 mg"], "es") == ()


@given(st.decimals(0, 999, places=2, allow_nan=False, allow_infinity=False))
def test_comma_and_point_give_the_same_number(value):
    text = str(value)
    assert numbers_in(text) == numbers_in(text.replace(".", ","))
    assert float(numbers_in(text)[0]) == float(text)


@given(st.integers(0, 10**9), st.sampled_from(["mg", " mg", "%", ").", ", ", ""]))
def test_whole_numbers_survive(value, after):
    assert numbers_in(f"toma {value}{after}") == (str(value),)


@given(st.text(alphabet=string.digits + " .,'-–/%½abñ\u00a0", max_size=30))
def test_every_digit_run_is_read_without_error_and_from_the_text(text):
    found = numbers_in(text)
    assert bool(found) <= any(character.isnumeric() for character in text)
    assert unsupported_numbers(text, [text]) == ()


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Take two tablets twice a day.", "en", ("2", "2")),
        ("Once a day, for ten days", "en", ("10",)),
        ("Once comprimidos; ten cuidado", "es", ("11",)),
        ("Once a day; ten cuidado; TRES", None, ("3",)),
        ("Uno o dos, one or two", None, ("2", "2")),
        ("veinte dieciséis cien", "es", ("20", "16", "100")),
    ],
)
def test_number_words(text, language, expected):
    assert number_words_in(text, language) == expected


def test_words_and_digits_support_each_other():
    assert unsupported_numbers("Tome 2 al día", ["dos veces al día"], "es") == ()
    assert unsupported_numbers("Tome tres al día", ["dos veces; 3 días"], "es") == ()
    assert unsupported_numbers("Tome cuatro, y 4 más", ["dos"], "es") == ("4",)


def test_part_of_a_number_supports_nothing():
    assert unsupported_numbers("5 mg y 2 mg", ["2,5 mg"], "es") == ("5", "2")
    assert unsupported_numbers("12 µg", ["B12"]) == ("12",)
