"""The commands and the recipe of the how-to on leaflets are ones that the package understands."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml

from cauce.recipe import parse_recipe, parse_source
from shared import CHECKOUT

PAGE = (CHECKOUT / "docs" / "how-to" / "leaflets.md").read_text("utf-8")
FETCHES = sorted(set(re.findall(r"cauce fetch (\w+ [^`\n]+?) --out", PAGE)))
CONDITIONS = sorted(set(re.findall(r"`('?search\.[^`]+|cache=\w+|limit=\d+)`", PAGE)))


@pytest.mark.parametrize("command", FETCHES)
def test_sources_are_named_with_their_options(command: str) -> None:
    kind, *options = shlex.split(command)
    assert parse_source(kind, options).kind == kind


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_are_understood(condition: str) -> None:
    (option,) = shlex.split(condition)
    options = [option] if not option.endswith("=") else [f"{option}x"]
    assert parse_source("cima", options) != parse_source("cima", [])


def test_every_row_of_the_page_was_found() -> None:
    assert len(FETCHES) == 6
    assert len(CONDITIONS) == 10


def test_the_recipe_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "a.xml").write_text('<Bundle xmlns="http://hl7.org/fhir"/>')
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    recipe = parse_recipe(yaml.safe_load(block), "leaflets")
    assert [source.kind for source in recipe.sources] == ["cima", "epi"]
