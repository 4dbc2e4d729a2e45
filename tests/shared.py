"""Where tests find the real inputs that are not part of the package."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def shared_data(name: str) -> Path:
    """The path of `name` among the shared inputs; skips the test, with the reason, where absent."""
    root = Path(os.environ.get("CAUCE_SHARED_DATA", CHECKOUT.parent / "shared" / "data"))
    path = root / name
    if not path.exists():
        pytest.skip(f"needs {name} of the shared inputs; set CAUCE_SHARED_DATA to their folder")
    return path
