"""The examples in the docstrings of liquid layers are run as they stand there."""

from __future__ import annotations

import doctest
import importlib

import pytest
import torch

MODULES = ("cfc", "ltc", "lrc", "memory", "wiring", "transplant.liquidize")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_give_what_they_show(name):
    module = importlib.import_module(f"cauce.models.liquid.{name}")
    results = doctest.testmod(module, extraglobs={"torch": torch})
    assert results.attempted > 0
    assert results.failed == 0
