from __future__ import annotations

import pytest

from cauce.records import Reference
from cauce.sources.articles.pdf.flow import Passage
from cauce.sources.articles.pdf.marks import citation_marks, cited_by

REFERENCES = [
    Reference(id="r1", raw="Díaz M, Wu L. 2019.", authors=("Díaz, M.", "Wu, L."), year="2019"),
    Reference(id="r2", raw="Díaz M. 2019.", authors=("Díaz, M.",), year="2019"),
    Reference(id="r3", raw="Wu L. 2020a.", authors=("Wu, L.", "Sanz, R.", "Gil, A."), year="2020"),
    Reference(id="r4", raw="Wu L. 2020b.", authors=("Wu, L.", "Sanz, R.", "Gil, A."), year="2020"),
    Reference(id="r5", raw="World Health Organization. 2017.", year="2017"),
    Reference(id="r6", raw="van der Berg J. 2001.", authors=("van der Berg, J.",), year="2001"),
]


def marks_in(text: str, raised: tuple[tuple[int, int], ...] = ()) -> dict[str, tuple[str, ...]]:
    """The references of each mark, by what is printed."""
    (marks,) = citation_marks([Passage(text, raised)], cited_by(REFERENCES, [""] * len(REFERENCES)))
    return {text[mark.start : mark.end]: mark.references for mark in marks}


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("It moves (Díaz & Wu, 2019).", {"(Díaz & Wu, 2019)": ("r1",)}),
        ("It moves (Diaz, 2019).", {"(Diaz, 2019)": ("r2",)}),
        ("It moves (see Wu et al. 2020a, b).", {"(see Wu et al. 2020a, b)": ("r3", "r4")}),
        ("It moves (Wu et al., 2020a; e.g. Díaz and Wu 2019).",
         {"(Wu et al., 2020a; e.g. Díaz and Wu 2019)": ("r3", "r1")}),
        ("As Wu et al. (2020b) say, it moves.", {"(2020b)": ("r4",)}),
        ("The World Health Organization (2017) says so.", {"(2017)": ("r5",)}),
        ("Is (World Health Organization, 2017).", {"(World Health Organization, 2017)": ("r5",)}),
        ("So say van der Berg (2001) and others.", {"(2001)": ("r6",)}),
        ("It moves [van der Berg, 2001].", {"[van der Berg, 2001]": ("r6",)}),
        ("It moves (Sanz & Wu, 2020a).", {}),
        ("It moves (Wu et al., 2020).", {}),
        ("It was so in that year (2019), and Wu was not there.", {}),
    ],
)  # fmt: skip
def test_authors_and_years(text: str, marks: dict[str, tuple[str, ...]]) -> None:
    assert marks_in(text) == marks


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("It moves [3].", {"[3]": ("r3",)}),
        ("It moves [3, 5; 1].", {"[3, 5; 1]": ("r3", "r5", "r1")}),
        ("It moves [3–5].", {"[3–5]": ("r3", "r4", "r5")}),
        ("It moves [1]–[3].", {"[1]–[3]": ("r1", "r2", "r3")}),
        ("It moves [2, p. 12].", {"[2, p. 12]": ("r2",)}),
        ("It lies in [0, 1] or [3, 99] or [5-3].", {}),
        ("It moves (3, 5).", {"(3, 5)": ("r3", "r5")}),
        ("It moves [1, 2], as equation (3) says.", {"[1, 2]": ("r1", "r2")}),
    ],
)
def test_numbers(text: str, marks: dict[str, tuple[str, ...]]) -> None:
    assert marks_in(text) == marks


def test_raised_numbers_but_no_powers() -> None:
    text = "It moves.1,3–5 An area of 9 km2 and 106 more."
    assert marks_in(text, ((9, 14), (30, 31), (38, 39))) == {"1,3–5": ("r1", "r3", "r4", "r5")}
