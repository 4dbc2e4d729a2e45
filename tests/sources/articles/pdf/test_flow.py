from __future__ import annotations

import random

import pytest

from cauce.sources.articles.pdf.columns import in_reading_order
from cauce.sources.articles.pdf.flow import joined, words_of
from cauce.sources.articles.pdf.furniture import without_furniture
from cauce.sources.articles.pdf.links import doi_of
from cauce.sources.articles.pdf.page import Line, Link


def line(text: str, *, left: float = 50.0, baseline: float = 700.0, right: float = 280.0) -> Line:
    return Line(0, text, left, right, baseline, 10.0, "Times", False)


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (["the move-", "ment of sand"], "the movement of sand"),
        (["a long-", "term record, long-term"], "a long-term record, long-term"),
        (
            ["a two-", "way street that is a two way street"],
            "a two-way street that is a two way street",
        ),
        (["pages 263-", "267 of it"], "pages 263-267 of it"),
        (["the Cu-", "In phase"], "the Cu-In phase"),
        (["AHA/", "ACC criteria"], "AHA/ACC criteria"),
        (["a dash –", "so to say"], "a dash – so to say"),
        (["https://doi.org/10.1000/", "abc.1"], "https://doi.org/10.1000/abc.1"),
        (["https:", "//doi.org/10.1000/abc.1"], "https://doi.org/10.1000/abc.1"),
        (["doi:10.1016/j.ijar.2018.", "11.002."], "doi:10.1016/j.ijar.2018.11.002."),
        (["doi:10.32614/CRAN.package.", "tidymodels"], "doi:10.32614/CRAN.package.tidymodels"),
        (["doi:10.1000/a-", "b_c"], "doi:10.1000/a-b_c"),
        (["doi:10.1000/abc.", "Accessed 3 May 2020."], "doi:10.1000/abc. Accessed 3 May 2020."),
        (["doi:10.1000/abc.", "2020."], "doi:10.1000/abc. 2020."),
        (["doi:10.1000/abc", "and more"], "doi:10.1000/abc and more"),
        (["doi:", "10.1000/abc"], "doi:10.1000/abc"),
    ],
)
def test_lines_are_joined_as_they_were_written(lines: list[str], whole: str) -> None:
    made = [line(text) for text in lines]
    assert joined(made, words_of(made)).text == whole


def test_raised_characters_keep_their_place() -> None:
    first = line("the move-")
    second = line("ment1 of sand")._replace(raised=((4, 5),))
    passage = joined([first, second], words_of([first, second]))
    ((start, end),) = passage.raised
    assert passage.text[start:end] == "1"


@pytest.mark.parametrize(
    ("raw", "address", "doi"),
    [
        ("no doi here", "https://doi.org/10.1000/ABC", "10.1000/abc"),
        ("doi:10.1000/abc.", "https://doi.org/10.1000/abc.5", "10.1000/abc.5"),
        ("doi:10.1000/abc.5", "https://dx.doi.org/10.1000/abc", "10.1000/abc.5"),
        ("doi:10.1000/abc", "https://doi.org/10.1000/other", "10.1000/abc"),
        ("no doi here", "https://example.org/?doi=10.1000/abc&page=2", None),
    ],
)
def test_what_is_printed_comes_before_what_is_linked(
    raw: str, address: str, doi: str | None
) -> None:
    on, below = (
        Link(0, address, 60, 698, 90, 710),
        Link(0, "https://doi.org/10.1000/no", 60, 600, 90, 612),
    )
    assert doi_of(raw, [line(raw)], [below, on]) == doi


@pytest.mark.parametrize("seed", range(5))
def test_columns_are_read_one_after_the_other_however_they_are_drawn(seed: int) -> None:
    title = line("title", right=550.0, baseline=760.0)
    left = [line(f"left {n}", baseline=700.0 - 12 * n) for n in range(8)]
    right = [line(f"right {n}", left=310.0, right=550.0, baseline=700.0 - 12 * n) for n in range(8)]
    table = line("a wide table", right=550.0, baseline=580.0)
    below = [
        line(f"below {n}", left=x, right=x + 230, baseline=560.0)
        for n, x in enumerate((50.0, 310.0))
    ]
    expected = [title, *left, *right, table, *below]
    drawn = list(expected)
    random.Random(seed).shuffle(drawn)
    assert in_reading_order(drawn) == expected


def test_one_column_with_ragged_ends_is_not_parted() -> None:
    lines = [
        line(f"line {n}", right=200.0 + 20 * (n % 4), baseline=700.0 - 12 * n) for n in range(20)
    ]
    assert in_reading_order(lines[::-1]) == lines


def page(number: int, head: str, *, pitch: float = 12.0, foot: str = "") -> list[Line]:
    """A page of 30 lines with a head that stands apart."""
    texts = [f"text {row * (number + 1)}" for row in "abcdefghijklmnopqrstuvwxyzäöüß"]
    rows = [line(text, baseline=720.0 - pitch * row) for row, text in enumerate(texts)]
    made = [line(head, baseline=770.0), *rows, line(foot, baseline=rows[-1].baseline - 40.0)]
    return [each._replace(page=number) for each in made if each.text]


@pytest.mark.parametrize("pitch", [12.0, 20.5])
def test_heads_and_feet_are_no_text_however_wide_the_lines_are_set(pitch: float) -> None:
    pages = [
        page(
            number,
            "Díaz and Wu" if number % 2 else "Tidal rivers",
            pitch=pitch,
            foot=f"- {number} -",
        )
        for number in range(4)
    ]
    kept = without_furniture(pages)
    assert [len(each) for each in kept] == [30, 30, 30, 30]
    assert without_furniture([[], []]) == [[], []]


def test_the_end_of_a_paragraph_on_top_of_a_page_is_text() -> None:
    pages = [page(number, "") for number in range(4)]
    pages[2] = page(2, "with which the paragraph ends.")
    assert without_furniture(pages) == pages


def test_numbers_of_lines_are_no_text() -> None:
    text = page(0, "")
    numbers = [
        line(str(5 * n), left=20.0, right=30.0, baseline=700.0 - 60 * n) for n in range(1, 6)
    ]
    assert without_furniture([[*text, *numbers]]) == [text]
