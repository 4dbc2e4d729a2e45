"""The recipes on the originals' data sets, read from folders that are laid out as on the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cauce.corpus.pairs import pair_of
from cauce.recipe import Recipe, load_recipe
from cauce.records import Document
from cauce.sources import HubSource, fetch
from shared import CHECKOUT

pytestmark = pytest.mark.filterwarnings("default")

LAYOUTS: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "mlsum-es": ("es", "train", [
        {"text": "El a&ntilde;o pasado llovió. Más en https://a.es/b.", "summary": "Llovió.",
         "topic": "españa", "url": "https://a.es", "title": "Lluvia", "date": "00/01/2010"},
        {"text": "Ganó el equipo.", "summary": "Victoria.", "topic": "deportes", "url": "https://b.es",
         "title": "Fútbol", "date": "00/02/2010"},
    ]),
    "medical-es": ("default", "es", [{"text": "Fiebre de 39 °C.  www.c.es"}, {"text": "Tos."}]),
    "tinystories": ("default", "train", [{"text": "Once upon a time…"}, {"text": "The\n\nend."}]),
    "yelp": ("yelp_review_full", "train", [
        {"label": 4, "text": 'Great!\\n\\nThey said \\"hi\\".'}, {"label": 0, "text": "Awful."},
    ]),
    "webinstruct": ("default", "train", [
        {"orig_question": "q", "orig_answer": "a", "source": "s", "index": 1,
         "question": "Is 1 &lt; 2?", "answer": "Yes."},
        {"orig_question": "q", "orig_answer": "a", "source": "s", "index": 2,
         "question": "Is 2 > 3?", "answer": "No."},
    ]),
}  # fmt: skip
"""Configuration, split and two rows of each, with all the columns that it has."""

STARS = ["1 star", "2 star", "3 stars", "4 stars", "5 stars"]


def laid_out(name: str, folder: Path) -> Path:
    """A folder as the hub has it: a card that names configurations, and Parquet files."""
    datasets = pytest.importorskip("datasets")
    config, split, rows = LAYOUTS[name]
    (folder / config).mkdir(parents=True)
    table = datasets.Dataset.from_list(rows)
    if "label" in rows[0]:
        table = table.cast_column("label", datasets.ClassLabel(names=STARS))
    table.to_parquet(folder / config / f"{split}-00000-of-00001.parquet")
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: {config}\n  data_files:\n  - split: {split}\n"
        f"    path: {config}/{split}-*\n---\n"
    )
    return folder


def read(name: str, folder: Path) -> tuple[Recipe, list[Document], dict[str, Any]]:
    from cauce.runs import read_records

    place = laid_out(name, folder / "data")
    recipe = load_recipe(CHECKOUT / "recipes" / f"{name}.yaml", [f"sources.0.name={place}"])
    summary = fetch(recipe.sources, folder / "out", lambda line: None)
    return recipe, list(read_records(folder / "out" / "documents.jsonl", Document)), summary


def pairs(recipe: Recipe, documents: list[Document]) -> list[tuple[str, str]]:
    made = [pair_of(it, recipe.corpus.instruction) for it in documents]  # type: ignore[union-attr]
    return [(it.messages[0].content, it.completion) for it in made if it]


def test_mlsum_is_an_article_and_its_summary(tmp_path: Path) -> None:
    recipe, documents, summary = read("mlsum-es", tmp_path)
    assert pairs(recipe, documents) == [
        ("Resume el siguiente artículo:\nEl año pasado llovió. Más en .", "Llovió."),
        ("Resume el siguiente artículo:\nGanó el equipo.", "Victoria."),
    ]
    assert [it.title for it in documents] == ["Lluvia", "Fútbol"]
    assert summary["cleaned"] == {"entities": 1, "nfc": 0, "urls": 1}
    assert recipe.training.precision != "fp16"


def test_the_medical_corpus_is_text(tmp_path: Path) -> None:
    _, documents, summary = read("medical-es", tmp_path)
    assert [it.sections[0].text for it in documents] == ["Fiebre de 39 °C.", "Tos."]
    assert {it.language for it in documents} == {"es"}
    assert summary["cleaned"]["urls"] == 1


def test_tinystories_are_text(tmp_path: Path) -> None:
    _, documents, _ = read("tinystories", tmp_path)
    assert [it.sections[0].text for it in documents] == ["Once upon a time…", "The\nend."]


def test_a_review_is_answered_by_the_name_of_its_class(tmp_path: Path) -> None:
    recipe, documents, summary = read("yelp", tmp_path)
    asked = "How many stars does this review give?"
    assert pairs(recipe, documents) == [
        (f'{asked}\nGreat!\nThey said "hi".', "5 stars"),
        (f"{asked}\nAwful.", "1 star"),
    ]
    assert summary["cleaned"]["escapes"] == 4


def test_webinstruct_is_a_question_and_its_answer(tmp_path: Path) -> None:
    recipe, documents, _ = read("webinstruct", tmp_path)
    assert pairs(recipe, documents) == [("Is 1 < 2?", "Yes."), ("Is 2 > 3?", "No.")]


@pytest.mark.parametrize("name", LAYOUTS)
def test_only_as_many_rows_are_read_as_the_recipe_says(name: str, tmp_path: Path) -> None:
    source = load_recipe(CHECKOUT / "recipes" / f"{name}.yaml").sources[0]
    assert isinstance(source, HubSource)
    assert source.max_rows is not None
    assert source.licence
    few = source.model_copy(update={"name": str(laid_out(name, tmp_path)), "max_rows": 1})
    assert len(list(few.documents())) == 1


def test_a_row_without_a_label_is_a_row_without_an_answer(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    stars, text = datasets.ClassLabel(names=STARS), datasets.Value("string")
    features = datasets.Features({"label": stars, "text": text})
    rows = [{"label": label, "text": "A"} for label in (-1, None, 0)]
    datasets.Dataset.from_list(rows, features=features).to_parquet(tmp_path / "train.parquet")
    source = load_recipe(CHECKOUT / "recipes" / "yelp.yaml").sources[0]
    local = source.model_copy(update={"name": str(tmp_path)})  # type: ignore[union-attr]
    found = [pair_of(it) for it in local.documents() if isinstance(it, Document)]
    assert [it.completion if it else None for it in found] == [None, None, "1 star"]
