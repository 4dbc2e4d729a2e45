"""What every verb says to stderr; its results go to stdout."""

from __future__ import annotations

import sys


def tell(text: str) -> None:
    """Progress and advice, at once."""
    print(text, file=sys.stderr, flush=True)
