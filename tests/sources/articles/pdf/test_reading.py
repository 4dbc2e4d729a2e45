from __future__ import annotations

from pathlib import Path

import pytest

from cauce.errors import DataRefused
from cauce.records import Document
from cauce.sources.articles.pdf import read_pdf
from shared import shared_data
from sources.articles.pdf.written import Address, Text, write_pdf

pytest.importorskip("pypdfium2")

LEFT, RIGHT = 50.0, 310.0
HEAD = "Journal of Rivers and Tides"

ABSTRACT = (
    "Abstract. Mouths of tidal rivers move. We followed eleven and found that all of them moved."
)
INTRODUCTION = """Tidal rivers carry sediment in both directions and
their mouths move over the years (Díaz & Wu, 2019).
Long records of single gauges hide that move-
ment, as García et al. (2020a) found for the Ebro
and others for the Tagus (Wu, 2018; World Health
Organization, 2017). No survey has covered more
than four mouths at once, and none has lasted
for longer than two seasons of floods so far."""
METHODS = """We measured eleven mouths for twenty years, each
from a boat that crossed at slack water, and we
compared the depths of one year with those of the
next by the method of Wu (2018) without change.
Depths were taken from the mean of three sound-
ings, and the salt of the water was read at the
surface, at half of the depth and on the bottom."""
REFERENCES = [
    "Díaz, M., & Wu, L. (2019). Mouths that move: a",
    "+survey of eleven tidal rivers. River Research,",
    "+12(3), 45-67. https://doi.org/10.1000/rr.2019.",
    "+0045",
    "García, P., López, J., & Sanz, R. (2020a). Gauges",
    "+that mislead. Hydrology, 8, 1-12.",
    "García, P., López, J., & Sanz, R. (2020b). Salt at the",
    "+bottom. Hydrology, 9, 13-31. doi:10.1000/HY%2F13.",
    "World Health Organization. (2017). Safe water for",
    "+river towns. Geneva.",
    "Wu, L. (2018). Depth by difference. Annals of Sound-",
    "+ings, 3, 1-9.",
]


def column(
    lines: list[str] | str, x: float, y: float, *, size: float = 10.0, font: str = "plain"
) -> list[Text]:
    """Lines below each other; `+` hangs one in by ten points."""
    rows = lines.splitlines() if isinstance(lines, str) else lines
    return [
        Text(x + 10 * row.startswith("+"), y - 12 * number, row.lstrip("+"), size, font)
        for number, row in enumerate(rows)
    ]


def two_columns(path: Path) -> Path:
    """An article of two pages whose references go over a column's and a page's end."""
    first = [
        Text(LEFT, 740, "Eleven Tidal Rivers and the Depth", 18, "bold"),
        Text(LEFT, 718, "of Their Mouths", 18, "bold"),
        Text(LEFT, 695, "María Díaz, Li Wu and Rosa de la Fuente", 12),
        Text(LEFT, 675, "Institute of Rivers, Zaragoza"),
        *column(ABSTRACT, LEFT, 640),
        Text(LEFT, 590, "1. Introduction", 12, "bold"),
        *column(INTRODUCTION, LEFT, 570),
        Text(RIGHT, 590, "2. Methods", 12, "bold"),
        *column(METHODS, RIGHT, 570),
        Text(RIGHT, 450, "References", 12, "bold"),
        *column(REFERENCES[:3], RIGHT, 430),
        Text(300, 30, "1"),
    ]  # fmt: skip
    second = [
        Text(LEFT, 770, HEAD),
        Text(530, 770, "2"),
        *column(REFERENCES[3:7], LEFT, 740),
        *column(REFERENCES[7:], RIGHT, 740),
        Text(RIGHT, 640, "Data availability", 12, "bold"),
        Text(RIGHT, 620, "All depths are given away by the authors."),
    ]
    gauges = Address(1, (LEFT, 700, 300, 725), "https://doi.org/10.1000/GAUGES")
    return write_pdf(path, [first, second], (gauges,))


@pytest.fixture(scope="module")
def article(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return read_pdf(two_columns(tmp_path_factory.mktemp("pdf") / "rivers.pdf"), language="en")


def test_the_article_itself_is_told_from_its_first_page(article: Document) -> None:
    assert article.title == "Eleven Tidal Rivers and the Depth of Their Mouths"
    assert article.work is not None
    assert article.work.authors == ("Díaz, María", "Wu, Li", "de la Fuente, Rosa")
    assert article.id == "rivers"
    assert article.section("abstract").text.startswith("Mouths of tidal rivers move.")


def test_sections_are_read_column_by_column_without_heads_and_numbers(article: Document) -> None:
    titles = [section.title for section in article.sections]
    assert titles == ["", "1. Introduction", "2. Methods", "Data availability"]
    introduction = article.section("1").text
    assert "hide that movement, as García" in introduction
    assert introduction.endswith("floods so far.")
    assert article.section("2").text.endswith("on the bottom.")
    assert HEAD not in " ".join(section.text for section in article.sections)


def test_hanging_references_go_on_over_columns_and_pages(article: Document) -> None:
    assert [reference.id for reference in article.references] == [f"ref-{n}" for n in range(1, 6)]
    raws = [reference.raw for reference in article.references]
    assert raws[0].endswith("12(3), 45-67. https://doi.org/10.1000/rr.2019.0045")
    assert raws[4] == "Wu, L. (2018). Depth by difference. Annals of Soundings, 3, 1-9."


def test_dois_are_whole_and_normal_and_links_give_those_not_printed(article: Document) -> None:
    dois = [reference.doi for reference in article.references]
    assert dois == ["10.1000/rr.2019.0045", "10.1000/gauges", "10.1000/hy/13", None, None]


def test_author_and_year_are_linked_by_the_first_author(article: Document) -> None:
    cited = [sentence.references for sentence in article.citing]
    assert cited == [("ref-1",), ("ref-2", "ref-5", "ref-4"), ("ref-5",)]
    for sentence in article.citing:
        text = article.section(sentence.section).text
        assert text[sentence.start : sentence.end] == sentence.text
        for mark in sentence.marks:
            assert text[mark.start : mark.end].endswith(")")


NUMBERED = [
    "[1] L. Wu, \"Depth by difference,\" Soundings, vol. 3,",
    "+pp. 1-9, 2018.",
    "[2] M. Díaz, \"Mouths that move,\" River Research, vol.",
    "+12, pp. 45-67, 2019.",
    "[3] P. García, \"Gauges that mislead,\" Hydrology, vol. 8,",
    "+pp. 1-12, 2020.",
]  # fmt: skip


def one_column(path: Path, body: list[Text], references: list[Text]) -> Path:
    title = Text(LEFT, 740, "Depths of Tidal Rivers in the North", 18, "bold")
    heading = Text(LEFT, 620, "Introduction", 12, "bold")
    end = Text(LEFT, 480, "Bibliografía", 12, "bold")
    return write_pdf(path, [[title, heading, *body, end, *references]])


def test_numbers_in_brackets_and_their_ranges_are_linked(tmp_path: Path) -> None:
    text = (
        "Mouths of rivers move every year [1]-[3], and so do\n"
        "their banks [2, 3]. The depth in metres lies in the\n"
        "interval [0, 9] for every mouth that was measured."
    )
    path = one_column(tmp_path / "n.pdf", column(text, LEFT, 600), column(NUMBERED, LEFT, 460))
    article = read_pdf(path, language="en")
    assert [reference.raw[:5] for reference in article.references] == ["L. Wu", "M. Dí", "P. Ga"]
    (sentence,) = article.citing
    printed = [
        sentence.text[m.start - sentence.start : m.end - sentence.start] for m in sentence.marks
    ]
    assert printed == ["[1]-[3]", "[2, 3]"]
    assert [mark.references for mark in sentence.marks] == [
        ("ref-1", "ref-2", "ref-3"),
        ("ref-2", "ref-3"),
    ]


def test_a_raised_number_behind_a_full_stop_is_of_the_sentence_before(tmp_path: Path) -> None:
    body = [
        *column(["Mouths of rivers move every single year."], LEFT, 600),
        Text(214, 604, "1,3", 6),
        Text(225, 600, "Their area of 9 km"),
        Text(299, 604, "2", 6),
        Text(304, 600, "does not change at all in any of them."),
        *column("The banks were seen to move as well, but less\nthan the mouths did.", LEFT, 588),
    ]
    listed = [row.replace("[", "").replace("]", ".") for row in NUMBERED]
    article = read_pdf(
        one_column(tmp_path / "r.pdf", body, column(listed, LEFT, 460)), language="en"
    )
    (sentence,) = article.citing
    assert sentence.text == "Mouths of rivers move every single year.1,3"
    assert sentence.references == ("ref-1", "ref-3")


def test_a_file_that_is_no_pdf_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.4 and nothing else")
    with pytest.raises(DataRefused, match=r"damaged or no PDF: .*\nFetch it again"):
        read_pdf(path, language="en")


def test_an_encrypted_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = two_columns(tmp_path / "locked.pdf")
    lock = f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{'00' * 32}> /U <{'11' * 32}> >>"
    data = path.read_bytes().replace(
        b"trailer <<", f"trailer << /Encrypt {lock} /ID [<00> <00>]".encode()
    )
    path.write_bytes(data)
    with pytest.raises(DataRefused, match="needs a password\\.\nSave a copy"):
        read_pdf(path, language="en")


def test_a_file_without_text_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "scan.pdf", [[], []])
    with pytest.raises(
        DataRefused, match="holds no text, only pictures of its pages\\.\nRun optical"
    ):
        read_pdf(path, language="en")


@pytest.mark.parametrize(
    ("name", "references"),
    [("hindawi/PMC4745305/fulltext.pdf", 11), ("jose/jose.00223/10.21105.jose.00223.pdf", 8),
     ("jcon/jcon.00069/10.21105.jcon.00069.pdf", 20)],
)  # fmt: skip
def test_every_reference_of_real_articles_is_found_and_cited(name: str, references: int) -> None:
    article = read_pdf(shared_data("scholar/pdf-jats") / name, language="en")
    cited = {id for sentence in article.citing for id in sentence.references}
    assert len(article.references) == references
    assert cited == {reference.id for reference in article.references}


def test_an_accent_drawn_apart_is_set_on_the_letter_below_it(tmp_path: Path) -> None:
    body = column(
        "Rivers were crossed by Perez and by\nMunoz every year, and each\n" * 3, LEFT, 600
    )
    accents = [Text(LEFT + 102.0, 600, "´"), Text(LEFT + 14.7, 588, "˜")]
    path = one_column(tmp_path / "a.pdf", [*body, *accents], column(NUMBERED, LEFT, 460))
    text = read_pdf(path, language="en").section("1").text
    assert text.startswith("Rivers were crossed by Pérez and by Muñoz every year")
