"""Loading and saving without the progress bars and notices of the libraries underneath."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Within it, `transformers` draws no progress bars and `peft` does not warn about itself.

    peft 0.21 reads `is_gradient_checkpointing`, which transformers 5.23 deprecates; the filter can
    go when peft reads `is_activation_checkpointing` (2026-11).
    """
    from transformers.utils import logging as library_logging

    logging: Any = library_logging

    was_drawing = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            yield
    finally:
        if was_drawing:
            logging.enable_progress_bar()
