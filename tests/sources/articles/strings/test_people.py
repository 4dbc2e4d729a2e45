"""Lists of authors as styles print them."""

from __future__ import annotations

import doctest

import pytest

from cauce.sources.articles.strings import people, people_of


@pytest.mark.parametrize(
    ("printed", "names"),
    [
        ("Smith, J. and Wu, K. L.", ("Smith, J.", "Wu, K. L.")),
        ("J. Smith, K. L. Wu", ("Smith, J.", "Wu, K. L.")),
        ("Smith J, Wu KL", ("Smith, J", "Wu, KL")),
        ("Smith, J.; Wu, K.L.", ("Smith, J.", "Wu, K.L.")),
        ("García-Pérez, M.ª J.", ("García-Pérez, M.ª J.",)),
        ("Díaz, P., Romero, L. y Gómez, C.", ("Díaz, P.", "Romero, L.", "Gómez, C.")),
        ("Díaz, Pedro y Gómez, Carmen", ("Díaz, Pedro", "Gómez, Carmen")),
        ("Smith, John, and Kai Wu", ("Smith, John", "Wu, Kai")),
        ("Ann Otero, Kai Wu, and Bo B Li", ("Otero, Ann", "Wu, Kai", "Li, Bo B")),
        ("Ann Otero, Kai Wu", ("Otero, Ann", "Wu, Kai")),
        ("García Díaz, Ana, and Kai Wu", ("García Díaz, Ana", "Wu, Kai")),
        ("Ann Otero and Kai Wu", ("Otero, Ann", "Wu, Kai")),
        ("A. de la Cruz, M.-J. van der Berg", ("de la Cruz, A.", "van der Berg, M.-J.")),
        ("von Neumann, J.", ("von Neumann, J.",)),
        ("OTERO, A. AND WU, K.", ("OTERO, A.", "WU, K.")),
        ("LI, X., WU, Y.", ("LI, X.", "WU, Y.")),
        ("Otero L., De Kimpe A. A.", ("Otero, L.", "De Kimpe, A. A.")),
        ("King, M. L., Jr., & Parks, R.", ("King, M. L. Jr.", "Parks, R.")),
        ("Rampey AH Jr, Potvin JH", ("Rampey, AH Jr", "Potvin, JH")),
        ("Otero (L.)", ("Otero, L.",)),
        ("Yu. I. Otero et Ch. Smith", ("Otero, Yu. I.", "Smith, Ch.")),
        ("劉時覺, 陳克平", ("劉時覺", "陳克平")),
        ("Otero", ("Otero",)),
        ("", ()),
        ("et al.", ()),
    ],
)
def test_each_person_is_family_and_given(printed: str, names: tuple[str, ...]) -> None:
    assert people_of(printed) == names


@pytest.mark.parametrize("others", ["et al.", "et al", "y otros", "y cols.", "and others", "…"])
def test_others_are_nobody(others: str) -> None:
    assert people_of(f"Otero A, Wu K, {others}") == ("Otero, A", "Wu, K")


@pytest.mark.parametrize(
    "name",
    ["World Health Organization", "Instituto Nacional de Estadística", "Aurora Collaboration"],
)
def test_an_organisation_is_called_by_its_name(name: str) -> None:
    assert people_of(name) == (name,)
    assert people_of(f"{name}, Otero A") == (name, "Otero, A")


def test_a_role_in_brackets_is_no_name() -> None:
    assert people_of("Otero, A. (Ed.)") == ("Otero, A.",)


def test_the_examples_of_the_documentation_hold() -> None:
    assert doctest.testmod(people).failed == 0
