from __future__ import annotations

import pytest

from cauce.sources.articles.pdf.bibliography import entries, split_bibliography
from cauce.sources.articles.pdf.page import Line

WORKS = [
    ["Díaz, M., & Wu, L. (2019). Mouths that move: a view", "of rivers. River Science, 12, 4-6."],
    ["World Health Organization. (2017). Safe water. Geneva."],
    ["Wu, L. (2018). Depth by difference. In P. García (Ed.),", "Soundings of the North, part two,",
     "pp. 1-9. Delft: Ship Press."],
    ["———. (2020). Salt at the bottom. Hydrology, 9, 13-31."],
    ["van der Berg, J. (in press). Gauges that mislead. Hydrology."],
]  # fmt: skip


def line(
    text: str, *, left: float = 50.0, baseline: float = 700.0, page: int = 0, **style: object
) -> Line:
    made = Line(page, text, left, left + 5.0 * len(text), baseline, 10.0, "Times", False)
    return made._replace(**style)  # type: ignore[arg-type]


def listed(
    works: list[list[str]], *, hang: float = 0.0, blank: float = 0.0, break_after: int = 99
) -> list[Line]:
    """Works below each other; after some lines they go on at the top of another column."""
    lines: list[Line] = []
    left, baseline = 50.0, 700.0
    for work in works:
        for number, text in enumerate(work):
            if len(lines) == break_after:
                left, baseline = 320.0, 750.0
            lines.append(line(text, left=left + (hang if number else 0.0), baseline=baseline))
            baseline -= 12.0
        baseline -= blank
    return lines


def texts(lines: list[Line]) -> list[list[str]]:
    return [[each.text for each in entry.lines] for entry in entries(lines)]


@pytest.mark.parametrize("break_after", range(9))
@pytest.mark.parametrize("layout", [{"hang": 12.0}, {"blank": 6.0}, {"hang": -12.0}, {}])
def test_every_layout_parts_the_list_wherever_a_column_ends(
    layout: dict[str, float], break_after: int
) -> None:
    assert texts(listed(WORKS, **layout, break_after=break_after)) == WORKS  # type: ignore[arg-type]


@pytest.mark.parametrize("label", ["[{}] ", "{}. ", "({}) ", "{} "])
def test_labels_part_the_list_and_are_no_part_of_a_reference(label: str) -> None:
    works = [
        [label.format(number) + work[0], *work[1:]] for number, work in enumerate(WORKS[:3], 1)
    ]
    works[2].insert(1, "2018. Translated from the Spanish,")
    found = entries(listed(works))
    assert [entry.label for entry in found] == ["1", "2", "3"]
    assert [entry.lines[0].text for entry in found] == [work[0] for work in WORKS[:3]]
    assert len(found[2].lines) == 4


def test_keys_in_brackets_part_the_list() -> None:
    works = [
        [f"[{key}] {work[0]}", *work[1:]]
        for key, work in zip(["DW19", "WHO17"], WORKS, strict=False)
    ]
    assert texts(listed(works)) == WORKS[:2]


@pytest.mark.parametrize(
    "heading",
    ["References", "REFERENCES", "6. References", "VII. Literature Cited", "Bibliography:",
     "R E F E R E N C E S", "Referencias", "Referencias bibliográficas", "BIBLIOGRAFÍA",
     "5 Bibliografia", "References and Notes"],
)  # fmt: skip
def test_the_list_stands_below_its_last_heading_and_above_the_next(heading: str) -> None:
    bold = {"font": "Times-Bold", "is_bold": True, "size": 12.0}
    body = [line("References", **bold), line("are what this text is about and nothing else.")]
    after = [line("Data availability", **bold), line("All depths are given away.")]
    parts = split_bibliography([*body, line(heading, **bold), *listed(WORKS), *after])
    assert parts.body == body
    assert parts.references == listed(WORKS)
    assert parts.after == after


def test_a_list_without_a_heading_is_known_by_its_numbers() -> None:
    body = [line(f"Line {number} of the text.") for number in range(9)]
    works = listed([[f"[{number}] {work[0]}"] for number, work in enumerate(WORKS, 1)])
    assert split_bibliography([*body, *works]).references == works
    assert split_bibliography(body).references == []
    assert entries([]) == []


def test_captions_and_appendices_end_the_list() -> None:
    bold = {"font": "Times-Bold", "is_bold": True}
    caption = line("Figure 1. The mouths.", page=1)
    parts = split_bibliography([line("References", **bold), *listed(WORKS), caption])
    assert parts.after == [caption]
