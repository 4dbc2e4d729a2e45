"""The examples of liquid layers, in docstrings and on their page, are run as they stand there."""

from __future__ import annotations

import doctest
import importlib
import re

import pytest
import torch

from shared import CHECKOUT

MODULES = ("cfc", "ltc", "lrc", "memory", "wiring", "transplant.liquidize")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_give_what_they_show(name):
    module = importlib.import_module(f"cauce.models.liquid.{name}")
    results = doctest.testmod(module, extraglobs={"torch": torch})
    assert results.attempted > 0
    assert results.failed == 0


def test_the_page_for_researchers_begins_with_code_that_runs():
    page = (CHECKOUT / "docs" / "liquid.md").read_text("utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    names: dict[str, object] = {}
    exec(code, names)
    assert names["outputs"].shape == (8, 100, 64)
    for picture in re.findall(r"\]\((images/[^)]+)\)", page):
        assert (CHECKOUT / "docs" / picture).is_file()
