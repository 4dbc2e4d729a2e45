"""DOIs in the spellings that articles, addresses and registries give them."""

import pytest

from cauce.sources.dois import arxiv_doi, doi_spans, dois_in, normal_doi

SICI = "10.1002/(sici)1097-0258(19980815/30)17:15/16<1661::aid-sim968>3.0.co;2-2"


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("10.1371/Journal.PONE.0012345", "10.1371/journal.pone.0012345"),
        ("https://doi.org/10.1016/S0140-6736(20)30183-5.", "10.1016/s0140-6736(20)30183-5"),
        ("http://dx.doi.org/10.1000%2Fabc", "10.1000/abc"),
        ("doi: 10.1000/abc);", "10.1000/abc"),
        ("DOI:10.1000.10/abc]", "10.1000.10/abc"),
        (
            "10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2",
            "10.1175/1520-0469(1963)020<0130:dnf>2.0.co;2",
        ),
        (
            "10.1175/1520-0469(1963)020&lt;0130:DNF&gt;2.0.CO;2",
            "10.1175/1520-0469(1963)020<0130:dnf>2.0.co;2",
        ),
        (SICI.upper(), SICI),
        ("https://onlinelibrary.wiley.com/doi/10.1111/abc.12345/abstract", "10.1111/abc.12345"),
        ("https://example.org/show?doi=10.1000/abc.pdf", "10.1000/abc"),
        ("10.1007/978\u20113\u2011030", "10.1007/978-3-030"),
        ("10.48550/arXiv.2301.00001v3", "10.48550/arxiv.2301.00001"),
        ("10.1000/abc(accessed", "10.1000/abc"),
    ],
)
def test_one_spelling_for_every_way_to_write_a_doi(text: str, doi: str) -> None:
    assert normal_doi(text) == doi
    assert normal_doi(doi) == doi
    assert dois_in(text) == [doi]


@pytest.mark.parametrize(
    "text",
    ["", "10.1000", "10.1000/", "10.1000/.", "10/abc", "110.1000/abc", "see 10.1000/abc", "PMC12"],
)
def test_what_is_no_doi_is_none(text: str) -> None:
    assert normal_doi(text) is None


def test_dois_of_a_text_in_order_each_once() -> None:
    text = (
        "See (https://doi.org/10.1000/ABC), [doi:10.2000/x(1)y]; 10.1000/abc. "
        "10.3000/a;10.4000/b,https://doi.org/10.5000/c <10.6000/d> version 1.10.1000/no"
    )
    assert dois_in(text) == [
        "10.1000/abc", "10.2000/x(1)y", "10.3000/a", "10.4000/b", "10.5000/c", "10.6000/d"
    ]  # fmt: skip


def test_a_span_covers_what_is_printed() -> None:
    text = "Text (doi: 10.1000/ABC%28x%29). More."
    span = doi_spans(text)[0]
    assert text[span.start : span.end] == "10.1000/ABC%28x%29"
    assert span.doi == "10.1000/abc(x)"


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("arXiv:2301.00001v2 [cs.CL]", "10.48550/arxiv.2301.00001"),
        ("https://arxiv.org/abs/hep-th/9901001", "10.48550/arxiv.hep-th/9901001"),
        ("arXiv preprint arXiv:1706.03762", "10.48550/arxiv.1706.03762"),
        ("J. Phys. 1706.03762", None),
    ],
)
def test_an_arxiv_number_has_a_doi_of_datacite(text: str, doi: str | None) -> None:
    assert arxiv_doi(text) == doi
