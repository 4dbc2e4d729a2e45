"""Citing sentences as CSV: who keeps together, where they cite, and which cells are refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cauce.corpus.research.citing import cited_sentences
from cauce.records import Document, Refusal
from cauce.sources.articles import ArticlesSource


class Read:
    """What is read of a table."""

    def __init__(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        found = list(ArticlesSource(path=path, language="es", licence="own").documents())
        self.documents = [each for each in found if isinstance(each, Document)]
        self.refused = [(each.position, each.reason) for each in found if isinstance(each, Refusal)]

    @property
    def works(self) -> list[list[tuple[str, str, str | None]]]:
        """Title, year and DOI of each work of each article."""
        return [
            [(work.title, work.year, work.doi) for work in document.references]
            for document in self.documents
        ]


def rows(tmp_path: Path, *lines: str, header: str = "Context,Title,Year,DOIs") -> Read:
    return Read(tmp_path / "citing.csv", "\n".join((header, *lines, "")))


def test_each_sentence_is_an_article_of_its_own_where_nothing_tells(tmp_path: Path) -> None:
    read = rows(
        tmp_path,
        '"Rivers move.","A\nB","2001\n2002","10.1000/a\n10.1000/B"',
        "Seas stay.,A,2001,10.1000/a",
        "rivers move.,C,2003,10.1000/c",
    )
    assert read.refused == []
    rivers, seas = read.documents
    assert [each.text for each in rivers.citing] == ["Rivers move.", "rivers move."]
    assert [each.references for each in rivers.citing] == [("r1", "r2"), ("r3",)]
    assert (rivers.id, rivers.language, rivers.licence) == ("citing#2", "es", "own")
    assert (rivers.group, seas.group) == ("citing#2", "citing#6")
    assert read.works[1] == [("A", "2001", "10.1000/a")]


def test_rows_of_one_article_are_kept_together(tmp_path: Path) -> None:
    read = rows(
        tmp_path,
        "doi:10.1000/Own,Rivers move.,A,2001,10.1000/a",
        "roe.pdf,Lakes.,B,2002,10.1000/b",
        "https://doi.org/10.1000/own,Seas stay.,A,2001,10.1000/A",
        header="Article,Context,Title,Year,DOIs",
    )
    own, roe = read.documents
    assert (own.id, own.group, own.url) == ("10.1000/own",) * 2 + ("https://doi.org/10.1000/own",)
    assert [each.references for each in own.citing] == [("r1",), ("r1",)]
    text = own.sections[0].text
    assert all(text[each.start : each.end] == each.text for each in own.citing)
    assert (roe.title, roe.group) == ("roe.pdf", "roe.pdf")


@pytest.mark.parametrize(
    ("sentence", "marks", "clean"),
    [
        ("Rivers move [3], [5]-[7].", ["[3], [5]-[7]"], "Rivers move."),
        ("Rivers (in spring) move (Roe, 2001).", ["(Roe, 2001)"], "Rivers (in spring) move."),
        ("Rivers were moving.3,4", ["3,4"], "Rivers were moving."),
        ("Rivers [1] move [2].", ["[1]", "[2]"], "Rivers move."),
        ("Rivers move (see Fig. 2) in 1999.", [""], "Rivers move (see Fig. 2) in 1999."),
    ],
)
def test_printed_marks_are_found(
    tmp_path: Path, sentence: str, marks: Sequence[str], clean: str
) -> None:
    [document] = rows(tmp_path, f'"{sentence}",A,2001,10.1000/a').documents
    [citing] = document.citing
    assert [citing.text[mark.start : mark.end] for mark in citing.marks] == marks
    assert citing.references == ("r1",)
    [cited] = cited_sentences(document)
    assert cited.clean == clean


@pytest.mark.parametrize(
    ("row", "works", "reasons"),
    [
        ("No title found,2001,10.1000/a", [("", "2001", "10.1000/a")], ["No title found"]),
        ("A,20x1,10.1000/a", [("A", "", "10.1000/a")], ["Year holds none: 20x1"]),
        ("A,2001.0,doi: 10.1000/a", [("A", "2001", "10.1000/a")], []),
        ("A,2001,not registered", [("A", "2001", None)], ["DOIs holds none: not registered"]),
        ("A,,", [("A", "", None)], ["no Year", "no DOIs"]),
        (
            '"A\nB","2001\n2002",10.1000/a; https://doi.org/10.1000/b',
            [("A", "2001", "10.1000/a"), ("B", "2002", "10.1000/b")],
            [],
        ),
        (
            '"A\nB","2001\n2002","\n10.1000/b"',
            [("A", "2001", None), ("B", "2002", "10.1000/b")],
            ["no DOIs"],
        ),
        (
            '"A\nB","2001\n2002",10.1000/b',
            [("", "", "10.1000/b")],
            ["2 in Title but 1 in DOIs", "2 in Year but 1 in DOIs"],
        ),
        ('"A\nB",2001,', [("A", "", None), ("B", "", None)], ["no DOIs", "2 in Title"]),
    ],
)
def test_what_is_bad_in_a_row_is_told_and_the_rest_is_kept(
    tmp_path: Path, row: str, works: Sequence[tuple[str, str, str | None]], reasons: Sequence[str]
) -> None:
    read = rows(tmp_path, "Seas stay.,Z,1999,10.1000/z", f"Rivers move.,{row}")
    assert read.works == [[("Z", "1999", "10.1000/z")], list(works)]
    assert len(read.refused) == len(reasons)
    for (position, reason), told in zip(read.refused, reasons, strict=True):
        assert position.startswith("line 3")
        assert told in reason


def test_works_and_rows_without_anything_are_left_out_by_their_place(tmp_path: Path) -> None:
    read = rows(
        tmp_path,
        '"Rivers move.","A\nNo title found","2001\n2002",',
        ",E,,",
        "Ponds.,nan,nan,nan",
        "One, two, three, four, five",
        'Lakes.,"A" B,2001,10.1000/a',
        "Seas stay.,A,2001,10.1000/a",
        'Bays.,"A,2001,10.1000/a',
    )
    assert [document.citing[0].text for document in read.documents] == [
        "Rivers move.",
        "Seas stay.",
    ]
    assert read.refused == [
        ("line 2", "no DOIs"),
        ("line 2, work 2 of 2", "Title holds none: No title found"),
        ("line 5", "no Context"),
        ("line 6", "Title holds none: nan"),
        ("line 6", "Year holds none: nan"),
        ("line 6", "DOIs holds none: nan"),
        ("line 6", "neither Title nor DOIs: the row is left out"),
        ("line 7", "5 cells under 4 columns"),
        ("line 8", "no row of CSV: ',' expected after '\"'"),
        ("line 10", "no row of CSV: unexpected end of data"),
    ]
