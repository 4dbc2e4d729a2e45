"""Which citing sentences are used, and what is left of them without their marks."""

from __future__ import annotations

import pytest

from cauce.corpus.research.citing import Cited, Left, usable_sentences
from cauce.corpus.research.statements import shortened, statement_of
from cauce.corpus.research.wording import AUTHORS
from corpus.research.articles import article, unmarked_of


@pytest.mark.parametrize(
    ("sentence", "clean"),
    [
        ("Wolves hunt in packs «[1]».", "Wolves hunt in packs."),
        ("Wolves hunt in packs [«1», «2»]–[«4»].", "Wolves hunt in packs."),
        ("Wolves hunt in packs.«1,2»", "Wolves hunt in packs."),
        ("Wolves «1» and bears «2» hunt.", "Wolves and bears hunt."),
        ("Wolves hunt («Díaz 2001»; «Wu et al. 2002») in packs.", "Wolves hunt in packs."),
        ("Wolves hunt in packs «(Díaz and Wu, 2001)».", "Wolves hunt in packs."),
        ("Wolves hunt in packs (see, e.g., «[3]» and «[4]»).", "Wolves hunt in packs."),
        ("Wolves hunt in packs, see e.g. «[3]», «[4]» and «[5]».", "Wolves hunt in packs."),
        ("Wolves hunt in packs (for a review, see Ref. «12»).", "Wolves hunt in packs."),
        ("Los lobos cazan en manada (véase «[3]» y «[4]»).", "Los lobos cazan en manada."),
        ("Both [«1»] live in B2 (2001) and hunt «[2]».", "Both live in B2 (2001) and hunt."),
    ],
)
def test_marks_go_with_what_only_serves_them(sentence: str, clean: str) -> None:
    assert unmarked_of(sentence) == clean


@pytest.mark.parametrize(
    "sentence",
    [
        "Díaz et al. «[4]» found that wolves hunt in packs.",
        "«Díaz et al. (2004)» found that wolves hunt in packs.",
        "Díaz («2004») found that wolves hunt in packs.",
        "«Díaz and Wu (2004)» have recently shown that wolves hunt in packs.",
        "In an older study, Díaz and colleagues «4» reported that wolves hunt in packs.",
    ],
)
def test_what_named_authors_found_is_told_without_them(sentence: str) -> None:
    text = unmarked_of(sentence)
    assert text.count(AUTHORS) == 1
    assert statement_of(text, "en") == "Wolves hunt in packs."


@pytest.mark.parametrize(
    ("sentence", "statement"),
    [
        ("However, USUV (a flavivirus) infects birds.", "USUV infects birds."),
        ("It is well known that dogs bark at night.", "Dogs bark at night."),
        ("Several studies have shown that, in mice, it rains.", "In mice, it rains."),
        ("No study has shown that dogs bark.", "No study has shown that dogs bark."),
        ("Although cats are shy, dogs are loud at night.", "Dogs are loud at night."),
        ("Although cats, dogs, and cows are shy, owls are not.", None),
    ],
)
def test_the_statement_is_left_of_an_english_sentence(sentence: str, statement: str | None) -> None:
    assert statement_of(sentence, "en") == (statement or sentence)


@pytest.mark.parametrize(
    ("sentence", "statement"),
    [
        ("Sin embargo, los lobos cazan en manada.", "Los lobos cazan en manada."),
        ("Se ha demostrado que la vitamina D es útil.", "La vitamina D es útil."),
        ("Varios estudios sugieren que el agua sube.", "El agua sube."),
        ("Ningún estudio muestra que el agua sube.", "Ningún estudio muestra que el agua sube."),
    ],
)
def test_the_statement_is_left_of_a_spanish_sentence(sentence: str, statement: str) -> None:
    assert statement_of(sentence, "es") == statement


def test_shorter_statements_are_whole_clauses() -> None:
    statement = (
        "Wolves are known to hunt in packs, which helps them in winter, whereas lynxes hunt alone."
    )
    assert list(shortened(statement, "en")) == [
        statement,
        "Wolves are known to hunt in packs, which helps them in winter.",
        "Wolves are known to hunt in packs.",
    ]
    assert list(shortened("Because wolves are many, which is good, they hunt.", "en")) == []


LEFT = {
    "Wolves hunt «[1]».": "fewer words than 8-45",
    f"Wolves hunt {'very ' * 45}often «[1]».": "more words than 8-45",
    "We used the wolves of the northern forest in winter «[1]».": "about the article itself",
    "This virus is known to infect most of the birds of Europe «[1]».": "about the article itself",
    "They were found in all of the forests of the north «[1]».": "about the article itself",
    "The virus was found in all of the forests of the north «[1]».": "about the article itself",
    "Blood was taken from the wolves as described previously «[1]».": "points to a method",
    "The sequences were aligned with ClustalW under default values «[1]».": "points to a method",
    "«Díaz et al. (2001)» caught wolves in most of the northern forests.": "the cited authors",
    "Wolves were caught in the forests of the north by «[1]».": "the cited authors",
    "wolves of the north hunt in packs in winter «[1]».": "no whole sentence",
    "Wolves of the north hunt in packs, with x = 4 in winter «[1]».": "no whole sentence",
    "Wolves) of the north hunt in packs in the winter months «[1]».": "no whole sentence",
    "Wolves of the north hunt in packs in the winter months «[9]».": "none of the cited works",
}


@pytest.mark.parametrize(("sentence", "reason"), LEFT.items())
def test_what_is_left_has_its_reason(sentence: str, reason: str) -> None:
    [found] = usable_sentences(article("a", [sentence], without_doi=["9"]))
    assert isinstance(found, Left)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    "sentence",
    [
        "Esta enfermedad afecta sobre todo a los niños de zonas rurales «[1]».",
        "En nuestro estudio medimos la cantidad de plomo en el agua «[1]».",
        "Las muestras se analizaron como se describe en otros trabajos «[1]».",
    ],
)
def test_spanish_is_left_for_the_same_reasons(sentence: str) -> None:
    [found] = usable_sentences(article("a", [sentence], language="es"))
    assert isinstance(found, Left)


def test_a_used_sentence_knows_its_works_and_its_place() -> None:
    document = article(
        "a",
        [
            "Nothing is cited here.",
            "Wolves of the northern forest hunt in packs «[3]», «[9]», «[4]».",
        ],
        without_doi=["9"],
    )
    [found] = usable_sentences(document)
    assert isinstance(found, Cited)
    assert [work.doi for work in found.works] == ["10.1/a.3", "10.1/a.4"]
    assert found.id == "articles/a/en/body/23"
