from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cauce
from cauce import errors
from shared import CHECKOUT

PACKAGE = CHECKOUT / "src" / "cauce"
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_the_public_names_are_sorted_and_there():
    assert cauce.__all__ == sorted(set(cauce.__all__))
    for name in cauce.__all__:
        assert getattr(cauce, name)
    assert dir(cauce) == cauce.__all__


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="module 'cauce' has no attribute 'trian'"):
        _ = cauce.trian


def test_importing_costs_no_heavy_library():
    heavy = "{'torch', 'transformers', 'pydantic', 'yaml', 'lxml', 'fastapi', 'httpx'}"
    code = f"import cauce, sys; print(sorted({heavy} & set(sys.modules)))"
    assert output_of(code) == "[]"


def test_settings_cost_no_torch():
    heavy = "{'torch', 'transformers', 'httpx', 'lxml'}"
    code = f"import cauce.recipe, sys; print(sorted({heavy} & set(sys.modules)))"
    assert output_of(code) == "[]"


def output_of(code: str) -> str:
    completed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(CHECKOUT / "src")},
    )
    return completed.stdout.strip()


def public_definitions(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Modules, classes, functions and methods that a reader may call, with their place."""
    tree = ast.parse(path.read_text("utf-8"))
    place = str(path.relative_to(PACKAGE))
    yield place, tree
    for item in tree.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{place}:{item.name}", item
        if isinstance(item, ast.ClassDef) and not item.name.startswith("_"):
            for method in item.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{place}:{item.name}.{method.name}", method


def test_everything_public_says_what_it_gives():
    bare = [
        name
        for path in MODULES
        for name, item in public_definitions(path)
        if not name.rpartition(":")[2].rpartition(".")[2].startswith("_")
        and ast.get_docstring(item) is None  # type: ignore[arg-type]
    ]
    assert bare == []


def test_every_docstring_opens_with_one_sentence():
    """The first line ends what it says; nothing is left for a second line to finish."""
    hanging = [
        f"{name}: {text.splitlines()[0]}"
        for path in MODULES
        for name, item in public_definitions(path)
        if (text := ast.get_docstring(item))  # type: ignore[arg-type]
        and isinstance(item, ast.FunctionDef)
        and not text.splitlines()[0].endswith((".", ":", "`"))
    ]
    assert hanging == []


ERRORS = [name for name, item in vars(errors).items() if isinstance(item, type)]


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_raised_somewhere_and_tried_by_a_test(name):
    """A base class is tried through those below it."""
    below = {kind.__name__ for kind in descendants(getattr(errors, name))}
    sources = "\n".join(path.read_text("utf-8") for path in MODULES if path.name != "errors.py")
    tests = [
        path.read_text("utf-8")
        for path in CHECKOUT.glob("tests/**/*.py")
        if path.name not in ("test_public_api.py", "test_errors.py")
    ]
    assert any(f"{kind}(" in sources for kind in below)
    assert any(kind in text and "raises" in text for kind in below for text in tests)


def descendants(kind: type) -> set[type]:
    return {kind}.union(*(descendants(child) for child in kind.__subclasses__()))
