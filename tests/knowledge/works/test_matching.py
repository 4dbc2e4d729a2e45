"""A reference gets the DOI of its work, in any style, and never that of a work beside it."""

import pytest

from cauce.knowledge.works.catalogue import Catalogue
from cauce.knowledge.works.matching import local_match
from cauce.records import Reference
from knowledge.works.test_catalogue import RIVERS, work

STRINGS = [
    "Otero, M., & Lago, E. (2015). Slow rivers carry fine sediment to the delta. "
    "Journal of Invented Rivers, 12(3), 45-67.",
    "3. Otero M, Lago E. Slow rivers carry fine sediment to the delta. J Inv Riv. 2015;12:45-67.",
    "M. Otero and E. Lago, “Slow rivers carry fine sediment to the delta,” J. Invented Rivers, "
    "vol. 12, no. 3, pp. 45-67, 2015.",
    "Otreo M. Slow riv- ers cary fine sedimenl to the delta. J of Invented Rivers 2015; 12: 45",
    "OteroMLagoE (2015) Slow rivers carry fine sediment to the delta. J Invented Rivers12: 45",
    "M. Otero and E. Lago, J. Invent. Rivers 12, 45 (2015).",
]
NEAR = [
    work("10.5555/comment", title="Comment on “Slow rivers carry fine sediment to the delta”",
         pages="99", authors=("Lago, Eva",)),
    work("10.5555/two", title="Slow rivers carry fine sediment to the delta II", pages="70"),
    work("10.5555/neighbour", title="Fast rivers", pages="30"),
    work("10.5555/edition", year="2019", volume="16", pages="3"),
    work("10.5555/editorial", title="Editorial", pages="1"),
]  # fmt: skip


@pytest.fixture
def near() -> Catalogue:
    """Works that look like RIVERS, without it."""
    catalogue = Catalogue()
    catalogue.add(NEAR)
    return catalogue


@pytest.mark.parametrize("raw", STRINGS)
def test_the_work_is_found_in_every_style(raw: str, near: Catalogue):
    near.add([work()])
    match = local_match(Reference(id="B1", raw=raw), near)
    assert (match.doi, match.source) == ("10.5555/rivers", "catalogue")
    assert 0.0 < match.margin <= match.score <= 1.0


@pytest.mark.parametrize("raw", STRINGS)
def test_an_absent_work_gets_no_doi(raw: str, near: Catalogue):
    match = local_match(Reference(id="B1", raw=raw), near)
    assert match.doi is None


def test_fields_do_as_well(near: Catalogue):
    cited = RIVERS.model_copy(update={"id": "B1", "doi": None, "container": "J. Inv. Rivers"})
    assert local_match(cited, near).doi is None
    near.add([work()])
    assert local_match(cited, near).doi == "10.5555/rivers"
    assert local_match(cited.model_copy(update={"title": ""}), near).doi == "10.5555/rivers"
    assert local_match(cited.model_copy(update={"raw": STRINGS[0]}), near).doi == "10.5555/rivers"


def test_a_piece_about_a_work_is_another_work(near: Catalogue):
    near.add([work()])
    raw = "Lago E. Comment on 'Slow rivers carry fine sediment to the delta'. J Inv Riv 2015;12:99."
    assert local_match(Reference(id="B1", raw=raw), near).doi == "10.5555/comment"


def test_two_works_that_fit_alike_are_no_match():
    catalogue = Catalogue()
    catalogue.add([work(), work("10.5555/other", container="Annals of Lakes", year="2018")])
    cited = Reference(id="B1", title=RIVERS.title, authors=RIVERS.authors)
    match = local_match(cited, catalogue)
    assert match.doi is None
    assert match.margin < 0.1


def test_versions_do_not_stand_against_each_other():
    catalogue = Catalogue()
    catalogue.add([work(), work("10.5555/pre", container="bioRxiv", volume="", pages="")])
    match = local_match(Reference(id="B1", raw=STRINGS[0]), catalogue)
    assert match.doi == "10.5555/rivers"
    assert match.margin == match.score


def test_a_printed_doi_comes_first(near: Catalogue):
    printed = Reference(id="B1", raw=f"{STRINGS[0]} https://doi.org/10.5555/PRINTED.")
    assert local_match(printed, near) == ("10.5555/printed", 1.0, 1.0, "printed", False, False)
    given = Reference(id="B1", raw="", doi="10.5555/given")
    assert local_match(given, near).doi == "10.5555/given"


def test_a_printed_doi_that_a_line_cut_is_completed(near: Catalogue):
    near.add([work()])
    cut = Reference(id="B1", raw=f"{STRINGS[0]} doi:10.5555/riv")
    assert local_match(cut, near)[:1] == ("10.5555/rivers",)


def test_an_arxiv_number_serves_where_nothing_else_does(near: Catalogue):
    cited = Reference(id="B1", raw="Río A. Dry rivers. arXiv:1501.00001v2, 2015.")
    assert local_match(cited, near).doi == "10.48550/arxiv.1501.00001"


def test_a_retraction_is_told():
    catalogue = Catalogue()
    catalogue.add([work(retracted=True)])
    assert local_match(Reference(id="B1", raw=STRINGS[0]), catalogue).retracted
    assert local_match(Reference(id="B1", doi="10.5555/rivers"), catalogue).retracted


def test_nothing_comes_of_nothing():
    assert local_match(Reference(id="B1"), Catalogue()) == (None, 0.0, 0.0, "none", False, False)
