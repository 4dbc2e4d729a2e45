"""cauce adapts a language model to a domain, proves what changed, and shows its sources."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "CauceError": "cauce.errors",
    "Citation": "cauce.records",
    "Document": "cauce.records",
    "Example": "cauce.records",
    "Index": "cauce.knowledge.sections.index",
    "Message": "cauce.records",
    "NameResolver": "cauce.knowledge.names.resolver",
    "Recipe": "cauce.recipe",
    "Reply": "cauce.records",
    "Run": "cauce.runs",
    "Section": "cauce.records",
    "compare": "cauce.evaluation.compare",
    "fetch": "cauce.sources",
    "load_assistant": "cauce.assistant.loading",
    "load_recipe": "cauce.recipe",
    "train": "cauce.training.loop",
}

__all__ = sorted((*_HOMES, "__version__"))


def __getattr__(name: str) -> Any:
    """The public names, loaded when first used: `import cauce` costs no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cauce' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
