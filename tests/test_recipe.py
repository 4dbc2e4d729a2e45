from __future__ import annotations

import ast
import gzip
import re
from pathlib import Path

import pytest
import yaml

from cauce.errors import NotFound, RecipeError
from cauce.recipe import dump_recipe, load_recipe, parse_recipe, parse_source
from cauce.sources.detection import kind_of_path
from shared import CHECKOUT, shared_data

MINIMAL = {"run": "demo", "sources": [{"kind": "vademecum"}]}
NEW = {"architecture": "llama"}
FILES = {"kind": "files", "path": "a.txt"}
TEXT = {"corpus": {"kind": "text"}, "training": {"objective": {"kind": "pretrain"}}}
FHIR = (
    '<?xml version="1.0"?>\n<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/></Bundle>'
)
SPL = '<?xml version="1.0"?>\n<document xmlns="urn:hl7-org:v3"><setId root="1"/></document>'
LABEL = '{"spl_product_data_elements": ["Advil"], "set_id": "1", "openfda": {}}\n'


def written(folder: Path, text: str | None = None) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(MINIMAL) if text is None else text)
    return path


def refusal(data: dict[str, object]) -> str:
    with pytest.raises(RecipeError) as caught:
        parse_recipe({**MINIMAL, **data}, "recipe.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"training": {"stps": 3}}, "training.stps: no such key; the nearest is 'steps'."),
        ({"trainin": {}}, "trainin: no such key; the nearest is 'training'."),
        ({"evaluation": {"max_item": 3}}, "the nearest is 'max_items'."),
        (
            {"sources": [{"kind": "vademecum", "language": ["es"]}]},
            "sources.0.vademecum.language: no such key; the nearest is 'languages'.",
        ),
        (
            {"sources": [{"kind": "opnfda"}]},
            "sources.0.kind: no kind 'opnfda'; the nearest is 'openfda'",
        ),
        (
            {"sources": [{"kind": "xyz"}]},
            "kinds are openfda, spl, epi, cima, articles, arxiv, files, hub, news, vademecum, "
            "series_questions, preferences.",
        ),
        (
            {"assistant": {"zzz": 1}},
            "the keys here are answer_chars, batch_size, country, guards, max_new_tokens, "
            "model_names, passage_chars, policy, reader, remedy, twin_model, way.",
        ),
    ],
)
def test_an_unknown_key_names_its_place_and_the_nearest(data, said):
    assert said in refusal(data)
    assert refusal(data).startswith("recipe.yaml: ")


@pytest.mark.parametrize(
    ("data", "key", "found"),
    [
        ({"training": {"lr": 0}}, "training.lr", "found 0"),
        ({"training": {"steps": "many"}}, "training.steps", "found 'many'"),
        ({"seed": -1}, "seed", "found -1"),
        ({"run": "a/b"}, "run", "found 'a/b'"),
        ({"sources": []}, "sources", "at least 1 item"),
        ({"corpus": {"kinds": ["use", "colour"]}}, "corpus.questions.kinds", "colour"),
        ({"model": {"adapter": "qlora"}}, "model.adapter", "found 'qlora'"),
        ({"sources": [{"path": 3}]}, "sources.0", "kind"),
    ],
)
def test_an_impossible_value_is_named_with_its_key(data, key, found):
    assert f"{key}: " in refusal(data)
    assert found in refusal(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"training": {"restarts": 2}}, "set schedule to cosine_restarts or restarts to 0"),
        ({"training": {"schedule": "cosine_restarts"}}, "restarts is 0"),
        (
            {"training": {"schedule": "cosine_restarts", "restarts": 5, "steps": 5}},
            "5 restarts do not fit into 5 steps",
        ),
        ({"corpus": {"test_share": 0.45, "validation_share": 0.45}}, "less than 0.2 to train on"),
        ({"corpus": {"kind": "text"}}, "training.objective.kind is sft; set it to pretrain"),
        ({"corpus": {"kind": "tex"}}, "the nearest is 'text'; kinds are questions, pairs, text"),
        ({"corpus": {"kind": "text", "row_token": 9}}, "the nearest is 'row_tokens'"),
        ({**TEXT, "model": {"liquid": {}}}, "leave one of the two out"),
        ({"sources": [{**FILES, "split": "test"}]}, "set corpus.kind to text, or leave split out"),
        ({"model": {"base": "cauce-mini", "new": NEW}}, "leave one of the two out"),
        ({"model": {"base": ""}}, "give one of the two"),
        ({"model": {"new": NEW, "adapter": "lora"}}, "leave out adapter, quantize and liquid"),
        ({"model": {"new": NEW}}, "make it from texts with `cauce tokenizer train`"),
        (
            {"model": {"new": NEW}, "training": {"objective": {"kind": "distil", "teacher": "x"}}},
            "model.new has random weights",
        ),
    ],
)
def test_a_contradiction_is_refused_with_its_way_out(data, said):
    assert said in refusal(data)


def test_what_is_missing_is_required():
    with pytest.raises(RecipeError, match=r"x: run: is required\.\nsources: is required\."):
        parse_recipe({}, "x")


def test_several_mistakes_are_told_together():
    said = refusal({"training": {"stps": 1, "lr": -1}, "seed": -4})
    assert len(said.splitlines()) == 4


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("training.steps=400", lambda recipe: recipe.training.steps == 400),
        ("training.lr=1.0e-3", lambda recipe: recipe.training.lr == 1e-3),
        ("sources.0.languages=[es]", lambda recipe: recipe.sources[0].languages == ("es",)),
        ("sources.0.languages.1=en", lambda recipe: recipe.sources[0].languages == ("es", "en")),
        ("model.base=some/model", lambda recipe: recipe.model.base == "some/model"),
        ("training.steps=null", lambda recipe: recipe.training.steps is None),
        ("run=other", lambda recipe: recipe.run == "other"),
        ("notice=a=b", lambda recipe: recipe.notice == "a=b"),
    ],
)
def test_an_override_reaches_any_depth_with_yaml_values(override, read, tmp_path):
    data = {**MINIMAL, "sources": [{"kind": "vademecum", "languages": ["es", "es"]}]}
    recipe = load_recipe(written(tmp_path, yaml.safe_dump(data)), [override])
    assert read(recipe)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.steps", "has no '='.\nWrite it as training.steps=400."),
        ("run.name=x", "goes through 'run', which is 'demo'.\nName a section."),
        ("sources.3.path=x", "asks for item '3' of a list of 1.\nCount from 0 to 0."),
        ("sources.first.path=x", "asks for item 'first' of a list of 1."),
        ("training.stps=3", "the nearest is 'steps'"),
        ("training.steps=[", "is not YAML"),
    ],
)
def test_a_bad_override_says_how_to_write_it(override, said, tmp_path):
    with pytest.raises(RecipeError) as caught:
        load_recipe(written(tmp_path), [override])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run: [", "is not YAML"),
        ("- run", "holds list, not a mapping"),
        ("", "holds NoneType, not a mapping"),
        ("run: \0", "is not YAML"),
    ],
)
def test_a_file_that_is_no_recipe_says_what_it_is(text, said, tmp_path):
    with pytest.raises(RecipeError, match=said):
        load_recipe(written(tmp_path, text))


def test_a_recipe_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFound, match=r"no recipe at .*none.yaml"):
        load_recipe(tmp_path / "none.yaml")


def test_the_options_of_a_kind_make_a_source():
    source = parse_source("openfda", ["limit=3", "search=openfda.generic_name:ibuprofen"])
    assert (source.kind, source.limit, source.search) == (
        "openfda",
        3,
        "openfda.generic_name:ibuprofen",
    )  # type: ignore[union-attr]
    with pytest.raises(
        RecipeError, match=r"fetch openfda.*limt: no such key; the nearest is 'limit'"
    ):
        parse_source("openfda", ["limt=3"])
    with pytest.raises(RecipeError, match="no kind 'openfd'; the nearest is 'openfda'"):
        parse_source("openfd", [])


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("bundle.xml", FHIR, "epi"),
        ("bundle.json", '{"resourceType": "Bundle", "entry": []}', "epi"),
        ("label.xml", SPL, "spl"),
        ("labels.jsonl", LABEL, "openfda"),
        ("labels.json", f'{{"meta": {{}}, "results": [{LABEL}]}}', "openfda"),
        ("notes.md", "# Ibuprofen\nFor pain.", "files"),
        ("rows.csv", "title,text\nIbuprofen,For pain.\n", "files"),
        ("rows.jsonl", '{"title": "Ibuprofen"}\n', "files"),
    ],
)
def test_the_kind_of_a_source_is_told_from_its_content(name, text, kind, tmp_path):
    (tmp_path / name).write_text(text)
    recipe = parse_recipe({"run": "x", "sources": [{"path": str(tmp_path / name)}]}, "x")
    assert recipe.sources[0].kind == kind
    assert kind_of_path(tmp_path) == kind


def test_the_kind_of_a_packed_file_is_told_too(tmp_path):
    with gzip.open(tmp_path / "labels.jsonl.gz", "wt") as stream:
        stream.write(LABEL)
    assert kind_of_path(tmp_path) == "openfda"


def test_a_file_that_cannot_be_unpacked_is_left_to_its_source(tmp_path):
    for name in ("a.txt.xz", "b.txt.gz"):
        (tmp_path / name).write_bytes(b"no")
        assert kind_of_path(tmp_path / name) == "files"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("epi-aemps", "epi"),
        ("epi-aemps/53508.xml", "epi"),
        ("spl/cough.xml", "spl"),
        ("openfda/labels-150.jsonl.gz", "openfda"),
        ("openfda/otc-5-altered.json", "openfda"),
    ],
)
def test_the_kind_of_real_files_is_told(name, kind):
    assert kind_of_path(shared_data(name)) == kind


def test_a_path_without_files_is_not_found():
    with pytest.raises(NotFound, match=r"no file or folder 'absent.jsonl'"):
        parse_recipe({"run": "x", "sources": [{"path": "absent.jsonl"}]}, "x")


def test_a_recipe_is_read_as_it_was_written(tmp_path):
    data = {
        **MINIMAL,
        "notice": "Sólo de prueba",
        "model": {"adapter": "lora", "lora_targets": ["q_proj"]},
        "training": {"schedule": "cosine_restarts", "restarts": 2, "steps": 9},
    }
    recipe = parse_recipe(data, "x")
    assert load_recipe(written(tmp_path, dump_recipe(recipe))) == recipe
    assert "Sólo de prueba" in dump_recipe(recipe)


@pytest.mark.parametrize(
    "path", sorted((CHECKOUT / "recipes").glob("*.yaml")), ids=lambda path: path.name
)
def test_every_recipe_of_the_project_is_valid(path, tmp_path, monkeypatch):
    """A recipe whose data the user brings is given a file of that name."""
    monkeypatch.chdir(tmp_path)
    for source in yaml.safe_load(path.read_text())["sources"]:
        name = source.get("path", "")
        if name.endswith(".gz"):
            with gzip.open(name, "wt") as stream:
                stream.write(LABEL)
        elif name:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(LABEL)
    assert load_recipe(path).run


def fields_of_settings() -> dict[str, bool]:
    """Each field of the recipe, its sections and its sources; True where a docstring follows."""
    package = CHECKOUT / "src" / "cauce"
    files = [package / "recipe.py", *package.rglob("settings.py"), *package.glob("sources/*.py")]
    classes = [
        item
        for file in files
        for item in ast.parse(file.read_text("utf-8")).body
        if isinstance(item, ast.ClassDef)
        and re.fullmatch(r"Recipe|\w+Settings|(?!Readable)[A-Z]\w+Source", item.name)
    ]
    return {
        f"{item.name}.{field.target.id}": ast.get_docstring(ast.Module([after], [])) is not None
        for item in classes
        for field, after in zip(item.body, [*item.body[1:], ast.Pass()], strict=True)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def test_every_field_says_what_it_is():
    """Sections of the recipe and `kind` need no more than their class says.

    The bound keeps options few: it was 100 before models were made from nothing, of plain text, and
    125 before articles, 145 before a model could write for them, 151 before many sites, and 180
    before twins, images, preferences and what people say of answers.
    """
    documented = fields_of_settings()
    parts = ("corpus", "model", "training", "assistant", "evaluation", "federated")
    sections = {f"Recipe.{name}" for name in parts}
    bare = {name for name, has in documented.items() if not has and not name.endswith(".kind")}
    assert bare - sections == set()
    assert 40 <= len(documented) <= 215
