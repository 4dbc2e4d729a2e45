"""Imports go one way, the network has its places, and only the edges print."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import CHECKOUT

PACKAGE = CHECKOUT / "src" / "cauce"
ORDER = """
errors records runs signatures audit sources knowledge safety corpus models training twin assistant
evaluation federated report serving
""".split()  # noqa: SIM905
GATHERERS = {
    "__init__",
    "__main__",
    "recipe",
    "road",
    "preparing",
    "federating",
    "improving",
    "cli",
    "commands",
    "twin_evaluating",
    "twinning",
    "doctor",
    "testing",
}
"""Modules beside the packages: they know several layers, and no layer knows them."""
OPENING = {
    ("assistant/assistant.py", "cauce.recipe"),
    ("assistant/loading.py", "cauce.recipe"),
}
"""A run is opened with the recipe that it was made by."""
NETWORK = {
    "httpx",
    "huggingface_hub",
    "urllib",
    "socket",
    "requests",
    "aiohttp",
    "datasets",
    "opensearchpy",
}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def layer_of(module: Path) -> str:
    return module.parts[0] if len(module.parts) > 1 else module.stem


def imports(module: Path) -> Iterator[str]:
    """Dotted names of everything that the module imports, at any depth and for types too."""
    for item in ast.walk(ast.parse((PACKAGE / module).read_text("utf-8"))):
        if isinstance(item, ast.Import):
            yield from (name.name for name in item.names)
        elif isinstance(item, ast.ImportFrom):
            assert item.level == 0, f"{module} imports relatively"
            yield str(item.module)
            if item.module == "cauce":
                yield from (f"cauce.{name.name}" for name in item.names)


def test_every_module_has_its_layer():
    assert {layer_of(module) for module in MODULES} == {*ORDER, *GATHERERS}


@pytest.mark.parametrize("layer", ORDER)
def test_imports_go_only_downwards(layer):
    below = set(ORDER[: ORDER.index(layer) + 1])
    upwards = [
        f"{module} imports {name}"
        for module in MODULES
        if layer_of(module) == layer
        for name in imports(module)
        if name.startswith("cauce.")
        and name.split(".")[1] not in below
        and (str(module), name) not in OPENING
    ]
    assert upwards == []


def test_the_network_is_reached_from_sources_and_by_pull_alone():
    reaching = {
        str(module)
        for module in MODULES
        if layer_of(module) not in ("sources", "doctor", "serving")
        and any(name.split(".")[0] in NETWORK for name in imports(module))
    }
    # OpenSearch is a store that a user names, in Python or in a recipe.
    stores = {"knowledge/sections/opensearch.py", "knowledge/sections/opensearch_loading.py"}
    # Messages between coordinator and sites; nothing else of a job does.
    transports = {name for name in reaching if name.startswith("federated/flower/")}
    # Writes the head of a model card, and never asks the hub.
    card = "report/trust/card.py"
    assert reaching <= {"models/finding.py", card, *stores, *transports}
    pull = [
        item.name
        for item in ast.parse((PACKAGE / "models" / "finding.py").read_text("utf-8")).body
        if isinstance(item, ast.FunctionDef) and "huggingface_hub" in ast.unparse(item)
    ]
    assert pull == ["pull"]


def test_only_the_edges_print():
    printing = {
        str(module)
        for module in MODULES
        if layer_of(module) not in ("report", "serving", "commands", "cli")
        for call in ast.walk(ast.parse((PACKAGE / module).read_text("utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "print"
    }
    assert printing == set()
