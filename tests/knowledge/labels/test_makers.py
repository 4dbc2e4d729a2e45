from __future__ import annotations

import pytest

from cauce.knowledge.labels.makers import maker_differences

QUOTE = (
    "The usual adult dose of ibuprofen is 200 to 400 mg by mouth every 6 hours. "
    "Do not exceed 1200 mg a day. Store it away from children."
)


@pytest.mark.parametrize(
    "passage",
    [
        QUOTE,
        "The usual adult dose is 200 mg to 400 mg orally every 6 hours. Never exceed 1.2 g a day.",
        "For adults the usual dose of ibuprofen is 0.2 to 0.4 g by mouth every six hours.",
        "Store it out of reach of children.",
        "",
    ],
)
def test_another_wording_of_the_same_is_no_difference(passage):
    assert maker_differences(QUOTE, [("Maker", passage)], "en") == []


@pytest.mark.parametrize(
    ("passage", "kind"),
    [
        ("The usual adult dose of ibuprofen is 200 to 600 mg by mouth every 6 hours.", "quantity"),
        ("The usual adult dose of ibuprofen is 200 to 400 mg by mouth every 8 hours.", "frequency"),
        ("The usual adult dose of ibuprofen is 200 to 400 mg rectally every 6 hours.", "route"),
        ("The usual dose in children of ibuprofen is 200 to 400 mg by mouth every 6 hours.",
         "population"),
        ("You may exceed 1200 mg a day.", "negation"),
        ("Give 5 mg/kg.", "quantity"),
    ],
)  # fmt: skip
def test_what_matters_is_named_with_the_maker(passage, kind):
    [difference] = maker_differences(QUOTE, [("Maker", passage)], "en")
    assert (difference.maker, difference.said) == ("Maker", passage)
    assert kind in difference.differs
    assert difference.instead_of in QUOTE


def test_a_difference_that_two_makers_share_is_told_once():
    passage = "Do not exceed 2400 mg a day."
    found = maker_differences(QUOTE, [("First", passage), ("Second", passage)], "en")
    assert [difference.maker for difference in found] == ["First"]


def test_spanish_is_read_too():
    quote = "La dosis habitual en adultos es de 400 mg por vía oral cada 8 horas."
    same = "La dosis habitual en adultos es de 0,4 g por vía oral cada 8 horas."
    other = "La dosis habitual en adultos es de 600 mg por vía oral cada 8 horas."
    found = maker_differences(quote, [("Uno", same), ("Dos", other)], "es")
    assert [difference.maker for difference in found] == ["Dos"]
