"""Spellings of one field agree, and those of two do not."""

import pytest

from cauce.knowledge.works.comparing import Comparison, Fields, Printed
from cauce.records import Reference
from knowledge.works.test_catalogue import RIVERS


def fields(**changes: object) -> Comparison:
    """RIVERS with changes beside RIVERS."""
    return Fields(RIVERS.model_copy(update=changes)).compare(Fields(RIVERS))


def test_a_work_agrees_with_itself_in_every_field():
    expected = ("same", "same", "same", "first", "same", "same", "same/same", "")
    assert fields() == expected


@pytest.mark.parametrize(
    ("field", "value", "agreement"),
    [
        ("title", "Reply to: Slow rivers carry fine sediment to the delta", ("kind", "other")),
        ("title", "Slow rivers carry fine sediment to the delta 2", ("numerals", "other")),
        ("title", "", ("title", "")),
        ("authors", ("M. Otero",), ("author", "first")),
        ("authors", ("Otero-Vila M",), ("author", "first")),
        ("authors", ("Lago, Eva",), ("author", "other")),
        ("authors", (), ("author", "")),
        ("year", "2016", ("year", "near")),
        ("year", "2019", ("year", "other")),
        ("container", "J. Invent. Riv.", ("container", "same")),
        ("container", "JIR", ("container", "same")),
        ("container", "Annals of Lakes", ("container", "other")),
        ("volume", "012", ("place", "same/same")),
        ("volume", "", ("place", "/same")),
        ("pages", "45", ("place", "same/same")),
        ("pages", "e45", ("place", "same/other")),
    ],
)
def test_one_field_beside_another(field: str, value: object, agreement: tuple[str, str]):
    name, level = agreement
    assert fields(**{field: value})._asdict()[name] == level


def test_a_printed_string_holds_the_fields():
    raw = "Otero M. Slow rivers carry fine sediment to the delta. J Inv Riv. 2015;12(3):45-67."
    expected = ("same", "same", "same", "first", "same", "same", "same/same", "title")
    assert Printed(raw).compare(Fields(RIVERS)) == expected


def test_one_number_is_not_volume_and_page_at_once():
    work = Fields(RIVERS.model_copy(update={"volume": "12", "pages": "12"}))
    place = Printed("Otero M. Slow rivers. J Inv Riv 2015;12:99").compare(work).place
    assert place == "same/other"


def test_the_book_of_a_chapter_stands_after_another_title():
    book = Reference(id="x", title="Rivers of the northern plains", authors=("Lago, Eva",))
    raw = "Otero M. Slow water brings fine sand. In: Rivers of the northern plains. 2015"
    assert Printed(raw).compare(Fields(book)).start == "other"
