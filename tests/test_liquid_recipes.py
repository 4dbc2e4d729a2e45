"""The recipes with liquid layers, walked to the report on tiny models of their classes.

One of them with the real tokenizer of GPT-2.
"""

from __future__ import annotations

import json

import pytest
import torch

from cauce.assistant.assistant import Assistant
from cauce.models.liquid import LTC, CfC, WiredCfC
from cauce.models.liquid.transplant import replaced_blocks
from cauce.models.tuned import load_tuned
from cauce.recipe import load_recipe
from cauce.runs import STAGES
from tiny_recipes import RECIPES, gpt2, gpt2_of_few_pieces, mistral, walked

LAYERS = {
    "gpt2-cfc-fc": (gpt2, CfC, ()),
    "gpt2-cfc-ncp": (gpt2_of_few_pieces, WiredCfC, ()),
    "gpt2-ltc-fc": (gpt2_of_few_pieces, LTC, ("model.liquid.units=8",)),
    "gpt2-ltc-ncp": (gpt2_of_few_pieces, LTC, ("model.liquid.units=12",)),
    "mistral-cfc-fc": (mistral, CfC, ("model.liquid.layers=[1]",)),
}
"""What makes the base, what takes the place of its MLPs, and what a tiny model needs changed."""


@pytest.fixture(scope="module", params=LAYERS)
def walk(request, tmp_path_factory):
    make, layer, changes = LAYERS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(0)
    make(folder / "base")
    quick = ("model.liquid.distil_steps=2", "model.liquid.backbone_units=8", *changes)
    return request.param, layer, walked(request.param, folder / "base", folder, *quick)


def test_the_road_ends_in_a_report_that_shows_the_control(walk):
    _, _, run = walk
    assert set(run.manifest["stages"]) == set(STAGES)
    page = (run.path / "report" / "report.html").read_text("utf-8")
    assert "Liquid layers beside their control" in page
    rows = json.loads((run.path / "train" / "transplant.json").read_text("utf-8"))
    difference = rows["liquid"]["parameters"] - rows["control"]["parameters"]
    assert abs(difference) < 100
    assert rows["liquid"]["added_parameters"] > 0


def test_the_tuned_model_has_the_layers_and_answers(walk):
    name, layer, run = walk
    loaded = load_tuned(run.path / "train" / "model")
    blocks = replaced_blocks(loaded.bare)
    assert [type(block.liquid) for block in blocks.values()] == [layer] * len(blocks)
    assert list(blocks) == ([1] if name == "mistral-cfc-fc" else [0])
    reply = Assistant.load(run).reply("How should bisacodyl be stored?")
    assert reply.citations[0].id == "bisacodyl"


@pytest.mark.parametrize("name", LAYERS)
def test_each_recipe_says_what_to_pull_and_what_is_not_measured(name):
    path = RECIPES / f"{name}.yaml"
    text = path.read_text("utf-8")
    recipe = load_recipe(path)
    assert recipe.run == name
    assert f"cauce models pull {recipe.model.base}" in text
    assert f"cauce run recipes/{name}.yaml" in text
    assert "Expected: not measured here" in text
    assert "the control beside it" in text
    assert recipe.notice
