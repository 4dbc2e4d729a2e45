"""Printed references to their fields; every work here was made up for the tests."""

from __future__ import annotations

import itertools
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.errors import MissingExtra
from cauce.records import Reference
from cauce.sources.articles.strings import parse_reference, parse_references, spans_of, tagger

pytest.importorskip("pycrfsuite")

ARTICLE = {
    "title": "Slow currents and the growth of coastal reefs",
    "year": "2019",
    "volume": "12",
    "issue": "3",
    "pages": "101-119",
}
TITLE = "Slow currents and the growth of coastal reefs"
ARTICLES = {
    "vancouver": f"1. Otero A, Wu KL. {TITLE}. J Mar Biol. 2019;12(3):101-119.",
    "apa": f"Otero, A., & Wu, K. L. (2019). {TITLE}. Journal of Marine Biology, 12(3), 101–119. "
    "https://doi.org/10.1000/JMB.12.3",
    "ieee": f"[7] A. Otero and K. L. Wu, “{TITLE},” Journal of Marine Biology, vol. 12, no. 3, "
    "pp. 101-119, 2019.",
    "latex": f"A. Otero and K. L. Wu. {TITLE}. Journal of Marine Biology, 12(3):101–119, 2019.",
    "author-year": f"Otero, A. and Wu, K. L. (2019a). {TITLE}. Journal of Marine Biology, "
    "12(3):101–119.",
    "chicago": f"Otero, A., and K. L. Wu. 2019. “{TITLE}.” Journal of Marine Biology 12 (3): "
    "101–119.",
}


@pytest.mark.parametrize("style", ARTICLES)
def test_an_article_in_each_style(style: str) -> None:
    found = parse_reference("b7", ARTICLES[style])
    assert {name: getattr(found, name) for name in ARTICLE} == ARTICLE
    assert found.container in ("J Mar Biol", "J Mar Biol.", "Journal of Marine Biology")
    families = [name.partition(",")[0] for name in found.authors]
    assert families == ["Otero", "Wu"]
    assert found.doi == ("10.1000/jmb.12.3" if style == "apa" else None)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (
            "Romero-Díaz, P. y García, M.ª J. (2015). «Efectos del riego nocturno en los olivares "
            "del sur», Revista Española de Agronomía, vol. 8, núm. 2, pp. 33-47.",
            Reference(
                id="",
                title="Efectos del riego nocturno en los olivares del sur",
                authors=("Romero-Díaz, P.", "García, M.ª J."),
                year="2015",
                container="Revista Española de Agronomía",
                volume="8",
                issue="2",
                pages="33-47",
            ),
        ),
        (
            "Romero P, García MJ. Efectos del riego nocturno en los olivares del sur. Rev Esp "
            "Agron. 2015;8(2):33-47.",
            Reference(
                id="",
                title="Efectos del riego nocturno en los olivares del sur",
                authors=("Romero, P", "García, MJ"),
                year="2015",
                container="Rev Esp Agron",
                volume="8",
                issue="2",
                pages="33-47",
            ),
        ),
        (
            "Otero, A., Wu, K.: Learning to sort shells. In: Proceedings of the 9th International "
            "Conference on Machine Learning, pp. 12–19. ACM, New York (2012)",
            Reference(
                id="",
                title="Learning to sort shells",
                authors=("Otero, A.", "Wu, K."),
                year="2012",
                container="Proceedings of the 9th International Conference on Machine Learning",
                pages="12-19",
            ),
        ),
        (
            "A. Otero, K. Wu, Phys. Rev. Lett. 98 (2007) 012301.",
            Reference(
                id="",
                authors=("Otero, A.", "Wu, K."),
                year="2007",
                container="Phys. Rev. Lett.",
                volume="98",
                pages="012301",
            ),
        ),
    ],
)
def test_english_and_spanish(raw: str, wanted: Reference) -> None:
    found = parse_reference("", raw)
    assert found == wanted.model_copy(update={"raw": raw})


def test_a_book_is_the_work_itself() -> None:
    found = parse_reference(
        "b1", "Otero, A. (2004). The reefs of the south. Cambridge University Press."
    )
    assert (found.title, found.container, found.year) == ("The reefs of the south", "", "2004")


def test_an_organisation_is_the_author_where_no_person_is() -> None:
    found = parse_reference(
        "b1",
        "World Health Organization. Guidelines for dengue control. Geneva: World Health "
        "Organization; 2009.",
    )
    assert found.title == "Guidelines for dengue control"
    assert found.authors == ("World Health Organization",)


def test_editors_are_no_authors() -> None:
    raw = (
        "Otero, A. Shells and their makers. In: Wu, K., Romero, P. (eds.) Handbook of Marine "
        "Biology, pp. 3–28. Springer, Berlin (2010)"
    )
    assert parse_reference("b2", raw).authors == ("Otero, A.",)


def test_brackets_and_question_marks_stay_with_the_title() -> None:
    raw = "Otero A, Wu K. Do reefs migrate? J Mar Biol. 2011;4:5-9. "
    assert parse_reference("b3", raw).title == "Do reefs migrate?"


def test_lines_become_one_and_the_order_is_kept() -> None:
    broken = ARTICLES["latex"].replace(" and the growth", "\n  and the growth")
    found = parse_references([("b1", broken), ("b2", ARTICLES["apa"])])
    assert [one.id for one in found] == ["b1", "b2"]
    assert found[0].raw == ARTICLES["latex"]


def test_threads_read_the_same() -> None:
    lines = list(ARTICLES.items()) * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda line: parse_reference(*line), lines))
    assert together == parse_references(lines)


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_any_text_is_read_and_nothing_is_made_up(raw: str) -> None:
    found = parse_reference("x", raw)
    assert found.title in found.raw
    assert found.container in found.raw
    assert found.volume in found.raw


def test_spans_follow_one_another() -> None:
    spans = spans_of(ARTICLES["ieee"])
    assert all(one.end <= two.start for one, two in itertools.pairwise(spans))
    assert {"author", "title", "journal", "volume", "issue", "pages", "date"} == {
        span.field for span in spans
    }


def test_without_the_package_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pycrfsuite", None)
    tagger._tagger.cache_clear()
    with pytest.raises(MissingExtra, match=r"cauce\[scholar\]"):
        spans_of("Otero A. Reefs. 2010.")
