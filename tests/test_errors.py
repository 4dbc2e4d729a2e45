from __future__ import annotations

import ast
import re

import pytest

from cauce import errors
from cauce.errors import CauceError, MissingExtra
from shared import CHECKOUT

ERRORS = [item for item in vars(errors).values() if isinstance(item, type)]
EXIT_CODES = {
    "CauceError": 1,
    "UserError": 2,
    "RecipeError": 2,
    "MissingExtra": 2,
    "NotFound": 2,
    "TrainingRefused": 2,
    "TemplateMismatch": 2,
    "ConsentRefused": 2,
    "ConsentExpired": 2,
    "DataRefused": 3,
    "LeakageFound": 3,
    "CheckpointCorrupt": 3,
    "SourceUnavailable": 4,
    "NotForgotten": 5,
    "Interrupted": 75,
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_has_its_exit_code(error):
    assert error.exit_code == EXIT_CODES[error.__name__]
    assert issubclass(error, CauceError)


def test_the_tree_that_the_module_draws_is_the_one_there_is():
    drawn = re.findall(r"^[│ ├└─]*([A-Z]\w+)", str(errors.__doc__), flags=re.MULTILINE)
    assert [name for name in drawn if name in EXIT_CODES] == [error.__name__ for error in ERRORS]
    for error in ERRORS[1:]:
        [line] = [
            line for line in str(errors.__doc__).splitlines() if f" {error.__name__} " in line
        ]
        depth = len(error.__mro__) - len(CauceError.__mro__)
        assert len(re.match(r"[│ ├└─]*", line).group()) == 4 * depth  # type: ignore[union-attr]


def test_a_missing_extra_names_the_command():
    assert str(MissingExtra("cauce serve", "serve")).splitlines() == [
        "cauce serve needs packages that are not installed.",
        "Install them with: pip install 'cauce[serve]'",
    ]


def messages() -> list[tuple[str, ast.expr]]:
    """Place and first argument of every error that the package makes."""
    found = []
    names = {error.__name__ for error in ERRORS} - {"MissingExtra"}
    for path in sorted((CHECKOUT / "src" / "cauce").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in names
            ):
                found.append((f"{path.name}:{call.lineno}", call.args[0]))
    return found


def test_messages_say_what_was_found_and_what_to_do():
    """Two lines or more; most carry a value of the place where they arise."""
    built = [
        (place, text)
        for place, text in messages()
        if isinstance(text, ast.Constant | ast.JoinedStr)
    ]
    assert len(built) >= 20
    one_line = [place for place, text in built if "\\n" not in ast.unparse(text)]
    assert one_line == []
    with_value = [place for place, text in built if isinstance(text, ast.JoinedStr)]
    assert len(with_value) >= 0.8 * len(built)
