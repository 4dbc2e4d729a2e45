from __future__ import annotations

import pytest

from federated.cast import Cast, make_cast


@pytest.fixture(scope="session")
def cast(tmp_path_factory) -> Cast:
    """Made once: nothing of it may be changed."""
    pytest.importorskip("cryptography", reason="needs the packages of cauce[federated]")
    return make_cast(tmp_path_factory.mktemp("cast"))
